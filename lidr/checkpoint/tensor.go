package checkpoint

import (
	"fmt"
	"slices"
	"unsafe"

	"lidrlab/lidr/input"
)

// Tensor is a named array in row-major order, in the type that it is stored in: most often it is a part of a file that
// is mapped into memory, so that reading a model copies nothing. Its values are read by [Tensor.Float32s] and
// [Tensor.Each], which widen them.
type Tensor struct {
	Name  string
	Shape []int
	Type  *Type

	raw  []byte         // the values, as Type says
	file *input.Content // that raw is a part of, nil for memory of its own
	sum  *lowRank       // in the place of raw: values that are computed when they are read
}

// chunk is the number of values that are widened at a time: whole blocks of every type.
const chunk = 1 << 16

// NewTensor returns a tensor of float32 values. It keeps data, and is changed with it. The stored types are
// little-endian, and so are all machines that we compute on.
func NewTensor(name string, shape []int, data []float32) Tensor {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data))
	return Tensor{Name: name, Shape: shape, Type: F32, raw: raw}
}

// StoredTensor returns a tensor of values that are stored in raw as t says. file is what raw is a part of, nil for
// memory of its own. Numbers at an odd place are copied to where the processor can read them.
func StoredTensor(name string, shape []int, t *Type, raw []byte, file *input.Content) (Tensor, error) {
	values := 1
	for _, n := range shape {
		values *= n
	}
	if want := values / t.Block * t.Bytes; len(raw) != want || values%t.Block != 0 {
		return Tensor{}, fmt.Errorf("tensor %q has shape %v and %d bytes, expected %d of type %s", name, shape, len(raw),
			want, t.Name)
	}
	stored := Tensor{Name: name, Shape: shape, Type: t, raw: raw, file: file}
	if t.Block == 1 && uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%uintptr(t.Bytes) != 0 {
		return stored.copied()
	}
	return stored, nil
}

// Len returns the number of values.
func (t Tensor) Len() int {
	switch {
	case t.Type == nil:
		return 0
	case t.sum != nil:
		return t.sum.matrix.Len()
	}
	return len(t.raw) / t.Type.Bytes * t.Type.Block
}

// Raw returns the values as they are stored, which nobody may write, and the file that they are a part of: who uses
// them keeps it as long. It is nil for memory of their own. Both are nil for values that nothing stores, as of the
// result of [Adapter.Merge].
func (t Tensor) Raw() ([]byte, *input.Content) { return t.raw, t.file }

// Each calls f with the values as float32, some at a time, and the index of the first of them. f may not keep nor
// change them. Afterwards what a file holds of the tensor leaves the memory of the process again. An error is f's, or
// says that the tensor's file cannot be read any more.
func (t Tensor) Each(f func(from int, values []float32) error) error {
	if values, ok := t.own(); ok {
		for from := 0; from < len(values); from += chunk {
			if err := f(from, values[from:min(from+chunk, len(values))]); err != nil {
				return err
			}
		}
		return nil
	}
	defer t.Rest()
	buf := make([]float32, min(chunk, t.Len()))
	for from := 0; from < t.Len(); from += chunk {
		part := buf[:min(chunk, t.Len()-from)]
		if err := t.widen(part, from); err != nil {
			return err
		}
		if err := f(from, part); err != nil {
			return err
		}
	}
	return nil
}

// Float32s returns all values as float32. They are the tensor's own memory if it holds float32 in memory of this
// process, so nobody may change them. An error says that the tensor's file cannot be read any more.
func (t Tensor) Float32s() ([]float32, error) {
	if values, ok := t.own(); ok {
		return values, nil
	}
	values := make([]float32, t.Len())
	return values, t.widen(values, 0)
}

// own returns the values of a tensor of float32 in memory of this process.
func (t Tensor) own() ([]float32, bool) {
	if t.Type != F32 || t.file != nil || uintptr(unsafe.Pointer(unsafe.SliceData(t.raw)))%4 != 0 {
		return nil, t.Type == nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(t.raw))), len(t.raw)/4), true
}

// widen writes values into dst, from the one of that index on, which begins a block.
func (t Tensor) widen(dst []float32, from int) error {
	if t.sum != nil {
		return t.sum.widen(dst, from)
	}
	raw := t.raw[from/t.Type.Block*t.Type.Bytes:]
	if t.file == nil {
		t.Type.Decode(dst, raw)
		return nil
	}
	return input.Guard(func() error {
		t.Type.Decode(dst, raw)
		return nil
	}, t.file)
}

// Rest lets what a file holds of the tensor leave the memory of the process, until it is read again.
func (t Tensor) Rest() {
	if t.sum != nil {
		t.sum.matrix.Rest()
	} else if t.file != nil {
		t.file.Rest(t.raw)
	}
}

// copied returns the tensor in memory of this process.
func (t Tensor) copied() (Tensor, error) {
	raw := make([]byte, len(t.raw))
	err := input.Guard(func() error { copy(raw, t.raw); return nil }, t.file)
	t.raw, t.file = raw, nil
	return t, err
}

// sameValues says that two tensors hold the same numbers.
func sameValues(a, b Tensor) (bool, error) {
	if a.Len() != b.Len() {
		return false, nil
	}
	same, other := true, make([]float32, min(chunk, b.Len()))
	err := a.Each(func(from int, values []float32) error {
		part := other[:len(values)]
		if err := b.widen(part, from); err != nil {
			return err
		}
		same = same && slices.Equal(values, part)
		return nil
	})
	return same, err
}
