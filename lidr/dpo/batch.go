package dpo

import (
	"math/bits"
	"slices"
)

// row is one token sequence of a micro-batch and the predictions that are trained in it.
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
// padded: with token 0 to the right of each row, with empty rows, with predictions of weight 0 that belong to no row.
type micro struct {
	kind          kind
	rows          []row
	ref           [][2]float64 // of pairRows and mismatchedRows
	kl            float64      // of pairRows
	pairWeight    float64      // of each pair's loss, 1/pairs of the whole batch
	perToken      bool         // whether scores are divided by the responses' tokens
	width, padded int          // columns; padded rows, or with pairRows padded pairs

	tokens                []int32   // [rows, width], flat
	place, labels, owners []int32   // [predictions]: row·width+column of the hidden state, token, row
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

// newMicro pads the rows of a micro-batch. full is the number of rows (pairs, with pairRows) of a full one, longest the
// model's context. A row's last token is only predicted, so the width is one less than the longest row.
func newMicro(k kind, rows []row, full, longest int) micro {
	m := micro{kind: k, rows: rows}
	n, predictions := len(rows), 0
	if k == pairRows {
		n /= 2
	}
	for _, r := range rows {
		m.width = max(m.width, len(r.tokens)-1)
		predictions += len(r.at)
	}
	// An epoch of the miniature's pairs makes some 20 shapes. Each compiles in milliseconds on the Go backends.
	m.padded = min(roundUp(n, 1), full)
	m.width = min(roundUp(m.width, 8), longest)
	m.tokens = make([]int32, m.slots()*m.width)
	for i, r := range rows {
		slot := m.slot(i)
		copy(m.tokens[slot*m.width:(slot+1)*m.width], r.tokens[:len(r.tokens)-1])
		for j, at := range r.at {
			m.place = append(m.place, int32(slot*m.width)+at)
			m.labels = append(m.labels, r.tokens[at+1])
			m.owners = append(m.owners, int32(slot))
			m.weights = append(m.weights, r.weights[j])
		}
	}
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
