package local

import (
	"cmp"
	"slices"
)

// batchSize is the number of sequences that are computed together. It is not a setting: it decides which items share a
// batch, so another size would change answers in the last bit, and with them the stored work of an interrupted run.
const batchSize = 64

// batches sorts items by length (ties by index) and cuts them into batches of batchSize indices.
func batches(lengths []int) [][]int {
	order := make([]int, len(lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(lengths[i], lengths[j]) })
	return slices.Collect(slices.Chunk(order, batchSize))
}

// A graph is compiled for one shape, so sizes are rounded up to few values: rows to a power of two, and lengths to a
// multiple of 16, or of a sixteenth of the next power of two if that is more. At most 15 tokens or an eighth is wasted.

func rowBucket(n int) int {
	b := 1
	for b < n {
		b *= 2
	}
	return b
}

func lengthBucket(n int) int {
	unit := max(16, rowBucket(n)/16)
	return (n + unit - 1) / unit * unit
}

// padded returns sequences as [rows, length], each padded on the right with token 0.
func padded(sequences [][]int, rows, length int) []int32 {
	flat := make([]int32, rows*length)
	for r, ids := range sequences {
		for i, id := range ids {
			flat[r*length+i] = int32(id)
		}
	}
	return flat
}
