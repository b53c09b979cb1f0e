package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// Tokenizer turns text into token ids and back. It is safe for concurrent use.
type Tokenizer struct {
	tokens      []string // bytes of each id; "" where the vocabulary has a hole
	special     []bool   // by id
	ids         map[string]int
	bpe         *bpe
	normalizers []func(string) string
	splitters   []splitter
	spacing     *spacing // of a Metaspace, else nil
	pieces      bool     // SentencePiece's BPE, else byte-level
	strip       bool     // one space at the start of decoded text

	// Added tokens to search for before [0] and after [1] normalization: all of them, and those that content may spell.
	all, ordinary [2]*matcher
	specials      *matcher // those that content may not spell: special ones, and those with which the template makes turns

	prefix, suffix []int // the ids that the post-processor puts around a document
	eos            []int
	names          map[string]string // special tokens by their names in chat templates, such as bos_token
	template       *program          // nil: the model has none
	source         string            // of the template
	refusesSystem  bool              // the template is an error for a system turn
	thinking       bool              // what the template is told by enable_thinking
}

// Load reads tokenizer.json, and tokenizer_config.json, generation_config.json and chat_template.jinja where they
// exist, from a Hugging Face model folder. Errors name the file and the field.
func Load(fsys fs.FS) (*Tokenizer, error) {
	data, err := readFile(fsys, "tokenizer.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("tokenizer.json is missing; a SentencePiece tokenizer.model alone is not read")
	} else if err != nil {
		return nil, err
	}
	t, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	if err := t.loadSettings(fsys); err != nil {
		return nil, err
	}
	return t, nil
}

// Encode returns the ids of text. Special tokens in text are recognised; none is added.
func (t *Tokenizer) Encode(text string) []int {
	return t.encode(text, t.all, "")
}

// EncodeContent is Encode for text from outside: the characters of a special token are ordinary text in it.
func (t *Tokenizer) EncodeContent(text string) []int {
	return t.encode(text, t.ordinary, "")
}

// EncodeResponse is EncodeContent for a whole answer: with the end-of-turn token, as training counts it.
func (t *Tokenizer) EncodeResponse(text string) []int {
	return append(t.EncodeContent(text), t.EOS()[0])
}

// EncodeDocument is Encode for a text that stands alone, with what the model's post-processor puts around it (BOS in
// Llama 3, nothing in Qwen). Text that already begins with BOS gets no second one.
func (t *Tokenizer) EncodeDocument(text string) []int {
	ids := t.Encode(text)
	if len(t.prefix) > 0 && (len(ids) == 0 || ids[0] != t.prefix[0]) {
		ids = append(append([]int{}, t.prefix...), ids...)
	}
	return append(ids, t.suffix...)
}

// encode finds the added tokens and encodes the text between them, without the marks of disarm.
func (t *Tokenizer) encode(text string, added [2]*matcher, mark string) []int {
	var out []int
	take := func(a *addedToken) { out = append(out, a.ID) }
	var words []string
	added[0].cut(text, func(s string, from int) {
		s = t.normalize(s)
		added[1].cut(s, func(s string, fromNormal int) {
			if mark != "" {
				s = strings.ReplaceAll(s, mark, "")
			}
			if t.spacing != nil {
				s = t.spacing.apply(s, from == 0 && fromNormal == 0)
			}
			words = t.split(words[:0], s)
			for _, w := range words {
				out = t.bpe.encode(out, w)
			}
		}, take)
	}, take)
	return out
}

// split cuts text into words. A byte that is no valid UTF-8 is a word of its own, so that every byte string has an
// encoding that decodes to it.
func (t *Tokenizer) split(out []string, text string) []string {
	for len(text) > 0 {
		valid := validPrefix(text)
		from := len(out)
		out = append(out, text[:valid])
		for _, s := range t.splitters {
			pieces := out[from:len(out):len(out)]
			out = out[:from:from]
			for _, p := range pieces {
				out = s(out, p)
			}
		}
		if valid < len(text) {
			out = append(out, text[valid:valid+1])
			valid++
		}
		text = text[valid:]
	}
	return out
}

// validPrefix returns the length of the longest prefix of s that is valid UTF-8.
func validPrefix(s string) int {
	if utf8.ValidString(s) {
		return len(s)
	}
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return len(s)
}

// DecodeBytes returns the exact bytes of ids, special tokens spelled out: DecodeBytes(Encode(s)) is s for any bytes,
// and DecodeBytes(EncodeContent(s)) too, unless the tokenizer normalizes (Qwen's NFC, SentencePiece's leading space),
// strips around tokens, or lacks a byte ([Tokenizer.MissingBytes]). The bytes of several ids are those of each, joined.
// Unknown ids are skipped.
func (t *Tokenizer) DecodeBytes(ids []int) []byte {
	var b []byte
	for _, id := range ids {
		if id >= 0 && id < len(t.tokens) {
			b = append(b, t.tokens[id]...)
		}
	}
	return b
}

// TokenID returns the id of the token with that text.
func (t *Tokenizer) TokenID(token string) (int, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// VocabSize returns the number of ids, that is the largest id plus one. A model's embedding may be larger, never
// smaller.
func (t *Tokenizer) VocabSize() int { return len(t.tokens) }

// MissingBytes returns the bytes that have no token, in order: encoding leaves them out, or puts the unknown token in
// their place where the tokenizer has one. SmolLM2 lacks 21, of which UTF-8 text never holds 13.
func (t *Tokenizer) MissingBytes() []byte {
	var missing []byte
	for b, id := range t.bpe.bytes {
		if id == none {
			missing = append(missing, byte(b))
		}
	}
	return missing
}

// EOS returns the ids that end an answer. The first is the one that ends an assistant turn in the chat template, which
// training appends; generation stops at any of them.
func (t *Tokenizer) EOS() []int { return append([]int(nil), t.eos...) }

// BOS returns the id of the token that begins a text, if the tokenizer names one or puts one before documents.
func (t *Tokenizer) BOS() (id int, ok bool) {
	if name, named := t.names["bos_token"]; named {
		return t.ids[name], true
	}
	if len(t.prefix) > 0 {
		return t.prefix[0], true
	}
	return 0, false
}

// BeginsDocuments reports whether EncodeDocument puts a token in front of the text.
func (t *Tokenizer) BeginsDocuments() bool { return len(t.prefix) > 0 }

// Special reports whether id is a special token, which only the template and the tokenizer itself can add.
func (t *Tokenizer) Special(id int) bool { return id >= 0 && id < len(t.special) && t.special[id] }

// ChatTemplate returns the source of the chat template, "" if there is none.
func (t *Tokenizer) ChatTemplate() string { return t.source }

// Thinks reports whether the chat template asks if the model is to think before it answers, by enable_thinking.
func (t *Tokenizer) Thinks() bool { return strings.Contains(t.source, "enable_thinking") }

// Thinking returns the tokenizer with a chat template that lets the model think before it answers, or does not, as that
// of a tokenizer that was loaded. A template that does not ask renders the same.
func (t *Tokenizer) Thinking(on bool) *Tokenizer {
	if t.thinking == on {
		return t
	}
	other := *t
	other.thinking = on
	return &other
}

// Kind describes the kind of the tokenizer in words.
func (t *Tokenizer) Kind() string {
	if t.pieces {
		return "SentencePiece BPE with byte fallback"
	}
	return "byte-level BPE"
}
