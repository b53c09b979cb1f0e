package tokenizer

import (
	"fmt"
	"slices"
	"strings"
)

// setNormalizer reads what text goes through before it is cut: NFC in byte-level tokenizers, marks for spaces in
// SentencePiece's.
func (t *Tokenizer) setNormalizer(f *file) error {
	if f.Normalizer == nil {
		return nil
	}
	for _, p := range f.Normalizer.flat() {
		switch {
		case p.Type == "NFC":
			t.normalizers = append(t.normalizers, nfc)
		case p.Type == "Prepend":
			t.normalizers = append(t.normalizers, func(s string) string {
				if s == "" {
					return s
				}
				return p.Prepend + s
			})
		case p.Type == "Replace" && p.Pattern.String != nil && *p.Pattern.String != "":
			t.normalizers = append(t.normalizers, strings.NewReplacer(*p.Pattern.String, p.Content).Replace)
		case p.Type == "Replace":
			return fmt.Errorf("step Replace has a Regex, which is not supported; expected a String")
		default:
			return fmt.Errorf("type %q is not supported; expected NFC, Replace, Prepend or none", p.Type)
		}
	}
	return nil
}

func (t *Tokenizer) normalize(s string) string {
	for _, step := range t.normalizers {
		s = step(s)
	}
	return s
}

// flat returns the steps of a Sequence, or p itself.
func (p part) flat() []part {
	if p.Type != "Sequence" {
		return []part{p}
	}
	return slices.Concat(p.Normalizers, p.PreTokenizers, p.Processors, p.Decoders) // only one of them is there
}

// setPreTokenizer reads how text is cut into words: in byte-level tokenizers by splits and then ByteLevel, which is
// last because a later step would see its letters in place of bytes; in SentencePiece's by Metaspace, splits or not at
// all.
func (t *Tokenizer) setPreTokenizer(f *file) error {
	if f.PreTokenizer == nil && !f.Model.ByteFallback {
		return fmt.Errorf("missing; expected ByteLevel")
	}
	var parts []part
	if f.PreTokenizer != nil {
		parts = f.PreTokenizer.flat()
	}
	if len(parts) == 0 && !f.Model.ByteFallback {
		return fmt.Errorf("empty sequence; expected ByteLevel")
	}
	for i, p := range parts {
		last := i == len(parts)-1
		if f.Model.ByteFallback && (p.Type == "ByteLevel" || p.Type == "Metaspace" && i > 0) {
			return fmt.Errorf("step %d is %q, which is not supported with byte_fallback; expected Metaspace, first, or splits",
				i+1, p.Type)
		}
		if !f.Model.ByteFallback && (p.Type == "ByteLevel") != last {
			return fmt.Errorf("step %d is %q; expected splits and then ByteLevel", i+1, p.Type)
		}
		s, err := t.splitterOf(p)
		if err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if s != nil {
			t.splitters = append(t.splitters, s)
		}
	}
	return nil
}

// splitterOf returns the splitter of a pre-tokenizer, nil for one that does not cut.
func (t *Tokenizer) splitterOf(p part) (splitter, error) {
	switch p.Type {
	case "ByteLevel":
		if p.AddPrefixSpace != nil && *p.AddPrefixSpace {
			return nil, fmt.Errorf("add_prefix_space true of ByteLevel is not supported")
		}
		if p.UseRegex != nil && !*p.UseRegex {
			return nil, nil
		}
		return newSplitter(gpt2Pattern, false)
	case "Digits":
		if p.IndividualDigits {
			return newSplitter(`\p{N}`, false)
		}
		return newSplitter(`\p{N}+`, false)
	case "Metaspace":
		return t.setMetaspace(p)
	case "Split":
		return splitOf(p)
	}
	return nil, fmt.Errorf("%q is not supported; expected Split, Digits, Metaspace or ByteLevel", p.Type)
}

func splitOf(p part) (splitter, error) {
	// Removed and inverted keeps only the matches; Isolated also keeps the text between them.
	matchesOnly := p.Behavior == "Removed" && p.Invert
	switch {
	case p.Behavior == "MergedWithPrevious" && !p.Invert && p.Pattern.String != nil && *p.Pattern.String != "":
		return splitAfter(*p.Pattern.String), nil
	case p.Pattern.Regex == nil || !matchesOnly && (p.Behavior != "Isolated" || p.Invert):
		return nil, fmt.Errorf("split behavior %q with invert %v is not supported; expected a Regex, Isolated", p.Behavior,
			p.Invert)
	}
	expr := *p.Pattern.Regex
	s, err := newSplitter(expr, matchesOnly)
	if err == nil && expr != QwenPattern && expr != LlamaPattern {
		err = ends(expr)
	}
	return s, err
}

// splitAfter ends a word behind each delimiter (Gemma), but one that follows another directly is a word of its own.
func splitAfter(delimiter string) splitter {
	return func(out []string, text string) []string {
		from := 0
		for i := 0; i < len(text); {
			if !strings.HasPrefix(text[i:], delimiter) {
				i++
				continue
			}
			i += len(delimiter)
			out = append(out, text[from:i])
			from = i
		}
		if from < len(text) {
			out = append(out, text[from:])
		}
		return out
	}
}
