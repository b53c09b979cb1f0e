package gguf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/tokenizer"
)

// Types of tokens (enum llama_token_type).
const (
	normal      = int32(1)
	unknown     = int32(2)
	control     = int32(3) // special: never part of a text
	userDefined = int32(4)
	unused      = int32(5)
	byteToken   = int32(6)
)

const spaceMark = "\u2581" // ▁, SentencePiece's space

// tokenizerFile is the part of tokenizer.json that GGUF holds. Package tokenizer checked the rest when it loaded the
// file.
type tokenizerFile struct {
	AddedTokens []struct {
		ID      int    `json:"id"`
		Content string `json:"content"`
		Special bool   `json:"special"`
	} `json:"added_tokens"`
	Normalizer   *step `json:"normalizer"`
	PreTokenizer *step `json:"pre_tokenizer"`
	Model        struct {
		UnkToken     string         `json:"unk_token"`
		ByteFallback bool           `json:"byte_fallback"`
		IgnoreMerges bool           `json:"ignore_merges"`
		Vocab        map[string]int `json:"vocab"`
		Merges       []merge        `json:"merges"`
	} `json:"model"`
}

// step is a normalizer or a pre-tokenizer.
type step struct {
	Type             string  `json:"type"`
	Normalizers      []step  `json:"normalizers"`
	PreTokenizers    []step  `json:"pretokenizers"`
	Pattern          pattern `json:"pattern"`
	IndividualDigits bool    `json:"individual_digits"`
	UseRegex         *bool   `json:"use_regex"` // absent means true
	PrependScheme    string  `json:"prepend_scheme"`
	Split            *bool   `json:"split"` // absent means true
}

type pattern struct{ Regex string }

// merge is "a b", or ["a", "b"] in newer files.
type merge [2]string

func (m *merge) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[2]string)(m))
	}
	var s string
	err := json.Unmarshal(b, &s)
	m[0], m[1], _ = strings.Cut(s, " ")
	return err
}

// vocabularyOf returns the metadata of the tokenizer.
func vocabularyOf(ck *checkpoint.Checkpoint, tok *tokenizer.Tokenizer) ([]pair, error) {
	var f tokenizerFile
	if err := json.Unmarshal(ck.Files["tokenizer.json"], &f); err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	tokens, types, err := tokensOf(f, ck.Config.VocabSize)
	if err != nil {
		return nil, err
	}
	describe := byteLevel
	if f.Model.ByteFallback {
		describe = sentencePiece
	}
	out, err := describe(f, tokens, types)
	if err != nil {
		return nil, err
	}
	out = append(out, pair{keyTokens, tokens}, pair{keyTypes, types})
	ends, err := endsOf(tok)
	if source := tok.ChatTemplate(); source != "" {
		ends = append(ends, pair{keyTemplate, source})
	}
	return append(out, ends...), err
}

// tokensOf returns each id's text and type; ids that the tokenizer does not use get the names that llama.cpp's
// converter gives them.
func tokensOf(f tokenizerFile, size int) ([]string, []int32, error) {
	tokens, types := make([]string, size), make([]int32, size)
	for i := range tokens {
		tokens[i], types[i] = padding(i), unused
	}
	set := func(id int, text string, kind int32) error {
		if id >= size {
			return fmt.Errorf("token %q has id %d; the model's vocab_size is %d", text, id, size)
		}
		tokens[id], types[id] = text, kind
		return nil
	}
	for text, id := range f.Model.Vocab {
		kind := normal
		if f.Model.ByteFallback && len(text) == 6 && strings.HasPrefix(text, "<0x") && text[5] == '>' {
			kind = byteToken
		}
		if err := set(id, text, kind); err != nil {
			return nil, nil, err
		}
	}
	for _, a := range f.AddedTokens {
		kind := userDefined
		switch {
		case f.Model.ByteFallback && a.Content == f.Model.UnkToken:
			kind = unknown
		case a.Special:
			kind = control
		}
		if err := set(a.ID, a.Content, kind); err != nil {
			return nil, nil, err
		}
	}
	ids := map[string]int{}
	for id, text := range tokens {
		if other, taken := ids[text]; taken {
			return nil, nil, fmt.Errorf("ids %d and %d are both %q, and GGUF identifies tokens by their text", other, id, text)
		}
		ids[text] = id
	}
	return tokens, types, nil
}

// byteLevel describes a byte-level BPE: its merges, and the name by which readers know how it cuts text into words.
func byteLevel(f tokenizerFile, _ []string, _ []int32) ([]pair, error) {
	merges := make([]string, len(f.Model.Merges))
	for i, m := range f.Model.Merges {
		merges[i] = m[0] + " " + m[1]
	}
	name, err := preTokenizerName(f)
	return []pair{{keyModel, "gpt2"}, {keyPre, name}, {keyMerges, merges}}, err
}

