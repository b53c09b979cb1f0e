package local

import (
	"cmp"
	"slices"
)

// batchSize is how many sequences are computed together. It decides which items share a batch, so it is no setting:
// answers would change in the last bit, and stored work of an interrupted run with them.
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
// multiple of 16, or of a sixteenth of the next power of two where that is more: at most 15 tokens or an eighth is waste.

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

// cacheRoom returns for how many positions a cache is made that holds n tokens now. Every step reads all of it, so room
// is made as answers grow.
func cacheRoom(n int) int { return lengthBucket(n + 48) }

// padded lays sequences out as [rows, length], each padded on the right with token 0.
func padded(sequences [][]int, rows, length int) []int32 {
	flat := make([]int32, rows*length)
	for r, ids := range sequences {
		for i, id := range ids {
			flat[r*length+i] = int32(id)
		}
	}
	return flat
}
