package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"lidrlab/lidr/checkpoint"
)

// parser reads numbers and strings and keeps count of the bytes that are left.
type parser struct {
	from     *bufio.Reader
	at, left int64
	cut      bool // left ends before the file does
}

// read fills b, a part of what.
func (p *parser) read(b []byte, what string) error {
	if int64(len(b)) > p.left {
		return p.short(what)
	}
	n, err := io.ReadFull(p.from, b)
	p.at, p.left = p.at+int64(n), p.left-int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return p.short(what)
	}
	return err
}

func (p *parser) short(what string) error {
	if p.cut {
		return fmt.Errorf("%s lies beyond the first %d MiB, where no file in use has its header; take another file", what,
			maxMetadata>>20)
	}
	return fmt.Errorf("the file ends within %s, after %d bytes; it is damaged or not whole, copy or download it again",
		what, p.at+p.left)
}

func (p *parser) u32(what string) (uint32, error) {
	var b [4]byte
	err := p.read(b[:], what)
	return binary.LittleEndian.Uint32(b[:]), err
}

func (p *parser) u64(what string) (uint64, error) {
	var b [8]byte
	err := p.read(b[:], what)
	return binary.LittleEndian.Uint64(b[:]), err
}

// text reads a string of at most limit bytes.
func (p *parser) text(what string, limit int) (string, error) {
	n, err := p.u64(what)
	if err != nil {
		return "", err
	}
	if n > uint64(limit) {
		return "", fmt.Errorf("%s is a string of %d bytes; at most %d are accepted", what, n, limit)
	}
	b := make([]byte, min(n, uint64(max(p.left, 0))))
	if err := p.read(b, what); err != nil {
		return "", err
	}
	if uint64(len(b)) < n {
		return "", p.short(what)
	}
	return string(b), nil
}

// scalar reads one value: an int, float32, float64, bool or string.
func (p *parser) scalar(what string, kind uint32) (any, error) {
	if kind == typeString {
		return p.text(what, maxString)
	}
	size := sizes[kind]
	if size == 0 {
		return nil, fmt.Errorf("%s has type %d; expected 0 to 12", what, kind)
	}
	b := make([]byte, 8)
	if err := p.read(b[:size], what); err != nil {
		return nil, err
	}
	return number(what, kind, b)
}

// number decodes the number of a type in the first bytes of b, the others being zero.
func number(what string, kind uint32, b []byte) (any, error) {
	n := binary.LittleEndian.Uint64(b)
	switch kind {
	case typeInt8:
		return int(int8(n)), nil
	case typeInt16:
		return int(int16(n)), nil
	case typeInt32:
		return int(int32(n)), nil
	case typeFloat32:
		return math.Float32frombits(uint32(n)), nil
	case typeFloat64:
		return math.Float64frombits(n), nil
	case typeBool:
		if n > 1 {
			return nil, fmt.Errorf("%s is the truth value %d; expected 0 or 1", what, n)
		}
		return n == 1, nil
	case typeUint64:
		if n > math.MaxInt64 {
			return nil, fmt.Errorf("%s is %d; at most %d is accepted", what, n, math.MaxInt64)
		}
	}
	return int(n), nil
}

// array reads an array of strings, of float32, or of integers and truth values, as int.
func (p *parser) array(what string) (any, error) {
	kind, err := p.u32(what)
	if err != nil {
		return nil, err
	}
	n, err := p.u64(what)
	switch {
	case err != nil:
		return nil, err
	case kind == typeArray:
		return nil, fmt.Errorf("%s is an array of arrays, which no reader of GGUF takes", what)
	case n > maxElements:
		return nil, fmt.Errorf("%s has %d elements; at most %d are accepted", what, n, maxElements)
	case kind == typeString:
		return p.strings(what, n)
	case sizes[kind] == 0:
		return nil, fmt.Errorf("%s has elements of type %d; expected 0 to 12", what, kind)
	}
	size := int64(sizes[kind])
	if int64(n)*size > p.left {
		return nil, p.short(what)
	}
	raw := make([]byte, int64(n)*size)
	if err := p.read(raw, what); err != nil {
		return nil, err
	}
	switch kind {
	case typeFloat32:
		values := make([]float32, n)
		checkpoint.F32.Decode(values, raw)
		return values, nil
	case typeFloat64:
		return nil, nil // no key that is used
	}
	values, padded := make([]int, n), make([]byte, 8)
	for i := range values {
		copy(padded, raw[int64(i)*size:][:size])
		value, err := number(what, kind, padded)
		if err != nil {
			return nil, err
		}
		switch v := value.(type) {
		case int:
			values[i] = v
		case bool:
			if v {
				values[i] = 1
			}
		}
	}
	return values, nil
}

func (p *parser) strings(what string, n uint64) (any, error) {
	if n > uint64(p.left)/8 { // each has its length before it
		return nil, p.short(what)
	}
	values := make([]string, n)
	for i := range values {
		var err error
		if values[i], err = p.text(what, maxString); err != nil {
			return nil, err
		}
	}
	return values, nil
}
