package gguf

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
)

// turnEnds are the control tokens that end an answer wherever a vocabulary has them (llama-vocab.cpp, special_eog_ids).
var turnEnds = []string{"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
	"<|eom_id|>", "<EOT>", "</s>", "<eos>", "<｜end▁of▁sentence｜>"}

// files are those of a Hugging Face folder beside config.json and the weights.
func (h *header) files(c checkpoint.Config) (map[string][]byte, error) {
	w, err := h.words(c.VocabSize)
	if err != nil {
		return nil, err
	}
	text, addBOS, addEOS, err := h.tokenizerJSON(w)
	if err != nil {
		return nil, err
	}
	settings := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": c.MaxPositionEmbeddings,
		"clean_up_tokenization_spaces": false, "add_bos_token": addBOS, "add_eos_token": addEOS}
	for name, key := range map[string]string{"bos_token": keyBOS, "eos_token": keyEOS, "unk_token": keyUnknown,
		"pad_token": keyPadding} {
		id, ok, err := h.token(key)
		if err != nil {
			return nil, err
		}
		if ok && id < len(w.tokens) {
			settings[name] = w.tokens[id]
		}
	}
	if template, ok := h.metadata[keyTemplate].(string); ok {
		settings["chat_template"] = template
	}
	generation, err := h.generation(w)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"tokenizer.json": text, "README.md": h.card("")}
	for name, content := range map[string]any{"tokenizer_config.json": settings, "generation_config.json": generation} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(content); err != nil {
			return nil, err
		}
		files[name] = b.Bytes()
	}
	return files, nil
}

// generation is the content of generation_config.json: with which tokens texts and answers begin and end.
func (h *header) generation(w *words) (map[string]any, error) {
	var ends []int
	for _, key := range []string{keyEOS, keyEOT, keyEOM} {
		id, ok, err := h.token(key)
		if err != nil {
			return nil, err
		}
		if ok && !slices.Contains(ends, id) {
			ends = append(ends, id)
		}
	}
	for id, text := range w.tokens {
		if w.types[id] == control && slices.Contains(turnEnds, text) && !slices.Contains(ends, id) {
			ends = append(ends, id)
		}
	}
	settings := map[string]any{}
	if len(ends) > 0 {
		settings["eos_token_id"] = ends
	}
	for name, key := range map[string]string{"bos_token_id": keyBOS, "pad_token_id": keyPadding} {
		if id, ok, err := h.token(key); err != nil {
			return nil, err
		} else if ok {
			settings[name] = id
		}
	}
	return settings, nil
}

var plainLicense = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$`)

// origin is the sentence by which an imported folder is known.
const origin = "Read from a GGUF file by lidr."

// card is a model card that names the source. sum is the SHA-256 of the file, "" where it was not computed.
func (h *header) card(source string) []byte {
	var b strings.Builder
	if license, _ := h.metadata["general.license"].(string); plainLicense.MatchString(license) {
		b.WriteString("---\nlicense: " + license + "\n---\n")
	}
	name, _ := h.metadata["general.name"].(string)
	b.WriteString("# " + oneLine(name, "A model from a GGUF file") + "\n\n")
	b.WriteString(origin + " Its tensors were stored as " + h.typesOf() + ".\n")
	b.WriteString(source)
	return []byte(b.String())
}

// oneLine is a text that a model card can have in a line.
func oneLine(text, otherwise string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if strings.ContainsRune("<>[]()`*#|\\", r) || r < ' ' {
			return ' '
		}
		return r
	}, text)), " ")
	if text == "" || len(text) > 200 {
		return otherwise
	}
	return text
}
