package dpo

import (
	"math/bits"
	"slices"
)

// row is one token sequence of a micro-batch and the predictions that are trained in it. Its last token is only
// predicted, so no pass computes it.
type row struct {
	tokens  []int32
	at      []int32   // predicted are tokens[at+1], each from tokens[:at+1]
	weights []float32 // of each prediction's loss in the NLL part
}

// responseRow is a prompt with a response: all of the response is predicted, nothing of the prompt.
func responseRow(prompt, response []int32, weight float64) row {
	r := row{tokens: slices.Concat(prompt, response)}
	for i := range response {
		r.at = append(r.at, int32(len(prompt)+i-1))
		r.weights = append(r.weights, float32(weight))
	}
	return r
}

// weightedRow is a sequence of a pretraining batch, its weights multiplied by scale. Weight 0 is not predicted at all.
func weightedRow(w Weighted, scale float64) row {
	r := row{tokens: w.Tokens}
	for i, weight := range w.Weights {
		if weight != 0 {
			r.at = append(r.at, int32(i))
			r.weights = append(r.weights, float32(float64(weight)*scale))
		}
	}
	return r
}

// kind says what the rows of a micro-batch are.
type kind int

const (
	pairRows       kind = iota // the chosen sides of some pairs, then their rejected sides
	chosenRows                 // chosen sides alone
	replayRows                 // replayed sequences
	mismatchedRows             // of each mismatched pair its chosen, then its rejected side
	weightedRows               // sequences of a pretraining batch
)

// micro is a micro-batch, the rows of one forward pass. The arrays have the shapes of the compiled graph, so they are
// padded: with token 0 to the right of each line, with predictions of weight 0 that belong to no row.
type micro struct {
	kind       kind
	rows       []row
	ref        [][2]float64 // of pairRows and mismatchedRows
	kl         float64      // of pairRows
	pairWeight float64      // of each pair's loss, 1/pairs of the whole batch
	perToken   bool         // whether scores are divided by the responses' tokens
	padded     int          // number of rows, or with pairRows of pairs, padding included

	layout
	place, labels, owners []int32   // [predictions]: line·width+column of the hidden state, token, row
	weights               []float32 // [predictions]
}

// slots returns the padded number of rows.
func (m *micro) slots() int {
	if m.kind == pairRows {
		return 2 * m.padded
	}
	return m.padded
}

// slot returns the index of row i of m.rows among the padded rows.
func (m *micro) slot(i int) int {
	if n := len(m.rows) / 2; m.kind == pairRows && i >= n {
		return m.padded + i - n
	}
	return i
}

// newMicro lays out the rows of a micro-batch. full is the number of rows (pairs, with pairRows) of a full one.
func newMicro(k kind, rows []row, full int) micro {
	m := micro{kind: k, rows: rows}
	var texts []text
	switch n := len(rows) / 2; k {
	case pairRows:
		m.padded = min(roundUp(n, 1), full)
		for i := range n {
			texts = append(texts, newText(rows, i, n+i))
		}
	case mismatchedRows:
		m.padded = min(roundUp(2*n, 1), full)
		for i := range n {
			texts = append(texts, newText(rows, 2*i, 2*i+1))
		}
	default:
		m.padded = min(roundUp(len(rows), 1), full)
		for i := range rows {
			texts = append(texts, newText(rows, i))
		}
	}
	m.layout = lay(rows, texts)
	for i, r := range rows {
		for j, at := range r.at {
			m.place = append(m.place, m.index(i, at))
			m.labels = append(m.labels, r.tokens[at+1])
			m.owners = append(m.owners, int32(m.slot(i)))
			m.weights = append(m.weights, r.weights[j])
		}
	}
	predictions := len(m.place)
	for range roundUp(max(predictions, 1), 32) - predictions {
		m.place = append(m.place, 0)
		m.labels = append(m.labels, 0)
		m.owners = append(m.owners, int32(m.slots())) // no row
		m.weights = append(m.weights, 0)
	}
	return m
}

// roundUp returns the least multiple of q that is at least n, where q is a 16th of the power of two above n, and never
// below least: there are at most 8 sizes between a power of two and the next, and padding stays below 1/8.
func roundUp(n, least int) int {
	q := max(1<<bits.Len(uint(max(n-1, 0)))/16, least)
	return (n + q - 1) / q * q
}
