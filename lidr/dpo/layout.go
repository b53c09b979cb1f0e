package dpo

import (
	"cmp"
	"slices"
)

// text is what is computed of some rows: once what they all begin with, a pair's prompt at least, and behind it what
// each goes on with.
type text struct {
	rows           []int
	shared, length int
}

func newText(rows []row, members ...int) text {
	first := rows[members[0]].inputs()
	t := text{rows: members, shared: len(first)}
	for _, i := range members[1:] {
		t.shared = min(t.shared, common(first, rows[i].inputs()))
	}
	t.length = t.shared
	for _, i := range members {
		t.length += len(rows[i].inputs()) - t.shared
	}
	return t
}

func (r row) inputs() []int32 { return r.tokens[:len(r.tokens)-1] }

// common returns how many tokens a and b begin with that are equal.
func common(a, b []int32) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// positions returns how many positions a pass computes of a pair, or of its chosen side where it has no other.
func (p Pair) positions() int {
	chosen, rejected := p.Chosen[:max(0, len(p.Chosen)-1)], p.Rejected[:max(0, len(p.Rejected)-1)]
	return len(p.Prompt) + len(chosen) + len(rejected) - common(chosen, rejected)
}

// layout is where the tokens of a micro-batch's rows stand: packed into lines of equal width, each token with its span
// (see transformer.Model.HiddenPacked).
type layout struct {
	height, width int
	used          int      // columns that are no padding
	tokens        []int32  // [height, width], flat
	spans         []int32  // [height, width, 3]
	at            []placed // of each row
}

// placed are the places of a row's tokens, line·width+column: of the first, and of the first that it shares with none,
// which is number shared.
type placed struct{ start, own, shared int32 }

// index returns the place of token t of row i.
func (l *layout) index(i int, t int32) int32 {
	if p := l.at[i]; t >= p.shared {
		return p.own + t - p.shared
	}
	return l.at[i].start + t
}

// lay packs texts into lines.
func lay(rows []row, texts []text) layout {
	lines, columns, height, width := pack(texts)
	l := layout{height: height, width: width, at: make([]placed, len(rows)), tokens: make([]int32, height*width)}
	for i := range l.tokens { // padding attends to itself
		column := int32(i % width)
		l.spans = append(l.spans, column, column, column)
	}
	for k, t := range texts {
		line, column := lines[k]*width, columns[k]
		put := func(tokens []int32, span ...int32) {
			for _, token := range tokens {
				l.tokens[line+column] = token
				copy(l.spans[3*(line+column):], span)
				column++
			}
		}
		first := int32(column)
		put(rows[t.rows[0]].inputs()[:t.shared], first, first, first)
		shared := int32(column)
		for _, i := range t.rows {
			l.at[i] = placed{int32(line) + first, int32(line + column), int32(t.shared)}
			put(rows[i].inputs()[t.shared:], first, shared, int32(column))
		}
		l.used += t.length
	}
	return l
}

// packedWidth is the width up to which texts share a line. Wider ones save no padding.
const packedWidth = 512

// pack returns line and column of each text, the longest first into the first line with room, in the fewest positions:
// of all widths that hold the longest one, up to packedWidth, rounded up since every new shape is another compiled
// graph.
func pack(texts []text) (lines, columns []int, height, width int) {
	order := make([]int, len(texts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(texts[b].length, texts[a].length) })
	for w := 0; height == 0 || w < packedWidth; {
		w = roundUp(max(w+1, texts[order[0]].length), 8)
		var filled []int
		in, at := make([]int, len(texts)), make([]int, len(texts))
		for _, i := range order {
			n := texts[i].length
			line := slices.IndexFunc(filled, func(used int) bool { return used+n <= w })
			if line < 0 {
				line, filled = len(filled), append(filled, 0)
			}
			in[i], at[i] = line, filled[line]
			filled[line] += n
		}
		if height == 0 || len(filled)*w < height*width {
			lines, columns, height, width = in, at, len(filled), w
		}
	}
	return lines, columns, height, width
}
