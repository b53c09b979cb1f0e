package gguf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// sentencePiece describes SentencePiece's BPE.
func (h *header) sentencePiece(w *words, f, model map[string]any) error {
	if len(w.scores) == 0 {
		return fmt.Errorf("metadata %q is missing, and SentencePiece's tokens are merged by it", keyScores)
	}
	w.joinSpaces()
	replace := map[string]any{"type": "Replace", "pattern": map[string]string{"String": " "}, "content": spaceMark}
	decoders := []any{
		map[string]any{"type": "Replace", "pattern": map[string]string{"String": spaceMark}, "content": " "},
		map[string]any{"type": "ByteFallback"}, map[string]any{"type": "Fuse"},
	}
	if f["normalizer"] = replace; h.flag(keyAddSpace, true) {
		f["normalizer"] = map[string]any{"type": "Sequence", "normalizers": []any{
			map[string]any{"type": "Prepend", "prepend": spaceMark}, replace}}
		decoders = append(decoders, map[string]any{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	f["decoder"] = map[string]any{"type": "Sequence", "decoders": decoders}
	id, ok, err := h.token(keyUnknown)
	if err != nil {
		return err
	}
	if !ok {
		id = slices.Index(w.types, unknown)
	}
	if id >= 0 && id < w.inside {
		model["unk_token"] = w.tokens[id]
	}
	model["fuse_unk"], model["byte_fallback"] = true, true
	model["merges"] = json.RawMessage(mergesText(w.merges()))
	return nil
}

// joinSpaces makes ordinary tokens of those that users of SentencePiece have defined for two and more spaces, as
// Gemma's are, merged before all others: Hugging Face's tokenizer.json has them so, and of a run that is longer than
// the longest of them it makes others than SentencePiece.
func (w *words) joinSpaces() {
	for id, text := range w.tokens {
		if w.types[id] == userDefined && len(text) > 1 && strings.Trim(text, " ") == "" {
			w.tokens[id], w.types[id] = strings.Repeat(spaceMark, len(text)), normal
			w.scores[id] = math.MaxFloat32
		}
	}
}

// merges lists what SentencePiece would merge: any two tokens that make a third, the third with the highest score
// first. Tokens that are found before a text is cut into words, and bytes, take no part.
func (w *words) merges() []merge {
	ids := make(map[string]int, len(w.tokens))
	order := make([]int, 0, len(w.tokens))
	for id, text := range w.tokens {
		if w.types[id] == normal {
			ids[text] = id
			order = append(order, id)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(w.scores[b], w.scores[a]) })
	var pairs []merge
	for _, id := range order {
		text, from := w.tokens[id], len(pairs)
		for at := range text {
			_, left := ids[text[:at]]
			_, right := ids[text[at:]]
			if left && right {
				pairs = append(pairs, merge{text[:at], text[at:]})
			}
		}
		slices.Reverse(pairs[from:]) // the longer left part first, as transformers does
	}
	return pairs
}
