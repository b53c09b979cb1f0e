package miniature

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Every number in a problem lies in this range: one or two digits, and never 1, so
// that no sentence needs a singular.
const (
	minNumber = 2
	maxNumber = 99
)

// Problem is a word problem in no language: Person has Start objects (or Boxes
// boxes of PerBox each, and Start is their product), and then Moves happen.
type Problem struct {
	ID             string // describes the problem in full; see Decode
	Person, Object string // keys: "anna", "apple"
	Start          int
	Boxes, PerBox  int // 0 when the start is a plain number
	Moves          []Move
}

// Move is one event, comparison or sharing.
type Move struct {
	Verb   string // a key of the moves: "buy", "more", "share" …
	Number int
	Other  string // the second person's key, for verbs that have one
}

// Step is one equation of the worked answer: X Op Y = Z.
type Step struct {
	X  int
	Op string // + - * /
	Y  int
	Z  int
}

type verb struct {
	op      string
	partner bool   // a second person takes part
	family  string // event: changes what the person has; compare: what the second person has; share: into equal parts
	min     int
	max     int
}

var verbs = map[string]verb{
	"buy":   {"+", false, "event", 2, 40},
	"find":  {"+", false, "event", 2, 40},
	"win":   {"+", false, "event", 2, 40},
	"get":   {"+", true, "event", 2, 40},
	"give":  {"-", true, "event", 2, 40},
	"lend":  {"-", true, "event", 2, 40},
	"lose":  {"-", false, "event", 2, 40},
	"sell":  {"-", false, "event", 2, 40},
	"more":  {"+", true, "compare", 2, 20},
	"fewer": {"-", true, "compare", 2, 20},
	"times": {"*", true, "compare", 3, 6}, // from 3: "2 times as many" reads badly in several languages
	"share": {"/", false, "share", 2, 9},
}

var (
	gains  = []string{"buy", "find", "get", "win"}
	losses = []string{"give", "lend", "lose", "sell"}
)

// Family returns "sequence" (events), "comparison" (who has more, and how many
// together) or "sharing" (events, then equal parts).
func (p Problem) Family() string {
	switch verbs[p.Moves[len(p.Moves)-1].Verb].family {
	case "compare":
		return "comparison"
	case "share":
		return "sharing"
	}
	return "sequence"
}

// Steps returns the equations of the worked answer, in order.
func (p Problem) Steps() []Step {
	var steps []Step
	x := p.Start
	if p.Boxes > 0 {
		steps = append(steps, Step{p.Boxes, "*", p.PerBox, x})
	}
	for _, m := range p.Moves {
		s := Step{X: x, Op: verbs[m.Verb].op, Y: m.Number}
		switch s.Op {
		case "+":
			s.Z = x + m.Number
		case "-":
			s.Z = x - m.Number
		case "*":
			s.Z = x * m.Number
		case "/":
			s.Z = x / m.Number
		}
		steps = append(steps, s)
		x = s.Z
	}
	if p.Family() == "comparison" {
		steps = append(steps, Step{p.Start, "+", x, p.Start + x})
	}
	return steps
}

// Result returns the answer's number.
func (p Problem) Result() int {
	steps := p.Steps()
	return steps[len(steps)-1].Z
}

