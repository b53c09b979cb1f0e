package gguf

import (
	"fmt"
	"io"
	"slices"

	"lidrlab/lidr/checkpoint"
)

// tensor is a named array, row-major, and the format that it is stored in.
type tensor struct {
	name  string
	shape []int
	data  checkpoint.Tensor
	heads int     // > 0: rows are interleaved within each head when they are written
	shift float32 // added to the values then
	dtype dtype
}

// tensorsOf lists the tensors: the factors of a scaled rotary embedding, then the others in the order of their Hugging
// Face names.
func tensorsOf(ck *checkpoint.Checkpoint, f family, matrix dtype) ([]tensor, error) {
	var tensors []tensor
	aside := func(name string, data []float32) {
		if data != nil {
			t := checkpoint.NewTensor(name, []int{len(data)}, data)
			tensors = append(tensors, tensor{name: name, shape: t.Shape, data: t, dtype: f32})
		}
	}
	aside(ropeFactors, rotaryFactors(ck.Config))
	if s := ck.Config.RopeScaling; s != nil {
		aside(longFactors, narrow(s.LongFactor))
		aside(shortFactors, narrow(s.ShortFactor))
	}
	for _, t := range ck.Tensors {
		out := tensor{name: f.tensorName(t.Name), shape: t.Shape, data: t, dtype: f32,
			heads: f.heads(t.Name, ck.Config), shift: f.shift(t.Name)}
		if len(t.Shape) > 1 {
			out.dtype = matrix
			if width := t.Shape[1]; width%matrix.stored.Block != 0 {
				return nil, fmt.Errorf("tensor %q has rows of %d values, not a multiple of %d; write f16, bf16 or f32",
					t.Name, width, matrix.stored.Block)
			}
		}
		tensors = append(tensors, out)
	}
	return tensors, nil
}

// narrow converts to float32.
func narrow(values []float64) []float32 {
	var out []float32
	for _, v := range values {
		out = append(out, float32(v))
	}
	return out
}

// write encodes the data, padded to the alignment.
func (t tensor) write(w io.Writer) error {
	data, err := t.data.Float32s()
	if err != nil {
		return err
	}
	if t.heads > 0 {
		data = interleave(data, t.heads, t.shape[0])
	}
	if t.shift != 0 {
		data = slices.Clone(data)
		for i := range data {
			data[i] += t.shift
		}
	}
	buf := make([]byte, t.dtype.bytes(chunk))
	for part := range slices.Chunk(data, chunk) {
		b := buf[:t.dtype.bytes(len(part))]
		if err := t.dtype.encode(b, part); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	size := t.dtype.bytes(len(data))
	_, err = w.Write(make([]byte, aligned(size)-size))
	return err
}

// interleave reorders a query's or key's rows. The rotary embedding rotates pairs of a head's dimensions: i with
// i+dim/2 in Hugging Face's layout, 2i with 2i+1 in that of llama.cpp's llama architecture (the qwens keep Hugging
// Face's), so rows i and i+dim/2 move to 2i and 2i+1 (convert_hf_to_gguf.py, LlamaModel.permute).
func interleave(data []float32, heads, rows int) []float32 {
	out := make([]float32, len(data))
	width, dim := len(data)/rows, rows/heads
	for row := range rows {
		to := interleaved(row, dim)
		copy(out[to*width:(to+1)*width], data[row*width:(row+1)*width])
	}
	return out
}

// interleaved returns where interleave moves a row of heads of dim rows.
func interleaved(row, dim int) int {
	head, i := row/dim, row%dim
	return head*dim + 2*(i%(dim/2)) + i/(dim/2)
}
