package gguf

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"unicode/utf8"

	"lidrlab/lidr/input"
)

// What a file may ask of its reader. The largest vocabulary in use has 262,144 tokens and 580,604 merges, the longest
// list of tensors some 2,000 names.
const (
	maxPairs    = 1 << 12
	maxTensors  = 1 << 16
	maxElements = 1 << 22  // of an array of the metadata
	maxKey      = 1 << 10  // bytes of a key's or a tensor's name; llama.cpp has 64 for tensors
	maxString   = 1 << 24  // bytes; a licence's text may be long
	maxMetadata = 1 << 28  // bytes of the whole header
	maxRank     = 4        // dimensions of a tensor (GGML_MAX_DIMS)
	maxValues   = 1 << 40  // of a tensor
	maxAligned  = 64 << 10 // bytes of the alignment
)

// header is what a file says before its tensors' data.
type header struct {
	metadata map[string]any // int, float32, float64, bool, string, or a slice of int, float32 or string
	tensors  []entry        // in the order of the file
	data     int64          // where the tensors' data begin
	mapped   []*input.Content
}

// readHeader reads the header of a file of that size. It reads no more than maxMetadata bytes.
func readHeader(r io.ReaderAt, size int64) (*header, error) {
	p := &parser{from: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 1<<16), left: min(size, maxMetadata),
		cut: size > maxMetadata}
	h := &header{metadata: map[string]any{}}
	tensors, pairs, err := p.counts()
	if err != nil {
		return nil, err
	}
	for range pairs {
		key, value, err := p.pair()
		if err != nil {
			return nil, err
		}
		if _, twice := h.metadata[key]; twice {
			return nil, fmt.Errorf("metadata %q is there twice; take another file", key)
		}
		h.metadata[key] = value
	}
	seen := map[string]bool{}
	for range tensors {
		t, err := p.tensor()
		if err != nil {
			return nil, err
		}
		if seen[t.name] {
			return nil, fmt.Errorf("tensor %q is there twice; take another file", t.name)
		}
		seen[t.name] = true
		t.from = r
		h.tensors = append(h.tensors, t)
	}
	step, err := h.alignment()
	if err != nil {
		return nil, err
	}
	h.data = (p.at + step - 1) / step * step
	return h, h.place(size, step)
}

// alignment is what the offsets of tensors are multiples of.
func (h *header) alignment() (int64, error) {
	value, ok := h.metadata["general.alignment"]
	if !ok {
		return alignment, nil
	}
	n, _ := value.(int)
	if n < 1 || n > maxAligned || bits.OnesCount(uint(n)) != 1 {
		return 0, fmt.Errorf("metadata %q is %s; expected a power of two up to %d", "general.alignment", shown(value),
			maxAligned)
	}
	return int64(n), nil
}

// counts reads what the file begins with: magic, version and the sizes of both lists.
func (p *parser) counts() (tensors, pairs uint64, err error) {
	magic := make([]byte, 4)
	if err := p.read(magic, "the first four bytes"); err != nil {
		return 0, 0, err
	}
	if string(magic) != Magic {
		return 0, 0, fmt.Errorf("the file begins with %q; expected GGUF, so this is no GGUF file", magic)
	}
	n, err := p.u32("the version")
	switch {
	case err != nil:
		return 0, 0, err
	case bits.ReverseBytes32(n) == 2 || bits.ReverseBytes32(n) == version:
		return 0, 0, errors.New("the file is big-endian, and only little-endian ones are read; convert it by " +
			"gguf-convert-endian of the Python package gguf")
	case n != 2 && n != version: // 2 has the layout of 3
		return 0, 0, fmt.Errorf("the file has version %d of GGUF; expected 2 or 3, which llama.cpp writes since August 2023",
			n)
	}
	if tensors, err = p.u64("the number of tensors"); err != nil {
		return 0, 0, err
	}
	if pairs, err = p.u64("the number of metadata pairs"); err != nil {
		return 0, 0, err
	}
	if tensors > maxTensors || pairs > maxPairs {
		return 0, 0, fmt.Errorf("the file says that it has %d tensors and %d metadata pairs; at most %d and %d are accepted",
			tensors, pairs, maxTensors, maxPairs)
	}
	return tensors, pairs, nil
}

// pair reads an entry of the metadata.
func (p *parser) pair() (string, any, error) {
	key, err := p.text("a key of the metadata", maxKey)
	if err != nil {
		return "", nil, err
	}
	if !utf8.ValidString(key) {
		return "", nil, fmt.Errorf("metadata %q: the key is not UTF-8", key)
	}
	what := fmt.Sprintf("metadata %q", key)
	kind, err := p.u32(what)
	if err != nil {
		return "", nil, err
	}
	if kind == typeArray {
		value, err := p.array(what)
		return key, value, err
	}
	value, err := p.scalar(what, kind)
	return key, value, err
}
