package miniature

import "math/rand/v2"

// draw makes a random problem of any split. Three fifths are sequences, one fifth
// comparisons, one fifth sharings.
func draw(r *rand.Rand) Problem {
	w := theWorld()
	p := Problem{Person: w.people[r.IntN(len(w.people))], Object: w.objects[r.IntN(len(w.objects))]}
	switch u := r.Float64(); {
	case u < .6:
		p.drawSequence(r)
	case u < .8:
		p.drawComparison(r)
	default:
		p.drawSharing(r)
	}
	p.ID = p.id()
	return p
}

// between returns a number from lo to hi, both included.
func between(r *rand.Rand, lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// move makes a move of the verb, with a second person where it has one.
func (p *Problem) move(r *rand.Rand, verb string, n int) Move {
	m := Move{Verb: verb, Number: n}
	if people := theWorld().people; verbs[verb].partner {
		for m.Other == "" || m.Other == p.Person {
			m.Other = people[r.IntN(len(people))]
		}
	}
	return m
}

// drawSequence draws a sequence: three in ten start from boxes and go on with 1 or 2 events, the others with 2 or 3.
func (p *Problem) drawSequence(r *rand.Rand) {
	var events int
	if r.Float64() < .3 {
		p.Boxes, p.PerBox = between(r, 2, 9), between(r, 2, 9)
		p.Start = p.Boxes * p.PerBox
		events = 1 + pick(r, .35)
	} else {
		p.Start = between(r, 8, 70)
		events = 2 + pick(r, .2)
	}
	x, last := p.Start, ""
	for len(p.Moves) < events {
		from := gains
		if r.IntN(2) == 0 {
			from = losses
		}
		name := from[r.IntN(len(from))]
		n := between(r, verbs[name].min, verbs[name].max)
		if verbs[name].op == "-" {
			n = -n
		}
		if name == last || x+n < minNumber || x+n > maxNumber {
			continue
		}
		x += n
		last = name
		p.Moves = append(p.Moves, p.move(r, name, max(n, -n)))
	}
}

// pick returns 1 with the given probability, else 0.
func pick(r *rand.Rand, probability float64) int {
	if r.Float64() < probability {
		return 1
	}
	return 0
}

// drawComparison draws a comparison: more, fewer or times as many, with a sum within range.
func (p *Problem) drawComparison(r *rand.Rand) {
	for {
		p.Start = between(r, 4, 45)
		verb := []string{"more", "fewer", "times"}[r.IntN(3)]
		n := between(r, verbs[verb].min, verbs[verb].max)
		p.Moves = []Move{p.move(r, verb, n)}
		if s := p.Steps(); s[0].Z >= minNumber && s[1].Z <= maxNumber {
			return
		}
	}
}

// drawSharing draws a sharing: equal parts of at most 9, after boxes or after one event.
func (p *Problem) drawSharing(r *rand.Rand) {
	for {
		friends, part := between(r, verbs["share"].min, verbs["share"].max), between(r, 2, 9)
		total := friends * part
		if r.Float64() < .4 {
			p.Boxes = between(r, 2, 9)
			p.PerBox = total / p.Boxes
			if total%p.Boxes != 0 || p.PerBox < 2 || p.PerBox > 9 || p.Boxes == friends {
				continue
			}
			p.Start = total
			p.Moves = []Move{p.move(r, "share", friends)}
			return
		}
		p.Boxes, p.PerBox = 0, 0
		from, sign := gains, -1
		if r.IntN(2) == 0 {
			from, sign = losses, 1
		}
		name := from[r.IntN(len(from))]
		n := between(r, verbs[name].min, verbs[name].max)
		p.Start = total + sign*n
		if p.Start < 4 || p.Start > maxNumber {
			continue
		}
		p.Moves = []Move{p.move(r, name, n), p.move(r, "share", friends)}
		return
	}
}
