package fasttext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The first two numbers of a file, and the choices of a model that this package predicts with.
const (
	magic               = 793712314
	version             = 12
	hierarchicalSoftmax = 1
	supervised          = 3
	labelEntry          = 1
)

// centroids is the number of centroids of each part of a quantised vector: a code is a byte.
const centroids = 256

// maxValues is the most values that the input vectors may have in memory, 256 MiB of them.
const maxValues = 1 << 26

// reader reads a file's numbers, little-endian. After the first error it reads zeros.
type reader struct {
	data []byte
	err  error
}

func (r *reader) bytes(n int64) []byte {
	if r.err == nil && (n < 0 || n > int64(len(r.data))) {
		r.err = errors.New("the file is cut short, or a size in it is wrong")
	}
	if r.err != nil {
		return nil
	}
	read := r.data[:n]
	r.data = r.data[n:]
	return read
}

func (r *reader) int32() int {
	b := r.bytes(4)
	if b == nil {
		return 0
	}
	return int(int32(binary.LittleEndian.Uint32(b)))
}

func (r *reader) int64() int64 {
	b := r.bytes(8)
	if b == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func (r *reader) bool() bool {
	b := r.bytes(1)
	return b != nil && b[0] != 0
}

func (r *reader) floats(n int64) []float32 {
	if r.err == nil && (n < 0 || n > int64(len(r.data))/4) { // before n*4, which may overflow
		n = -1
	} else {
		n *= 4
	}
	b := r.bytes(n)
	values := make([]float32, len(b)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return values
}

// word reads bytes up to a zero.
func (r *reader) word() string {
	end := bytes.IndexByte(r.data, 0)
	b := r.bytes(int64(end) + 1)
	if end < 0 || b == nil {
		r.refuse("a word has no end")
		return ""
	}
	return string(b[:end])
}

func (r *reader) refuse(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// Read returns the model in the bytes of a file that fastText's quantize has written. A model with another loss than
// hierarchical softmax, or of dense input vectors, is an error.
func Read(file []byte) (*Model, error) {
	r := &reader{data: file}
	m := &Model{}
	r.header(m)
	counts := r.dictionary(m)
	r.input(m)
	r.output(m, counts)
	if r.err == nil && len(r.data) > 0 {
		r.refuse("%d bytes follow the model", len(r.data))
	}
	if r.err != nil {
		return nil, fmt.Errorf("fastText model: %w", r.err)
	}
	return m, nil
}

func (r *reader) header(m *Model) {
	if r.int32() != magic || r.int32() != version {
		r.refuse("the file does not begin with fastText's number and version %d", version)
	}
	m.dim = r.int32()
	r.bytes(4 * 4) // ws, epoch, minCount, neg
	m.wordGrams = r.int32()
	if loss, model := r.int32(), r.int32(); loss != hierarchicalSoftmax || model != supervised {
		r.refuse("loss %d of model %d, expected %d (hierarchical softmax) of %d (supervised)",
			loss, model, hierarchicalSoftmax, supervised)
	}
	m.bucket = r.int32()
	m.minGram = r.int32()
	m.maxGram = r.int32()
	r.bytes(4 + 8) // lrUpdateRate, t
	if m.dim <= 0 || m.bucket < 0 || m.maxGram > 0 && m.bucket == 0 {
		r.refuse("%d dimensions and %d buckets of n-grams", m.dim, m.bucket)
	}
}

// dictionary reads the words, the labels and the n-grams that are left after pruning, and returns the labels' counts.
func (r *reader) dictionary(m *Model) (counts []int64) {
	entries, words, labels := r.int32(), r.int32(), r.int32()
	r.bytes(8) // the number of tokens seen in training
	pruned := r.int64()
	if entries != words+labels || words < 0 || labels < 1 || entries > len(r.data) || pruned > int64(len(r.data)) {
		r.refuse("%d words and %d labels of %d entries, and %d n-grams", words, labels, entries, pruned)
	}
	if r.err != nil {
		return nil
	}
	m.words = make(map[string]int, words)
	total := int64(0)
	for i := range entries {
		word := r.word()
		count := r.int64()
		kind := r.bytes(1)
		if r.err != nil {
			return nil
		}
		if isLabel := kind[0] == labelEntry; isLabel != (i >= words) {
			r.refuse("entry %d, %q: words stand before labels", i, word)
		}
		if i < words {
			m.words[word] = i
			continue
		}
		m.labels = append(m.labels, word)
		if count < 0 || count > unbuilt-total {
			r.refuse("label %q was counted %d times", word, count)
		}
		counts = append(counts, count)
		total += count
	}
	m.pruned = pruned >= 0
	if !m.pruned {
		return counts
	}
	m.grams = make(map[int]int, pruned)
	for range pruned {
		bucket := r.int32()
		m.grams[bucket] = words + r.int32()
	}
	return counts
}

// input reads the quantised vectors of words and n-grams, and unpacks them.
func (r *reader) input(m *Model) {
	if !r.bool() {
		r.refuse("the input vectors are not quantised, expected a model that fastText's quantize has written")
	}
	normed := r.bool()
	rows, columns := r.int64(), r.int64()
	codes := r.bytes(int64(r.int32()))
	q := r.quantizer(m.dim)
	if columns != int64(m.dim) || rows < 0 || rows > maxValues/int64(max(1, m.dim)) ||
		int64(len(codes)) != rows*int64(q.parts) {
		r.refuse("%d codes for %d vectors of %d in %d parts, expected vectors of %d", len(codes), rows, columns, q.parts,
			m.dim)
	}
	var norms []byte
	var norm quantizer
	if normed {
		norms = r.bytes(rows)
		norm = r.quantizer(1)
	}
	if r.err != nil {
		return
	}
	m.input = make([]float32, 0, rows*columns)
	for i := range int(rows) {
		scale := float32(1)
		if normed {
			scale = norm.centroid(0, norms[i])[0]
		}
		for part, code := range codes[i*q.parts : (i+1)*q.parts] {
			for _, v := range q.centroid(part, code) {
				m.input = append(m.input, scale*v)
			}
		}
	}
	for gram, row := range m.grams {
		if row < 0 || row >= int(rows) {
			r.refuse("n-gram %d has vector %d of %d", gram, row, rows)
		}
	}
	if lookedUp := len(m.words) + m.bucket; m.pruned && len(m.words) > int(rows) || !m.pruned && lookedUp > int(rows) {
		r.refuse("%d vectors for %d words and %d buckets of n-grams", rows, len(m.words), m.bucket)
	}
}

// quantizer is a product quantiser: vectors in parts of size values (the last part may have fewer), each part one of
// 256 centroids.
type quantizer struct {
	parts, size, last int
	values            []float32
}

func (r *reader) quantizer(dim int) quantizer {
	own := r.int32()
	q := quantizer{parts: r.int32(), size: r.int32(), last: r.int32()}
	if own != dim || q.parts < 1 || q.size < 1 || q.last < 1 || q.last > q.size || q.parts > dim ||
		(q.parts-1)*q.size+q.last != dim {
		r.refuse("%d parts of %d values, the last one of %d, are quantised for vectors of %d", q.parts, q.size, q.last, own)
	}
	q.values = r.floats(int64(dim) * centroids)
	return q
}

func (q quantizer) centroid(part int, code byte) []float32 {
	first := (part*centroids + int(code)) * q.size
	size := q.size
	if part == q.parts-1 {
		first = part*centroids*q.size + int(code)*q.last
		size = q.last
	}
	return q.values[first : first+size]
}

// output reads the vectors of the tree's inner nodes and builds the tree.
func (r *reader) output(m *Model, counts []int64) {
	if r.bool() {
		r.refuse("the output vectors are quantised, expected dense ones (quantize without -qout)")
	}
	rows, columns := r.int64(), r.int64()
	if r.err == nil && (rows != int64(len(m.labels)) || columns != int64(m.dim)) {
		r.refuse("%d output vectors of %d, expected %d of %d", rows, columns, len(m.labels), m.dim)
	}
	if r.err != nil {
		return
	}
	m.output = r.floats(rows * columns)
	m.tree = buildTree(counts)
}