func (p Problem) id() string {
	start := strconv.Itoa(p.Start)
	if p.Boxes > 0 {
		start = fmt.Sprintf("%dx%d", p.Boxes, p.PerBox)
	}
	parts := []string{p.Person, p.Object, start}
	for _, m := range p.Moves {
		s := m.Verb + strconv.Itoa(m.Number)
		if m.Other != "" {
			s += "." + m.Other
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "-")
}

var movePattern = regexp.MustCompile(`^([a-z]+)([0-9]{1,2})(?:\.([a-z]+))?$`)

// Decode returns the problem with an ID: person, object, start (42, or 6x7 for 6
// boxes of 7) and moves (verb, number, and the second person after a dot), joined by
// hyphens. The error names the part that is wrong.
func Decode(id string) (Problem, error) {
	bad := func(format string, args ...any) (Problem, error) {
		return Problem{}, fmt.Errorf("problem id %q: "+format, append([]any{id}, args...)...)
	}
	w := theWorld()
	parts := strings.Split(id, "-")
	if len(parts) < 4 || len(parts) > 7 {
		return bad("has %d parts, expected person-object-start and 1 to 4 moves, as in anna-apple-42-buy15", len(parts))
	}
	p := Problem{Person: parts[0], Object: parts[1]}
	if !slices.Contains(w.people, p.Person) {
		return bad("unknown person %q", p.Person)
	}
	if !slices.Contains(w.objects, p.Object) {
		return bad("unknown object %q", p.Object)
	}
	if k, m, ok := strings.Cut(parts[2], "x"); ok {
		p.Boxes, _ = strconv.Atoi(k) // a number that cannot be read is 0 and out of range
		p.PerBox, _ = strconv.Atoi(m)
		p.Start = p.Boxes * p.PerBox
		if p.Boxes < 2 || p.Boxes > 9 || p.PerBox < 2 || p.PerBox > 9 {
			return bad("start %q: expected boxes x content, each 2 to 9", parts[2])
		}
	} else if p.Start, _ = strconv.Atoi(parts[2]); p.Start < minNumber || p.Start > maxNumber {
		return bad("start %q: expected a number from %d to %d", parts[2], minNumber, maxNumber)
	}
	for i, part := range parts[3:] {
		f := movePattern.FindStringSubmatch(part)
		if f == nil {
			return bad("move %q: expected a verb and its number, as in buy15 or give7.ben", part)
		}
		n, _ := strconv.Atoi(f[2])
		m := Move{f[1], n, f[3]}
		v, ok := verbs[m.Verb]
		switch {
		case !ok:
			return bad("move %q: unknown verb", part)
		case n < v.min || n > v.max:
			return bad("move %q: expected a number from %d to %d", part, v.min, v.max)
		case v.partner != (m.Other != ""):
			return bad("move %q: a second person is expected exactly for give, lend, get, more, fewer and times", part)
		case v.partner && (m.Other == p.Person || !slices.Contains(w.people, m.Other)):
			return bad("move %q: unknown second person, or the first person again", part)
		case v.family == "compare" && (len(parts) != 4 || p.Boxes > 0):
			return bad("move %q: a comparison stands alone after a plain start", part)
		case v.family == "share" && i != len(parts)-4:
			return bad("move %q: sharing comes last", part)
		}
		p.Moves = append(p.Moves, m)
	}
	for _, s := range p.Steps() {
		if s.Z < minNumber || s.Z > maxNumber || s.Op == "/" && s.X%s.Y != 0 {
			return bad("%d %s %d: expected a whole result from %d to %d", s.X, s.Op, s.Y, minNumber, maxNumber)
		}
	}
	if p.ID = p.id(); p.ID != id { // leading zeros
		return bad("expected it written as %q", p.ID)
	}
	return p, nil
}

// Problems returns the first n distinct problems drawn from a split with a seed: "pretrain", "prompts"
// or "eval". A longer list begins with the shorter one. The hash of its ID decides a problem's split, so
// splits are disjoint whatever the seeds. It panics on an unknown split.
func Problems(split string, n int, seed int64) []Problem {
	if split != "pretrain" && split != "prompts" && split != "eval" {
		panic(fmt.Sprintf("miniature: split %q: expected pretrain, prompts or eval", split))
	}
	r := stream(seed, "problems/"+split, 0)
	seen := map[string]bool{}
	var out []Problem
	for len(out) < n {
		p := drawFrom(r, split)
		if !seen[p.ID] {
			seen[p.ID] = true
			out = append(out, p)
		}
	}
	return out
}

func splitOf(id string) string {
	switch hash(id) % 10 {
	case 0:
		return "eval"
	case 1:
		return "prompts"
	}
	return "pretrain"
}

func drawFrom(r *rand.Rand, split string) Problem {
	for {
		if p := draw(r); splitOf(p.ID) == split {
			return p
		}
	}
}

// hash is FNV-1a of s, finished as in SplitMix64 so that all bits depend on all of s.
func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s)) // never fails
	z := h.Sum64()
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// stream is the random stream of item i of a purpose under a seed.
func stream(seed int64, purpose string, i int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), hash(purpose+"/"+strconv.Itoa(i))))
}
