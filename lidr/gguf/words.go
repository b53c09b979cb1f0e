package gguf

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Keys of the metadata that describe the tokenizer.
const (
	keyModel    = "tokenizer.ggml.model"
	keyPre      = "tokenizer.ggml.pre"
	keyTokens   = "tokenizer.ggml.tokens"
	keyTypes    = "tokenizer.ggml.token_type"
	keyScores   = "tokenizer.ggml.scores"
	keyMerges   = "tokenizer.ggml.merges"
	keyBOS      = "tokenizer.ggml.bos_token_id"
	keyEOS      = "tokenizer.ggml.eos_token_id"
	keyEOT      = "tokenizer.ggml.eot_token_id"
	keyEOM      = "tokenizer.ggml.eom_token_id"
	keyUnknown  = "tokenizer.ggml.unknown_token_id"
	keyPadding  = "tokenizer.ggml.padding_token_id"
	keyAddBOS   = "tokenizer.ggml.add_bos_token"
	keyAddEOS   = "tokenizer.ggml.add_eos_token"
	keyAddSpace = "tokenizer.ggml.add_space_prefix"
	keyTemplate = "tokenizer.chat_template"
)

var errNoTokens = fmt.Errorf("metadata %q is missing or no list of strings; take the file of a whole model", keyTokens)

// words are a vocabulary: the text and the type of each id.
type words struct {
	tokens []string
	types  []int32
	scores []float32
	inside int // ids from here on are no part of the model's vocabulary but tokens added to it
}

// words reads the vocabulary. Ids at its end that only pad the embeddings are left out.
func (h *header) words(rows int) (*words, error) {
	w := &words{}
	var ok bool
	if w.tokens, ok = h.metadata[keyTokens].([]string); !ok {
		return nil, errNoTokens
	}
	if len(w.tokens) > rows {
		return nil, fmt.Errorf("metadata %q has %d tokens, and tensor %q %d rows", keyTokens, len(w.tokens),
			"token_embd.weight", rows)
	}
	w.types = make([]int32, len(w.tokens))
	types, _ := h.metadata[keyTypes].([]int)
	for i := range w.types {
		if w.types[i] = normal; i < len(types) {
			w.types[i] = int32(types[i])
		}
	}
	w.scores, _ = h.metadata[keyScores].([]float32)
	if len(types) > 0 && len(types) < len(w.tokens) || len(w.scores) > 0 && len(w.scores) < len(w.tokens) {
		return nil, fmt.Errorf("metadata %q or %q is shorter than %q", keyTypes, keyScores, keyTokens)
	}
	ids := make(map[string]int, len(w.tokens))
	for id, text := range w.tokens {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("metadata %q: token %d, %q, is not UTF-8", keyTokens, id, text)
		}
		if text == "" { // as llama.cpp does
			w.tokens[id], w.types[id] = fmt.Sprintf("[EMPTY_%d]", id), unused
		}
		if other, twice := ids[w.tokens[id]]; twice {
			return nil, fmt.Errorf("metadata %q: ids %d and %d are both %q", keyTokens, other, id, text)
		}
		ids[w.tokens[id]] = id
	}
	n := len(w.tokens)
	for n > 0 && w.types[n-1] == unused && w.tokens[n-1] == padding(n-1) {
		n--
	}
	w.tokens, w.types = w.tokens[:n], w.types[:n]
	w.inside = n
	for w.inside > 0 && w.added(w.inside-1) {
		w.inside--
	}
	if slices.ContainsFunc(w.types[:w.inside], isAdded) {
		w.inside = n // the ids of tokens that are added to a vocabulary follow those of the vocabulary
	}
	return w, nil
}

// padding is the text of an id that no token has.
func padding(id int) string { return fmt.Sprintf("[PAD%d]", id) }

// added says that a token is found in a text before it is cut into words.
func (w *words) added(id int) bool { return isAdded(w.types[id]) }

func isAdded(kind int32) bool { return kind == control || kind == userDefined || kind == unknown }

// token returns the id of a special token.
func (h *header) token(key string) (id int, ok bool, err error) {
	value, ok := h.metadata[key]
	if !ok {
		return 0, false, nil
	}
	tokens, ok := h.metadata[keyTokens].([]string)
	if !ok {
		return 0, false, errNoTokens
	}
	id, isInt := value.(int)
	if !isInt || id < 0 || id >= len(tokens) {
		return 0, false, fmt.Errorf("metadata %q is %s, and the vocabulary has %d tokens", key, shown(value), len(tokens))
	}
	return id, true, nil
}

// flag returns a truth value of the metadata, or its default.
func (h *header) flag(key string, otherwise bool) bool {
	if value, ok := h.metadata[key].(bool); ok {
		return value
	}
	return otherwise
}
