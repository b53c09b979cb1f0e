package gguf

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/input"
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

func (t entry) size() int64 { return int64(t.dtype.bytes(t.values)) }

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
	if width := t.shape[rank-1]; width%t.dtype.stored.Block != 0 {
		return t, fmt.Errorf("%s has rows of %d values of type %s; expected a multiple of %d", what, width, t.dtype.name,
			t.dtype.stored.Block)
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

// part is a stretch of a tensor, whole blocks of its bytes.
type part struct {
	entry  *entry
	tensor checkpoint.Tensor
	from   int // value
	raw    []byte
}

// load returns tensors as they are stored, mapped where their file is, and checks on all processors that their values
// are finite.
func load(entries []entry) ([]checkpoint.Tensor, error) {
	tensors := make([]checkpoint.Tensor, len(entries))
	var parts []part
	for i := range entries {
		e := &entries[i]
		t, err := e.stored()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.name, err)
		}
		raw, _ := t.Raw()
		size := chunk / e.dtype.stored.Block * e.dtype.stored.Bytes
		for from := 0; from < len(raw); from += size {
			parts = append(parts, part{e, t, from / e.dtype.stored.Bytes * e.dtype.stored.Block,
				raw[from:min(from+size, len(raw))]})
		}
		tensors[i] = t
	}
	workers := runtime.GOMAXPROCS(0)
	failed := make([]error, workers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for failed[worker] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(parts) {
					return
				}
				failed[worker] = parts[i].check()
			}
		})
	}
	wg.Wait()
	return tensors, cmp.Or(failed...) // one line, of one tensor
}

// stored returns the tensor as it is stored, a part of its file if that is mapped.
func (t entry) stored() (checkpoint.Tensor, error) {
	if file, ok := t.from.(*input.Content); ok {
		raw := file.Data[t.offset:][:t.size():t.size()]
		return checkpoint.StoredTensor(t.name, t.shape, t.dtype.stored, raw, file)
	}
	raw := make([]byte, t.size())
	if n, err := t.from.ReadAt(raw, t.offset); n < len(raw) {
		return checkpoint.Tensor{}, err
	}
	return checkpoint.StoredTensor(t.name, t.shape, t.dtype.stored, raw, nil)
}

// check is an error for a value that is not finite: in a quantized tensor, the scale of a block is damaged. A finite
// scale makes finite values.
func (p part) check() error {
	_, file := p.tensor.Raw()
	return input.Guard(func() error {
		d := p.entry.dtype
		for _, at := range d.halves {
			for i := at; i < len(p.raw); i += d.stored.Bytes {
				if binary.LittleEndian.Uint16(p.raw[i:])&d.infinite == d.infinite {
					block := i / d.stored.Bytes
					values := make([]float32, d.stored.Block)
					d.stored.Decode(values, p.raw[block*d.stored.Bytes:])
					broken := func(v float32) bool { return math.Float32bits(v)&0x7f800000 == 0x7f800000 }
					k := max(0, slices.IndexFunc(values, broken))
					return fmt.Errorf("tensor %q has %g as value %d; the file is damaged, copy or download it again", p.entry.name,
						values[k], p.from+block*d.stored.Block+k)
				}
			}
		}
		return nil
	}, file)
}

// float32s returns the values of a tensor, which are few.
func (t entry) float32s() ([]float32, error) {
	tensors, err := load([]entry{t})
	if err != nil {
		return nil, err
	}
	return tensors[0].Float32s()
}
