package tokenizer

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"
)

// TrainOptions are the settings of [Train].
type TrainOptions struct {
	VocabSize int      // all ids: 256 bytes, merged tokens and specials
	Special   []string // special tokens; their ids follow those of the ordinary tokens, in this order
	Pattern   string   // the expression that cuts text into words; "" is QwenPattern
}

// Train learns byte-pair merges from texts (Sennrich et al. 2016, arXiv:1508.07909) and returns them as tokenizer.json.
// The tokenizer has no normalizer, so decoding gives back every byte. Ties go to the pair with the smaller ids, so that
// equal texts give equal bytes. Texts with too few pairs for VocabSize are an error.
func Train(texts []string, o TrainOptions) ([]byte, error) {
	pattern := cmp.Or(o.Pattern, QwenPattern)
	split, err := newSplitter(pattern, false)
	if err != nil {
		return nil, err
	}
	added := make([]addedToken, len(o.Special))
	ordinary := o.VocabSize - len(o.Special)
	for i, s := range o.Special {
		if s == "" || slices.Contains(o.Special[:i], s) {
			return nil, fmt.Errorf("special token %d is %q; expected distinct texts", i+1, s)
		}
		added[i] = addedToken{ID: ordinary + i, Content: s, Special: true}
	}
	if ordinary < 256 {
		return nil, fmt.Errorf("vocabulary size is %d; expected at least %d for 256 bytes and %d special tokens", o.VocabSize,
			256+len(o.Special), len(o.Special))
	}
	tr := newTrainer()
	tr.count(texts, &Tokenizer{splitters: []splitter{split}}, newMatcher(added))
	tr.learn(ordinary)
	if len(tr.tokens) < ordinary {
		return nil, fmt.Errorf("the texts give only %d ordinary tokens of the %d requested; add text or lower the "+
			"vocabulary size to %d", len(tr.tokens), ordinary, len(tr.tokens)+len(o.Special))
	}
	for _, a := range added {
		if id, ok := tr.ids[a.Content]; ok {
			return nil, fmt.Errorf("special token %q is also ordinary token %d; choose another text", a.Content, id)
		}
	}
	return tr.encode(pattern, added)
}

// trainer holds the distinct words as token sequences, and the number and place of the occurrences of every pair of
// neighbouring tokens.
type trainer struct {
	tokens []string // bytes of each id
	ids    map[string]int32
	merges []pair

	words  [][]int32
	counts []int            // of each word
	pairs  map[pair]int     // occurrences in all texts
	where  map[pair][]int32 // words that contain, or once contained, the pair
	queue  pairQueue
}

func newTrainer() *trainer {
	t := &trainer{ids: map[string]int32{}, pairs: map[pair]int{}, where: map[pair][]int32{}}
	order := make([]byte, 256) // ids in the order of the alphabet's characters, as Hugging Face's trainer assigns them
	for b := range order {
		order[b] = byte(b)
	}
	slices.SortFunc(order, func(a, b byte) int { return cmp.Compare(byteRunes[a], byteRunes[b]) })
	for _, b := range order {
		t.add(string([]byte{b}))
	}
	return t
}

func (t *trainer) add(token string) int32 {
	id, ok := t.ids[token]
	if !ok {
		id = int32(len(t.tokens))
		t.ids[token] = id
		t.tokens = append(t.tokens, token)
	}
	return id
}

// count collects the words between special tokens, in the order in which they first appear.
func (t *trainer) count(texts []string, splitter *Tokenizer, special *matcher) {
	index := map[string]int{}
	var pieces []string
	for _, text := range texts {
		special.cut(text, func(s string, _ int) {
			pieces = splitter.split(pieces[:0], s)
			for _, w := range pieces {
				i, ok := index[w]
				if !ok {
					i = len(t.words)
					index[w] = i
					word := make([]int32, len(w))
					for k := range len(w) {
						word[k] = t.ids[w[k:k+1]]
					}
					t.words, t.counts = append(t.words, word), append(t.counts, 0)
				}
				t.counts[i]++
			}
		}, func(*addedToken) {})
	}
	for i := range t.words {
		t.change(int32(i), +1)
	}
	for p, n := range t.pairs {
		t.queue = append(t.queue, counted{p, n})
	}
	heap.Init(&t.queue)
}