// preTokenizerName returns the name of the pre-tokenizer in llama.cpp, whose expressions are part of llama-vocab.cpp.
func preTokenizerName(f tokenizerFile) (string, error) {
	var steps []string
	for _, s := range f.PreTokenizer.flat() {
		switch {
		case s.Type == "Split":
			steps = append(steps, s.Pattern.Regex)
		case s.Type == "Digits" && s.IndividualDigits:
			steps = append(steps, digits)
		case s.Type == "ByteLevel" && (s.UseRegex == nil || *s.UseRegex):
			steps = append(steps, gpt2Words)
		case s.Type != "ByteLevel":
			steps = append(steps, s.Type)
		}
	}
	nfc := slices.ContainsFunc(f.Normalizer.flat(), func(s step) bool { return s.Type == "NFC" })
	name := preTokenizerOf(steps, f.Model.IgnoreMerges, nfc)
	if name == "" {
		what := strings.Join(steps, ", then ")
		if f.Model.IgnoreMerges { // words that are tokens are not split; readers do that for few names
			what += ", with ignore_merges"
		}
		return "", fmt.Errorf("the pre-tokenizer (%s) has no name in llama.cpp that is known here; expected one of %s", what,
			knownPreTokenizers())
	}
	return name, nil
}

// flat returns the steps of a sequence, or the one step.
func (s *step) flat() []step {
	switch {
	case s == nil:
		return nil
	case s.Type == "Sequence":
		return append(s.Normalizers, s.PreTokenizers...)
	}
	return []step{*s}
}

// sentencePiece describes SentencePiece's BPE. Readers merge the two tokens that make the token with the highest score,
// whereas tokenizer.json lists the merges. The scores follow from their order if the list contains nothing else.
func sentencePiece(f tokenizerFile, tokens []string, types []int32) ([]pair, error) {
	rank, listed := map[string]int{}, map[merge]bool{}
	last := ""
	for i, m := range f.Model.Merges {
		text := m[0] + m[1]
		if _, seen := rank[text]; seen && text != last {
			return nil, fmt.Errorf("merges %q are not consecutive in the list, so no scores of tokens express them, and GGUF "+
				"has only scores", text)
		} else if !seen {
			rank[text] = i
		}
		listed[m], last = true, text
	}
	scores := make([]float32, len(tokens))
	for id, text := range tokens {
		if types[id] != normal {
			continue
		}
		for i := range text {
			_, left := f.Model.Vocab[text[:i]]
			_, right := f.Model.Vocab[text[i:]]
			if left && right && !listed[merge{text[:i], text[i:]}] {
				return nil, fmt.Errorf("tokens %q and %q make %q but are not among the merges, and GGUF cannot express that",
					text[:i], text[i:], text)
			}
		}
		scores[id] = -float32(len(f.Model.Merges)) // characters: no merge makes them
		if r, ok := rank[text]; ok {
			scores[id] = -float32(r)
		}
	}
	prefix, err := leadingSpace(f)
	out := []pair{{keyModel, "llama"}, {keyPre, "default"}, {keyScores, scores},
		{keyAddSpace, prefix}}
	if id, ok := f.Model.Vocab[f.Model.UnkToken]; ok {
		out = append(out, pair{keyUnknown, uint32(id)})
	}
	return out, err
}

// leadingSpace reports whether a space is put before text. Readers put it at the start and after every special token.
func leadingSpace(f tokenizerFile) (bool, error) {
	for _, s := range f.Normalizer.flat() {
		if s.Type == "Prepend" {
			return true, nil
		}
	}
	for _, s := range f.PreTokenizer.flat() {
		if s.Type != "Metaspace" {
			continue
		}
		inside := func(text string) bool {
			_, first := utf8.DecodeRuneInString(text)
			return strings.Contains(text[first:], spaceMark)
		}
		if s.Split == nil || *s.Split {
			for text := range f.Model.Vocab {
				if inside(text) {
					return false, fmt.Errorf("token %q has a space inside but the pre-tokenizer cuts words there, which "+
						"GGUF cannot express", text)
				}
			}
		}
		// "first" is the start of the whole text. A chat template begins with BOS, so a conversation gets no space; readers
		// would put one after BOS.
		return s.PrependScheme == "always", nil
	}
	return false, nil
}

// endsOf returns which tokens begin and end texts and turns, and whether readers add them.
func endsOf(tok *tokenizer.Tokenizer) ([]pair, error) {
	before, after := aroundDocument(tok)
	bos, named := tok.BOS()
	eos := tok.EOS()
	switch {
	case len(before) > 1 || len(before) == 1 && before[0] != bos:
		return nil, fmt.Errorf("documents begin with special tokens %v; GGUF can add one, bos_token", before)
	case len(after) > 1 || len(after) == 1 && (len(eos) == 0 || after[0] != eos[0]):
		return nil, fmt.Errorf("documents end with special tokens %v; GGUF can add one, the token that ends an answer", after)
	}
	var out []pair
	if named {
		out = append(out, pair{keyBOS, uint32(bos)})
	}
	if len(eos) > 0 {
		out = append(out, pair{keyEOS, uint32(eos[0])},
			pair{keyEOT, uint32(eos[0])})
	}
	return append(out, pair{keyAddBOS, len(before) == 1},
		pair{keyAddEOS, len(after) == 1}), nil
}

// aroundDocument returns the special tokens before and after a whole document.
func aroundDocument(tok *tokenizer.Tokenizer) (before, after []int) {
	const text = "a"
	document, plain := tok.EncodeDocument(text), tok.Encode(text)
	at := 0
	for !slices.Equal(document[at:at+len(plain)], plain) {
		at++
	}
	return document[:at], document[at+len(plain):]
}
