package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// file is the part of Hugging Face's tokenizer.json that BPE uses. With byte_fallback it is SentencePiece's BPE, else
// byte-level.
type file struct {
	AddedTokens   []addedToken `json:"added_tokens"`
	Normalizer    *part        `json:"normalizer"`
	PreTokenizer  *part        `json:"pre_tokenizer"`
	PostProcessor *part        `json:"post_processor"`
	Decoder       *part        `json:"decoder"`
	Model         struct {
		Type                    string         `json:"type"`
		Dropout                 *float64       `json:"dropout"`
		UnkToken                *string        `json:"unk_token"`
		FuseUnk                 bool           `json:"fuse_unk"`
		ContinuingSubwordPrefix string         `json:"continuing_subword_prefix"`
		EndOfWordSuffix         string         `json:"end_of_word_suffix"`
		ByteFallback            bool           `json:"byte_fallback"`
		IgnoreMerges            bool           `json:"ignore_merges"`
		Vocab                   map[string]int `json:"vocab"`
		Merges                  []mergeText    `json:"merges"`
	} `json:"model"`
}

// part is a normalizer, pre-tokenizer, post-processor or decoder; each type uses some of the fields.
type part struct {
	Type             string  `json:"type"`
	Normalizers      []part  `json:"normalizers"`
	PreTokenizers    []part  `json:"pretokenizers"`
	Processors       []part  `json:"processors"`
	Decoders         []part  `json:"decoders"`
	Pattern          pattern `json:"pattern"`
	Behavior         string  `json:"behavior"`
	Invert           bool    `json:"invert"`
	AddPrefixSpace   *bool   `json:"add_prefix_space"` // absent means true
	UseRegex         *bool   `json:"use_regex"`        // absent means true
	IndividualDigits bool    `json:"individual_digits"`
	Prepend          string  `json:"prepend"`
	Content          string  `json:"content"`
	Replacement      string  `json:"replacement"`
	Start            int     `json:"start"`
	Stop             int     `json:"stop"`
	PrependScheme    string  `json:"prepend_scheme"`
	Split            *bool   `json:"split"` // absent means true
	Single           []piece `json:"single"`
	SpecialTokens    map[string]struct {
		IDs []int `json:"ids"`
	} `json:"special_tokens"`
}

type pattern struct{ Regex, String *string }

// piece is one element of TemplateProcessing's single: a special token or the text itself.
type piece struct {
	SpecialToken *struct {
		ID string `json:"id"`
	}
	Sequence *struct{}
}

// mergeText is a merge in either form: "a b", or ["a", "b"] since tokenizers 0.20.
type mergeText [2]string

func (m *mergeText) UnmarshalJSON(b []byte) error {
	two := plainPair(b)
	if two != nil {
		*m = mergeText(two)
		return nil
	}
	if b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		two = strings.Split(s, " ")
	} else if err := json.Unmarshal(b, &two); err != nil {
		return err
	}
	if len(two) != 2 || two[0] == "" || two[1] == "" {
		return fmt.Errorf("merge %.60s; expected two tokens", b)
	}
	*m = mergeText(two)
	return nil
}

// plainPair returns the tokens of a merge without escapes, or nil: nearly all of half a million are such, and it is
// much faster than encoding/json.
func plainPair(b []byte) []string {
	if bytes.IndexByte(b, '\\') >= 0 {
		return nil
	}
	parts := strings.Split(string(b), `"`)
	var two []string
	switch {
	case len(parts) == 3: // "a b"
		two = strings.Split(parts[1], " ")
	case len(parts) == 5 && strings.TrimSpace(parts[2]) == ",": // ["a", "b"]
		two = []string{parts[1], parts[3]}
	}
	if len(two) != 2 || two[0] == "" || two[1] == "" {
		return nil
	}
	return two
}

// parse builds the tokenizer that tokenizer.json describes.
func parse(data []byte) (*Tokenizer, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("not valid UTF-8")
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	m := f.Model
	switch {
	case m.Type != "BPE" && !(m.Type == "" && m.Merges != nil): // early files leave the type out
		return nil, fmt.Errorf("model type %q is not supported; expected BPE", m.Type)
	case m.Dropout != nil && *m.Dropout != 0:
		return nil, fmt.Errorf("model dropout %g is not supported; expected none", *m.Dropout)
	case m.ContinuingSubwordPrefix != "" || m.EndOfWordSuffix != "":
		return nil, fmt.Errorf("model continuing_subword_prefix and end_of_word_suffix are not supported")
	}
	t := &Tokenizer{ids: make(map[string]int, len(m.Vocab)), bpe: &bpe{}}
	for _, step := range []struct {
		name string
		do   func(*file) error
	}{
		{"normalizer", t.setNormalizer},
		{"pre_tokenizer", t.setPreTokenizer},
		{"decoder", t.setDecoder},
		{"model", t.setModel},
		{"added_tokens", t.setAdded},
		{"post_processor", func(f *file) error { return t.setPostProcessor(f.PostProcessor) }},
	} {
		if err := step.do(&f); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if t.pieces {
		t.setWords(&f)
	}
	return t, nil
}