// change adds (sign 1) or takes away (sign -1) the pairs of word i.
func (t *trainer) change(i int32, sign int) {
	w := t.words[i]
	for k := 0; k+1 < len(w); k++ {
		p := pair{w[k], w[k+1]}
		t.pairs[p] += sign * t.counts[i]
		if l := t.where[p]; sign > 0 && (len(l) == 0 || l[len(l)-1] != i) {
			t.where[p] = append(l, i)
		}
	}
}

// learn merges the most frequent pair until there are size tokens or no pair is left.
func (t *trainer) learn(size int) {
	for len(t.tokens) < size && len(t.queue) > 0 {
		best := heap.Pop(&t.queue).(counted)
		if best.n == t.pairs[best.pair] { // else the count has changed, and the pair was queued again
			t.merge(best.pair)
		}
	}
}

// merge makes p a token and rewrites the words that contain it.
func (t *trainer) merge(p pair) {
	id := t.add(t.tokens[p.left] + t.tokens[p.right])
	t.merges = append(t.merges, p)
	touched := map[pair]bool{}
	for _, i := range t.where[p] {
		old := t.words[i]
		word := make([]int32, 0, len(old))
		for k := 0; k < len(old); k++ {
			if k+1 < len(old) && old[k] == p.left && old[k+1] == p.right {
				word = append(word, id)
				k++
			} else {
				word = append(word, old[k])
			}
		}
		if len(word) == len(old) { // an earlier merge took the pair away
			continue
		}
		t.change(i, -1)
		t.words[i] = word
		t.change(i, +1)
		for _, w := range [][]int32{old, word} {
			for k := 0; k+1 < len(w); k++ {
				touched[pair{w[k], w[k+1]}] = true
			}
		}
	}
	delete(t.pairs, p)
	delete(t.where, p)
	delete(touched, p)
	for q := range touched {
		if n := t.pairs[q]; n > 0 {
			heap.Push(&t.queue, counted{q, n})
		} else {
			delete(t.pairs, q)
			delete(t.where, q)
		}
	}
}

// encode writes tokenizer.json, the vocabulary in the order of ids.
func (t *trainer) encode(pattern string, added []addedToken) ([]byte, error) {
	var vocab bytes.Buffer
	vocab.WriteString("{")
	for id, token := range t.tokens {
		if id > 0 {
			vocab.WriteString(",")
		}
		key, err := marshal(byteText(token))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&vocab, "%s:%d", key, id)
	}
	vocab.WriteString("}")
	merges := make([]string, len(t.merges))
	for i, p := range t.merges {
		merges[i] = byteText(t.tokens[p.left]) + " " + byteText(t.tokens[p.right])
	}
	type object = map[string]any // marshalled in the order of its keys
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}
	return marshal(object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"Regex": pattern}, "behavior": "Isolated", "invert": false}, byteLevel}},
		"post_processor": byteLevel, "decoder": byteLevel,
		"model": object{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "",
			"end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
			"vocab":  json.RawMessage(vocab.Bytes()),
			"merges": merges},
	})
}

// marshal does not escape <, > and &, so that <|im_end|> can be found in the file.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

type counted struct {
	pair
	n int
}

// pairQueue has the most frequent pair on top, and of equals the one with the smaller ids.
type pairQueue []counted

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].n, q[i].n), cmp.Compare(q[i].left, q[j].left), cmp.Compare(q[i].right, q[j].right)) < 0
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(counted)) }
func (q *pairQueue) Pop() any {
	x := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return x
}
