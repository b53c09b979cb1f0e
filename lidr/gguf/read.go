package gguf

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
)

// Read reads a model from a GGUF file as checkpoint.Load reads it from a Hugging Face folder: tensors widened to
// float32 under their names there, and the files that tell of tokenizer and chat template. Errors name the key of the
// metadata or the tensor; a damaged or hostile file takes no memory beyond the file's size.
func Read(r io.ReaderAt, size int64) (*checkpoint.Checkpoint, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	return h.checkpoint()
}

// checkpoint reads the rest of the model whose header h is.
func (h *header) checkpoint() (*checkpoint.Checkpoint, error) {
	architecture, f, err := h.familyOf()
	if err != nil {
		return nil, err
	}
	config, err := h.configOf(architecture, f)
	if err != nil {
		return nil, err
	}
	ck := &checkpoint.Checkpoint{Config: config}
	if ck.Files, err = h.files(config); err != nil {
		return nil, err
	}
	ck.Tensors, err = h.read(config, f)
	return ck, err
}

// read reads the tensors that a model of the configuration has, which are all of the file.
func (h *header) read(c checkpoint.Config, f family) ([]checkpoint.Tensor, error) {
	byName := map[string]entry{}
	for _, e := range h.tensors {
		byName[e.name] = e
	}
	for _, name := range f.aside { // in the configuration
		delete(byName, name)
	}
	want := checkpoint.ExpectedTensors(c)
	var entries []entry
	var tensors []checkpoint.Tensor
	for _, name := range slices.Sorted(maps.Keys(want)) {
		there := f.tensorName(name)
		e, ok := byName[there]
		switch shape := want[name]; {
		case !ok:
			return nil, fmt.Errorf("tensor %q is missing; a %s model of %d layers has it", there, c.ModelType,
				c.NumHiddenLayers)
		case !slices.Equal(shape, e.shape):
			return nil, fmt.Errorf("tensor %q has shape %v; the metadata call for %v", there, e.shape, shape)
		}
		delete(byName, there)
		entries = append(entries, e)
		tensors = append(tensors, checkpoint.Tensor{Name: name, Shape: e.shape})
	}
	if len(byName) > 0 {
		names := slices.Sorted(maps.Keys(byName))
		return nil, fmt.Errorf("tensor %q belongs to no %s model that is computed here (%d such tensors in all)", names[0],
			c.ModelType, len(names))
	}
	values := make([][]float32, len(entries))
	for i, e := range entries {
		values[i] = make([]float32, e.values)
	}
	if err := decodeAll(entries, values); err != nil {
		return nil, err
	}
	for i, t := range tensors {
		data := values[i]
		if heads := f.heads(t.Name, c); heads > 0 {
			data = separate(data, heads, t.Shape[0])
		}
		if shift := f.shift(t.Name); shift != 0 {
			for j := range data {
				data[j] -= shift
			}
		}
		tensors[i] = checkpoint.NewTensor(t.Name, t.Shape, data)
	}
	return tensors, nil
}

// separate undoes interleave.
func separate(data []float32, heads, rows int) []float32 {
	out := make([]float32, len(data))
	width, dim := len(data)/rows, rows/heads
	for row := range rows {
		from := interleaved(row, dim)
		copy(out[row*width:(row+1)*width], data[from*width:(from+1)*width])
	}
	return out
}

// typesOf lists the formats of the file's tensors and how many have each, the most frequent first.
func (h *header) typesOf() string {
	count := map[string]int{}
	for _, e := range h.tensors {
		count[strings.ToUpper(e.dtype.name)]++
	}
	names := slices.Sorted(maps.Keys(count))
	slices.SortStableFunc(names, func(a, b string) int { return count[b] - count[a] })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%d)", name, count[name])
	}
	return strings.Join(names, ", ")
}
