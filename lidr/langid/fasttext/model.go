// Package fasttext reads a text classifier of fastText in its quantised form (.ftz) and predicts with it, with
// fastText's labels and probabilities.
//
// [Read] unpacks a file of version 12 that was trained with hierarchical softmax and quantised without -qout, such as
// lid.176.ftz. [Model.Predict] splits a text into words and n-grams of characters, averages their vectors, and walks
// the tree of labels. A test compares both with what the Python package fasttext 0.9.2 returned.
package fasttext

import "strings"

// Model is a text classifier. It is safe for concurrent use.
type Model struct {
	dim              int
	minGram, maxGram int // characters of an n-gram
	wordGrams        int // words of the longest n-gram of words
	bucket           int // number of hashes of n-grams

	words  map[string]int // rows of input
	grams  map[int]int    // rows of the n-grams that are left after pruning, by hash
	pruned bool
	labels []string // with their prefix

	input  []float32 // a row of dim values for each word and n-gram
	output []float32 // a row for each inner node of the tree
	tree   []node
}

// Labels returns all labels without their prefix, those with the most training texts first.
func (m *Model) Labels() []string {
	labels := make([]string, len(m.labels))
	for i, label := range m.labels {
		labels[i] = strings.TrimPrefix(label, labelPrefix)
	}
	return labels
}

// What fastText knows by these strings: the end of a line, the two ends of a word, and a label.
const (
	endOfLine   = "</s>"
	wordBegin   = "<"
	wordEnd     = ">"
	labelPrefix = "__label__"
)

// Predict returns the k most probable labels of a text, the most probable first; fewer where the others' probabilities
// are below 0.00001, and none for a text of which the model knows no part. Line ends are spaces, as fastText asks its
// callers to make them.
func (m *Model) Predict(text string, k int) []Prediction {
	if k <= 0 {
		return nil
	}
	s := sum{model: m, values: make([]float32, m.dim)}
	var hashes []uint32
	for _, word := range append(strings.FieldsFunc(text, isSpace), endOfLine) {
		if row, known := m.words[word]; known {
			s.add(row)
		} else if strings.HasPrefix(word, labelPrefix) {
			continue // a label in the text is no word of it
		}
		hashes = append(hashes, hash(word))
		if word == endOfLine {
			break
		}
		if m.maxGram > 0 {
			s.addGrams(wordBegin + word + wordEnd)
		}
	}
	s.addWordGrams(hashes)
	if s.n == 0 {
		return nil
	}
	scale := float32(1 / float64(s.n))
	for i := range s.values {
		s.values[i] *= scale
	}
	found := m.search(s.values, k)
	for i := range found {
		found[i].Label = strings.TrimPrefix(found[i].Label, labelPrefix)
	}
	return found
}

// isSpace has fastText's separators of words, which are single bytes: a no-break space is part of a word.
func isSpace(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' || r == 0 }

// sum adds up rows of the model's input.
type sum struct {
	model  *Model
	values []float32
	n      int
}

func (s *sum) add(row int) {
	dim := s.model.dim
	for i, v := range s.model.input[row*dim : (row+1)*dim] {
		s.values[i] += v
	}
	s.n++
}

// addHash adds the row of an n-gram, unless it was pruned.
func (s *sum) addHash(h uint64) {
	bucket := int(h % uint64(s.model.bucket))
	if !s.model.pruned {
		s.add(len(s.model.words) + bucket)
	} else if row, left := s.model.grams[bucket]; left {
		s.add(row)
	}
}

// addGrams adds the n-grams of characters of a word with its ends. A single end is none.
func (s *sum) addGrams(word string) {
	for i := range len(word) {
		if word[i]&0xC0 == 0x80 { // inside a character
			continue
		}
		h := uint32(hashBegin)
		end := i
		for n := 1; end < len(word) && n <= s.model.maxGram; n++ {
			h = hashByte(h, word[end])
			end++
			for end < len(word) && word[end]&0xC0 == 0x80 {
				h = hashByte(h, word[end])
				end++
			}
			if n >= s.model.minGram && !(n == 1 && (i == 0 || end == len(word))) {
				s.addHash(uint64(h))
			}
		}
	}
}

// addWordGrams adds the n-grams of two words and more.
func (s *sum) addWordGrams(hashes []uint32) {
	if s.model.bucket == 0 {
		return
	}
	signed := func(h uint32) uint64 { return uint64(int64(int32(h))) } // fastText keeps the hashes as int32
	for i := range hashes {
		h := signed(hashes[i])
		for j := i + 1; j < len(hashes) && j < i+s.model.wordGrams; j++ {
			h = h*116049371 + signed(hashes[j])
			s.addHash(h)
		}
	}
}

// hashBegin is the hash of nothing, by the 32-bit FNV-1a.
const hashBegin = 2166136261

// hashByte adds a byte with its sign, as fastText does: above 127 this differs from FNV-1a.
func hashByte(h uint32, b byte) uint32 { return (h ^ uint32(int32(int8(b)))) * 16777619 }

func hash(word string) uint32 {
	h := uint32(hashBegin)
	for i := range len(word) {
		h = hashByte(h, word[i])
	}
	return h
}
