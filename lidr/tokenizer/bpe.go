package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// pair is two neighbouring tokens.
type pair struct{ left, right int32 }

// merge is the token that a pair becomes. Pairs of lower rank are merged first.
type merge struct{ rank, id int32 }

// none is no token's id.
const none = -1

// bpe encodes single words (pre-tokens) by byte-pair merging. It is safe for concurrent use.
type bpe struct {
	bytes  [256]int32       // id of each single byte, or none
	chars  map[string]int32 // SentencePiece: ids of single characters, bytes being for those without; else nil
	merges map[pair]merge

	unknown int32 // the token of what has none, or none: it is left out
	fuse    bool  // several unknown characters in a row are one token

	whole map[string]int32 // ignore_merges: words that are tokens without merging; else nil

	mu    sync.RWMutex
	cache map[string][]int32
}

const (
	cacheWords    = 1 << 16 // beyond them the cache is emptied
	cacheWordSize = 64      // bytes; longer words rarely occur again
	longWord      = 32      // bytes; from this length on a heap is faster than the scan
)

// encode appends the ids of word to out.
func (b *bpe) encode(out []int, word string) []int {
	if id, ok := b.whole[word]; ok {
		return append(out, int(id))
	}
	b.mu.RLock()
	ids, ok := b.cache[word]
	b.mu.RUnlock()
	if !ok {
		ids = b.symbols(word)
		if len(ids) < longWord {
			ids = b.mergeScan(ids)
		} else {
			ids = b.mergeHeap(ids)
		}
		if len(word) <= cacheWordSize {
			b.mu.Lock()
			if len(b.cache) >= cacheWords || b.cache == nil {
				b.cache = map[string][]int32{}
			}
			b.cache[string([]byte(word))] = ids // a copy, or one word would keep the whole text alive
			b.mu.Unlock()
		}
	}
	for _, id := range ids {
		out = append(out, int(id))
	}
	return out
}

// symbols returns the tokens of word before any merge. A character without tokens becomes the unknown token, several in
// a row one where fuse is set, or nothing where there is none, so that its neighbours merge, as in the tokenizers
// library (models/bpe/model.rs, merge_word).
func (b *bpe) symbols(word string) []int32 {
	ids := make([]int32, 0, len(word))
	lost := false // the last character
	for at := 0; at < len(word); {
		end := at + 1
		if b.chars != nil {
			_, n := utf8.DecodeRuneInString(word[at:])
			end = at + n
			if id, ok := b.chars[word[at:end]]; ok {
				ids, lost = append(ids, id), false
				at = end
				continue
			}
		}
		char := word[at:end]
		at = end
		if b.spelled(char) {
			lost = false
			for i := range len(char) {
				ids = append(ids, b.bytes[char[i]])
			}
		} else if b.unknown != none {
			if !lost || !b.fuse {
				ids = append(ids, b.unknown)
			}
			lost = true
		}
	}
	return ids
}

// spelled reports whether each byte of a character has a token.
func (b *bpe) spelled(char string) bool {
	for i := range len(char) {
		if b.bytes[char[i]] == none {
			return false
		}
	}
	return true
}

// mergeScan applies the lowest-ranked merge, leftmost first, until none is left; quadratic, best for short words.
func (b *bpe) mergeScan(ids []int32) []int32 {
	for {
		best, at := merge{rank: 1<<31 - 1}, -1
		for i := 0; i+1 < len(ids); i++ {
			if m, ok := b.merges[pair{ids[i], ids[i+1]}]; ok && m.rank < best.rank {
				best, at = m, i
			}
		}
		if at < 0 {
			return ids
		}
		ids[at] = best.id
		ids = append(ids[:at+1], ids[at+2:]...)
	}
}

// mergeHeap returns the same in O(n log n): a heap of candidate merges over a doubly linked list of tokens, in which
// candidates whose tokens have changed are skipped.
func (b *bpe) mergeHeap(ids []int32) []int32 {
	n := int32(len(ids))
	next, prev := make([]int32, n), make([]int32, n)
	for i := range n {
		next[i], prev[i] = i+1, i-1
	}
	q := make(candidates, 0, n)
	push := func(i int32) {
		if i < 0 || next[i] >= n {
			return
		}
		p := pair{ids[i], ids[next[i]]}
		if m, ok := b.merges[p]; ok {
			q.push(candidate{m, p, i})
		}
	}
	for i := range n {
		push(i)
	}
	for len(q) > 0 {
		c := q.pop()
		i := c.at
		if ids[i] != c.left || next[i] >= n || ids[next[i]] != c.right {
			continue
		}
		j := next[i]
		ids[i], ids[j] = c.id, none // candidates that begin at j are invalid
		next[i] = next[j]
		if next[i] < n {
			prev[next[i]] = i
		}
		push(i)
		push(prev[i])
	}
	out := ids[:0]
	for i := int32(0); i < n; i = next[i] {
		out = append(out, ids[i])
	}
	return out
}

type candidate struct {
	merge
	pair
	at int32
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// candidates is a binary heap, the first candidate on top. It is container/heap without its calls through an interface,
// which take half of the time.
type candidates []candidate

func (q *candidates) push(c candidate) {
	h := append(*q, c)
	i := len(h) - 1
	for i > 0 && c.before(h[(i-1)/2]) {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = c
	*q = h
}

func (q *candidates) pop() candidate {
	h := *q
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if child >= len(h) || !h[child].before(last) {
			h[i] = last
			break
		}
		h[i] = h[child]
		i = child
	}
	*q = h
	return top
}
