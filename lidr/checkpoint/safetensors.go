package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"lidrlab/lidr/input"
)

// The safetensors format (github.com/huggingface/safetensors, README.md "Format"): eight bytes of little-endian header
// length, a JSON object name → {dtype, shape, data_offsets}, then the data without holes or overlaps.

const maxHeader = 100_000_000 // the format's own limit, in bytes

// entry is one tensor in a header.
type entry struct {
	name    string
	Dtype   string  `json:"dtype"`
	Shape   []int   `json:"shape"`
	Offsets []int64 `json:"data_offsets"` // begin and end, from the end of the header
	stored  *Type
	numel   int64
}

// ReadSafetensors reads every tensor of a safetensors file of size bytes, sorted by name, and its metadata. F32, F16
// and BF16 are read, and stay what they are. A file that breaks a rule of the format is an error; memory stays below
// the file's size and that of its header.
func ReadSafetensors(r io.ReaderAt, size int64) ([]Tensor, map[string]string, error) {
	entries, metadata, start, err := readHeader(r, size)
	if err != nil {
		return nil, nil, err
	}
	tensors := make([]Tensor, len(entries))
	for i, e := range entries { // in the order of the file
		raw := make([]byte, e.Offsets[1]-e.Offsets[0])
		if _, err := io.ReadFull(io.NewSectionReader(r, start+e.Offsets[0], int64(len(raw))), raw); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", e.name, err)
		}
		tensors[i] = Tensor{Name: e.name, Shape: e.Shape, Type: e.stored, raw: raw}
	}
	sortByName(tensors)
	return tensors, metadata, nil
}

// MapSafetensors is [ReadSafetensors] of a mapped file, with the tensors as parts of it.
func MapSafetensors(file *input.Content) ([]Tensor, map[string]string, error) {
	entries, metadata, start, err := readHeader(file, int64(len(file.Data)))
	if err != nil {
		return nil, nil, err
	}
	tensors := make([]Tensor, len(entries))
	for i, e := range entries {
		begin, end := start+e.Offsets[0], start+e.Offsets[1]
		if tensors[i], err = StoredTensor(e.name, e.Shape, e.stored, file.Data[begin:end:end], file); err != nil {
			return nil, nil, err
		}
	}
	sortByName(tensors)
	return tensors, metadata, nil
}

func sortByName(tensors []Tensor) {
	slices.SortFunc(tensors, func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
}

// readHeader returns the header's entries in the order of their data and the offset at which the data start.
func readHeader(r io.ReaderAt, size int64) ([]entry, map[string]string, int64, error) {
	var prefix [8]byte
	if size < 8 {
		return nil, nil, 0, fmt.Errorf("%d bytes are too few for a safetensors file", size)
	}
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, nil, 0, err
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, nil, 0, fmt.Errorf("header of %d bytes; expected at most %d", n, min(maxHeader, size-8))
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(r, 8, int64(n)), header); err != nil {
		return nil, nil, 0, err
	}
	entries, metadata, err := parseHeader(header, size-8-int64(n))
	return entries, metadata, 8 + int64(n), err
}

// parseHeader checks every rule of the format on a header in front of dataLen bytes of data.
func parseHeader(header []byte, dataLen int64) ([]entry, map[string]string, error) {
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, fmt.Errorf("header does not begin with {")
	}
	d := json.NewDecoder(bytes.NewReader(header))
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	var entries []entry
	var metadata map[string]string
	seen := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return nil, nil, fmt.Errorf("header: %w", err)
		}
		name := tok.(string) // a key of an object is always a string
		if name == "" || seen[name] {
			return nil, nil, fmt.Errorf("header has the name %q twice, or an empty name", name)
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := d.Decode(&metadata); err != nil {
				return nil, nil, fmt.Errorf("__metadata__: %w", err)
			}
			continue
		}
		e := entry{name: name}
		if err := d.Decode(&e); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if err := e.check(dataLen); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		entries = append(entries, e)
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	if rest := bytes.TrimRight(header[d.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, fmt.Errorf("header has %d bytes after its closing }", len(rest))
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]), cmp.Compare(a.Offsets[1], b.Offsets[1]))
	})
	at := int64(0)
	for _, e := range entries {
		if e.Offsets[0] != at {
			return nil, nil, fmt.Errorf("tensor %q begins at byte %d of the data; expected %d, without hole or overlap", e.name,
				e.Offsets[0], at)
		}
		at = e.Offsets[1]
	}
	if at != dataLen {
		return nil, nil, fmt.Errorf("the tensors end at byte %d of the data, the file at %d", at, dataLen)
	}
	return entries, metadata, nil
}

