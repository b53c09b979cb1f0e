package gguf

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// entry is a tensor in a file.
type entry struct {
	name   string
	shape  []int // as in Hugging Face's files: the dimension that varies fastest is the last
	values int
	dtype  dtype
	from   io.ReaderAt
	offset int64 // in the file
}

func (t entry) size() int64 { return int64(t.values / t.dtype.block * t.dtype.blockBytes) }

// tensor reads the entry of a tensor. Its offset is one in the data until place has been called.
func (p *parser) tensor() (t entry, err error) {
	if t.name, err = p.text("the name of a tensor", maxKey); err != nil {
		return t, err
	}
	if !utf8.ValidString(t.name) {
		return t, fmt.Errorf("tensor %q: the name is not UTF-8", t.name)
	}
	what := fmt.Sprintf("tensor %q", t.name)
	rank, err := p.u32(what)
	switch {
	case err != nil:
		return t, err
	case rank < 1 || rank > maxRank:
		return t, fmt.Errorf("%s has %d dimensions; expected 1 to %d", what, rank, maxRank)
	}
	t.values = 1
	for range rank {
		n, err := p.u64(what)
		if err != nil {
			return t, err
		}
		if n < 1 || n > uint64(maxValues/t.values) {
			return t, fmt.Errorf("%s has a dimension of %d; expected at least 1, and at most %d values in all", what, n,
				maxValues)
		}
		t.values *= int(n)
		t.shape = append(t.shape, int(n))
	}
	slices.Reverse(t.shape)
	id, err := p.u32(what)
	if err != nil {
		return t, err
	}
	if t.dtype, err = dtypeOf(id); err != nil {
		return t, fmt.Errorf("%s has %w", what, err)
	}
	if width := t.shape[rank-1]; width%t.dtype.block != 0 {
		return t, fmt.Errorf("%s has rows of %d values of type %s; expected a multiple of %d", what, width, t.dtype.name,
			t.dtype.block)
	}
	offset, err := p.u64(what)
	if err == nil && offset > maxValues {
		err = fmt.Errorf("%s begins at byte %d of the data, beyond the end of the file", what, offset)
	}
	t.offset = int64(offset)
	return t, err
}

// place makes the tensors' offsets those in the file, and is an error for one that lies outside, at an odd place, or
// over another: what is read is never more than the file.
func (h *header) place(size, step int64) error {
	order := make([]*entry, len(h.tensors))
	for i := range h.tensors {
		t := &h.tensors[i]
		if t.offset%step != 0 {
			return fmt.Errorf("tensor %q begins at byte %d of the data; expected a multiple of %d", t.name, t.offset, step)
		}
		t.offset += h.data
		if t.offset > size || t.size() > size-t.offset {
			return fmt.Errorf("tensor %q needs %d bytes from byte %d on, and the file has %d; it is damaged or not whole, copy "+
				"or download it again", t.name, t.size(), t.offset, size)
		}
		order[i] = t
	}
	slices.SortStableFunc(order, func(a, b *entry) int { return cmp.Compare(a.offset, b.offset) })
	for i := 1; i < len(order); i++ {
		if before := order[i-1]; before.offset+before.size() > order[i].offset {
			return fmt.Errorf("tensors %q and %q overlap in the file; take another file", before.name, order[i].name)
		}
	}
	return nil
}

// part is a stretch of a tensor, whole blocks.
type part struct {
	tensor   *entry
	into     []float32
	from, to int // values
}

// decodeAll reads tensors and widens their values to float32, each into the slice of the same index, on all processors.
func decodeAll(tensors []entry, into [][]float32) error {
	var parts []part
	for i := range tensors {
		t := &tensors[i]
		for from := 0; from < t.values; from += chunk {
			parts = append(parts, part{t, into[i], from, min(from+chunk, t.values)})
		}
	}
	workers := runtime.GOMAXPROCS(0)
	failed := make([]error, workers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			var buffer []byte
			for failed[worker] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(parts) {
					return
				}
				buffer, failed[worker] = parts[i].decode(buffer)
			}
		})
	}
	wg.Wait()
	return cmp.Or(failed...) // one line, of one tensor
}

func (p part) decode(buffer []byte) ([]byte, error) {
	d := p.tensor.dtype
	buffer = slices.Grow(buffer[:0], d.bytes(chunk))[:d.bytes(p.to-p.from)]
	at := p.tensor.offset + int64(p.from/d.block)*int64(d.blockBytes)
	if n, err := p.tensor.from.ReadAt(buffer, at); n < len(buffer) {
		return buffer, fmt.Errorf("tensor %q: %w", p.tensor.name, err)
	}
	values := p.into[p.from:p.to]
	d.decode(values, buffer)
	for i, v := range values {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 { // in a quantized tensor, the scale of a block is damaged
			return buffer, fmt.Errorf("tensor %q has %g as value %d; the file is damaged, copy or download it again",
				p.tensor.name, v, p.from+i)
		}
	}
	return buffer, nil
}
