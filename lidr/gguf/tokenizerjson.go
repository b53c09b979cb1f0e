package gguf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// tokenizerJSON returns the tokenizer.json of the vocabulary, and whether documents begin and end with BOS and EOS.
func (h *header) tokenizerJSON(w *words) (text []byte, addBOS, addEOS bool, err error) {
	f := map[string]any{"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil, "pre_tokenizer": nil}
	model := map[string]any{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
		"end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false}
	switch kind, _ := h.metadata[keyModel].(string); kind {
	case "gpt2":
		addBOS, err = h.byteLevel(f, model)
	case "llama":
		addBOS = true
		err = h.sentencePiece(w, f, model)
	default:
		err = fmt.Errorf("metadata %q is %q; expected gpt2 or llama, so convert the model's Hugging Face folder instead",
			keyModel, kind)
	}
	if err != nil {
		return nil, false, false, err
	}
	addBOS, addEOS = h.flag(keyAddBOS, addBOS), h.flag(keyAddEOS, false)
	if f["post_processor"], err = h.around(w, addBOS, addEOS); err != nil {
		return nil, false, false, err
	}
	f["added_tokens"] = w.addedTokens(h.isPhi3())
	model["vocab"], f["model"] = json.RawMessage(w.vocabulary()), model
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(f)
	return b.Bytes(), addBOS, addEOS, err
}

// isPhi3 says that the vocabulary is Phi-3's own.
func (h *header) isPhi3() bool {
	return h.metadata["general.architecture"] == "phi3" && h.metadata[keyModel] == "llama"
}

// byteLevel describes a byte-level BPE.
func (h *header) byteLevel(f, model map[string]any) (addBOS bool, err error) {
	name, _ := h.metadata[keyPre].(string)
	p, ok := preTokenizerNamed(name)
	if !ok {
		return false, fmt.Errorf("metadata %q is %q, a pre-tokenizer that is not known here; expected one of %s", keyPre,
			name,
			knownPreTokenizers())
	}
	merges, ok := h.metadata[keyMerges].([]string)
	if !ok {
		return false, fmt.Errorf("metadata %q is missing or no list of strings", keyMerges)
	}
	pairs := make([]merge, len(merges))
	for i, m := range merges {
		_, first := utf8.DecodeRuneInString(m)
		at := strings.IndexByte(m[first:], ' ')
		if at < 0 || !utf8.ValidString(m) {
			return false, fmt.Errorf("metadata %q: merge %d is %q; expected two tokens with a space between", keyMerges, i, m)
		}
		pairs[i] = merge{m[:first+at], m[first+at+1:]}
	}
	if p.nfc {
		f["normalizer"] = map[string]string{"type": "NFC"}
	}
	f["pre_tokenizer"] = p.asJSON()
	f["decoder"] = map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}
	model["ignore_merges"], model["merges"] = p.whole, json.RawMessage(mergesText(pairs))
	return p.bos, nil
}

// around is the post_processor that puts BOS and EOS around a document.
func (h *header) around(w *words, addBOS, addEOS bool) (any, error) {
	special, single, both := map[string]any{}, []any{}, []any{}
	put := func(key string, pair *[]any, sequence int) error {
		id, ok, err := h.token(key)
		if err != nil {
			return err
		}
		if !ok || id >= len(w.tokens) {
			return fmt.Errorf("metadata %q is missing, and it is put around documents", key)
		}
		text := w.tokens[id]
		special[text] = map[string]any{"id": text, "ids": []int{id}, "tokens": []string{text}}
		*pair = append(*pair, map[string]any{"SpecialToken": map[string]any{"id": text, "type_id": sequence}})
		return nil
	}
	for sequence, name := range []string{"A", "B"} {
		var one []any
		if addBOS {
			if err := put(keyBOS, &one, sequence); err != nil {
				return nil, err
			}
		}
		one = append(one, map[string]any{"Sequence": map[string]any{"id": name, "type_id": sequence}})
		if addEOS {
			if err := put(keyEOS, &one, sequence); err != nil {
				return nil, err
			}
		}
		if sequence == 0 {
			single = one
		}
		both = append(both, one...)
	}
	if len(special) == 0 {
		return nil, nil
	}
	return map[string]any{"type": "TemplateProcessing", "single": single, "pair": both, "special_tokens": special}, nil
}

// addedToken is an entry of tokenizer.json's added_tokens.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// addedTokens lists the tokens that are found in a text before it is cut into words. Those of Phi-3's SentencePiece
// take the white space behind them, which GGUF does not say; llama.cpp knows it from the model's name
// (llama-vocab.cpp).
func (w *words) addedTokens(phi3 bool) []addedToken {
	added := []addedToken{}
	for id, text := range w.tokens {
		if w.added(id) {
			strip := phi3 && text != "<unk>" && text != "<s>" && text != "<|endoftext|>"
			added = append(added, addedToken{ID: id, Content: text, RStrip: strip, Special: w.types[id] != userDefined})
		}
	}
	return added
}

// vocabulary is the object of the tokens' ids, in their order.
func (w *words) vocabulary() []byte {
	b := []byte{'{'}
	for id, text := range w.tokens[:w.inside] {
		if id > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(appendQuoted(b, text), ":%d", id)
	}
	return append(b, '}')
}

// mergesText lists merges in the form that all versions of the tokenizers library read, "a b", or, where a token has a
// space, in that of 0.20 and later.
func mergesText(pairs []merge) []byte {
	spaced := slices.ContainsFunc(pairs, func(m merge) bool { return strings.Contains(m[0]+m[1], " ") })
	b := []byte{'['}
	for i, m := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		if spaced {
			b = append(appendQuoted(append(b, '['), m[0]), ',')
			b = append(appendQuoted(b, m[1]), ']')
		} else {
			b = appendQuoted(b, m[0]+" "+m[1])
		}
	}
	return append(b, ']')
}

// appendQuoted appends a JSON string, some five times as fast as encoding/json.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, "\\u%04x", c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