// check fills in the derived fields and checks that dtype, shape and offsets agree.
func (e *entry) check(dataLen int64) error {
	var err error
	if e.stored, err = typeOf(e.Dtype); err != nil {
		return err
	}
	if e.Shape == nil {
		return fmt.Errorf("shape is missing")
	}
	e.numel = 1
	for _, s := range e.Shape {
		if s < 0 || (s > 0 && e.numel > math.MaxInt64/8/int64(s)) {
			return fmt.Errorf("shape %v is impossible", e.Shape)
		}
		e.numel *= int64(s)
	}
	if len(e.Offsets) != 2 {
		return fmt.Errorf("data_offsets are %v; expected [begin, end]", e.Offsets)
	}
	if e.Offsets[0] < 0 || e.Offsets[1] < e.Offsets[0] || e.Offsets[1] > dataLen {
		return fmt.Errorf("data_offsets %v lie outside the %d bytes of data", e.Offsets, dataLen)
	}
	if got, want := e.Offsets[1]-e.Offsets[0], e.numel*int64(e.stored.Bytes); got != want {
		return fmt.Errorf("data_offsets %v hold %d bytes; shape %v of %s needs %d", e.Offsets, got, e.Shape, e.Dtype, want)
	}
	return nil
}

// WriteSafetensors writes tensors in the order of their names as dtype ("F32", "F16" or "BF16", rounded to nearest
// even). Equal arguments give equal bytes. A value too large for F16 is an error. transformers requires the metadata
// {"format": "pt"}; nil writes none.
func WriteSafetensors(w io.Writer, tensors []Tensor, dtype string, metadata map[string]string) error {
	to, err := typeOf(dtype)
	if err != nil {
		return err
	}
	header, sorted, err := encodeHeader(tensors, to, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	buf := make([]byte, to.Bytes*chunk)
	for _, t := range sorted {
		err := t.Each(func(_ int, values []float32) error {
			b := buf[:len(values)*to.Bytes]
			if i := to.encode(b, values); i >= 0 {
				return fmt.Errorf("tensor %q: %g does not fit %s; write BF16 or F32", t.Name, values[i], dtype)
			}
			_, err := w.Write(b)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// encodeHeader returns the length prefix with the header, padded by spaces to eight bytes so that the data are aligned,
// and the tensors in the order of their data.
func encodeHeader(tensors []Tensor, to *Type, metadata map[string]string) ([]byte, []Tensor, error) {
	sorted := slices.Clone(tensors)
	sortByName(sorted)
	var h bytes.Buffer
	h.WriteString("{")
	if metadata != nil {
		h.WriteString(`"__metadata__":{`)
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				h.WriteString(",")
			}
			fmt.Fprintf(&h, "%s:%s", quote(k), quote(metadata[k]))
		}
		h.WriteString("}")
	}
	off := 0
	for i, t := range sorted {
		n := 1
		for _, s := range t.Shape {
			n *= s
		}
		switch {
		case t.Name == "" || t.Name == "__metadata__":
			return nil, nil, fmt.Errorf("a tensor cannot be named %q", t.Name)
		case i > 0 && sorted[i-1].Name == t.Name:
			return nil, nil, fmt.Errorf("two tensors are named %q", t.Name)
		case n != t.Len():
			return nil, nil, fmt.Errorf("tensor %q has shape %v and %d values", t.Name, t.Shape, t.Len())
		}
		if i > 0 || metadata != nil {
			h.WriteString(",")
		}
		shape, err := json.Marshal(append([]int{}, t.Shape...)) // a scalar's shape is [], never null
		if err != nil {
			return nil, nil, err
		}
		end := off + n*to.Bytes
		fmt.Fprintf(&h, `%s:{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, quote(t.Name), to.Name, shape, off, end)
		off = end
	}
	h.WriteString("}")
	h.Write(bytes.Repeat([]byte(" "), -h.Len()&7))
	return append(binary.LittleEndian.AppendUint64(nil, uint64(h.Len())), h.Bytes()...), sorted, nil
}

func quote(s string) []byte {
	b, _ := json.Marshal(s) // a string never fails
	return b
}
