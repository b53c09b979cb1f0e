package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"unsafe"

	"lidrlab/lidr/input"
)

// Hash returns the SHA-256, in hex, of everything that affects the model's answers: the configuration, the weights as
// float32 and the tokenizer's files. The type of the stored weights is no part of it, so a model saved as F32 and
// loaded again keeps its fingerprint. An error says that a file cannot be read any more, or was written to.
func (c *Checkpoint) Hash() (string, error) {
	h := sha256.New()
	c.hashConfig(h)
	if err := hashTensors(h, c.Tensors); err != nil {
		return "", err
	}
	c.hashFiles(h)
	for _, file := range c.Sources {
		if err := file.Check(); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Hash returns the SHA-256, in hex, of what the adapter adds to a model.
func (a *Adapter) Hash() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "adapter %d %v %q\n", a.Rank, a.Alpha, a.Targets)
	err := hashTensors(h, a.Tensors)
	return hex.EncodeToString(h.Sum(nil)), err
}

func hashTensors(h hash.Hash, tensors []Tensor) error {
	free := make(chan []float32, 3)
	for range cap(free) {
		free <- make([]float32, chunk)
	}
	for _, t := range tensors {
		fmt.Fprintf(h, "tensor %q %v\n", t.Name, t.Shape)
		if err := t.hash(h, free); err != nil {
			return err
		}
	}
	return nil
}

func (c *Checkpoint) hashConfig(h hash.Hash) {
	config, err := c.Config.encode("")
	if err != nil {
		config = fmt.Append(nil, c.Config) // only an unprintable number (NaN) gets here
	}
	fmt.Fprintf(h, "config %d\n%s", len(config), config)
}

func (c *Checkpoint) hashFiles(h hash.Hash) {
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		if companions[name] {
			fmt.Fprintf(h, "file %q %d\n", name, len(c.Files[name]))
			h.Write(c.Files[name])
		}
	}
}

// hash writes the values as little-endian float32. free holds buffers of a chunk each: one is hashed while others are
// widened into.
func (t Tensor) hash(h hash.Hash, free chan []float32) error {
	defer t.Rest()
	if t.Type == F32 || t.Len() == 0 {
		return input.Guard(func() error { h.Write(t.raw); return nil }, t.file)
	}
	full := make(chan []float32, cap(free))
	var failed error
	go func() {
		defer close(full)
		for from := 0; from < t.Len() && failed == nil; from += chunk {
			part := (<-free)[:min(chunk, t.Len()-from)]
			failed = t.widen(part, from)
			full <- part
		}
	}()
	for part := range full {
		h.Write(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(part))), 4*len(part)))
		free <- part[:chunk]
	}
	return failed
}
