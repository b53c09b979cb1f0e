package gguf

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/input"
)

// Read reads a model from a GGUF file as checkpoint.Load reads it from a Hugging Face folder: tensors as they are
// stored, under their names there, and the files that tell of tokenizer and chat template. Errors name the key of the
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
	ck := &checkpoint.Checkpoint{Config: config, Sources: h.mapped}
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
	var names []string
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
		names = append(names, name)
	}
	if len(byName) > 0 {
		names := slices.Sorted(maps.Keys(byName))
		return nil, fmt.Errorf("tensor %q belongs to no %s model that is computed here (%d such tensors in all)", names[0],
			c.ModelType, len(names))
	}
	tensors, err := load(entries)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		tensors[i].Name = name
		if err := restore(&tensors[i], f.heads(name, c), f.shift(name)); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	return tensors, nil
}

// restore makes of a tensor what it is in a Hugging Face folder. One that is another here takes memory of its own: rows
// that are interleaved within each head, where heads is no 0, and values that shift was added to.
func restore(t *checkpoint.Tensor, heads int, shift float32) error {
	if heads > 0 {
		raw, file := t.Raw()
		out := make([]byte, len(raw))
		err := input.Guard(func() error { separate(out, raw, heads, t.Shape[0]); return nil }, file)
		if err != nil {
			return err
		}
		*t, err = checkpoint.StoredTensor(t.Name, t.Shape, t.Type, out, nil)
		return err
	}
	if shift != 0 {
		values, err := t.Float32s()
		if err != nil {
			return err
		}
		values = slices.Clone(values)
		for i := range values {
			values[i] -= shift
		}
		*t = checkpoint.NewTensor(t.Name, t.Shape, values)
	}
	return nil
}

// separate undoes interleave on the bytes of rows.
func separate(out, raw []byte, heads, rows int) {
	width, dim := len(raw)/rows, rows/heads
	for row := range rows {
		from := interleaved(row, dim)
		copy(out[row*width:(row+1)*width], raw[from*width:(from+1)*width])
	}
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
