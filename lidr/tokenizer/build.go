package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

func (t *Tokenizer) setNormalizer(f *file) error {
	if f.Normalizer == nil {
		return nil
	}
	parts := f.Normalizer.flat()
	if f.Model.ByteFallback {
		return t.setSpacing(parts)
	}
	for _, p := range parts {
		if p.Type != "NFC" {
			return fmt.Errorf("type %q is not supported; expected NFC or none", p.Type)
		}
		t.nfc = true
	}
	return nil
}

// flat returns the steps of a Sequence, or p itself.
func (p part) flat() []part {
	if p.Type != "Sequence" {
		return []part{p}
	}
	return slices.Concat(p.Normalizers, p.PreTokenizers, p.Processors, p.Decoders) // only one of them is there
}

// setPreTokenizer accepts splits followed by ByteLevel, which is last because a later step would see its letters in
// place of bytes.
func (t *Tokenizer) setPreTokenizer(f *file) error {
	if f.Model.ByteFallback {
		return t.setMetaspace(f.PreTokenizer)
	}
	if f.PreTokenizer == nil {
		return fmt.Errorf("missing; expected ByteLevel")
	}
	parts := f.PreTokenizer.flat()
	for i, q := range parts {
		if last := i == len(parts)-1; (q.Type == "ByteLevel") != last {
			return fmt.Errorf("step %d is %q; expected splits and then ByteLevel", i+1, q.Type)
		}
		expr, matchesOnly := "", false
		switch q.Type {
		case "ByteLevel":
			if q.AddPrefixSpace {
				return fmt.Errorf("add_prefix_space true is not supported")
			}
			if q.UseRegex != nil && !*q.UseRegex {
				continue
			}
			expr = gpt2Pattern
		case "Digits":
			if expr = `\p{N}+`; q.IndividualDigits {
				expr = `\p{N}`
			}
		case "Split":
			// Removed and inverted keeps only the matches; Isolated also keeps the text between them.
			matchesOnly = q.Behavior == "Removed" && q.Invert
			if !(q.Behavior == "Isolated" && !q.Invert || matchesOnly) || q.Pattern.Regex == nil {
				return fmt.Errorf("step %d: split behavior %q with invert %v is not supported; expected a Regex, Isolated", i+1,
					q.Behavior, q.Invert)
			}
			expr = *q.Pattern.Regex
		default:
			return fmt.Errorf("step %d is %q, which is not supported; expected Split, Digits or ByteLevel", i+1, q.Type)
		}
		s, err := newSplitter(expr, matchesOnly)
		if err == nil && q.Type == "Split" && expr != QwenPattern && expr != LlamaPattern {
			err = ends(expr)
		}
		if err != nil {
			return err
		}
		t.splitters = append(t.splitters, s)
	}
	if len(parts) == 0 {
		return fmt.Errorf("empty sequence; expected ByteLevel")
	}
	return nil
}

func (t *Tokenizer) checkDecoder(f *file) error {
	var steps []string
	if f.Decoder != nil {
		for _, p := range f.Decoder.flat() {
			steps = append(steps, p.Type)
		}
	}
	want := "ByteLevel"
	if f.Model.ByteFallback {
		want = "Replace ByteFallback Fuse Strip" // undoes the spacing
	}
	if got := strings.Join(steps, " "); got != want {
		return fmt.Errorf("steps %q; expected %q", got, want)
	}
	return nil
}

func (t *Tokenizer) setModel(f *file) error {
	m := f.Model
	const maxID = 1 << 21 // eight times the largest vocabulary in use
	top := -1
	for token, id := range m.Vocab {
		if id < 0 || id > maxID {
			return fmt.Errorf("vocab: token %q has id %d; expected 0 to %d", token, id, maxID)
		}
		top = max(top, id)
	}
	for _, a := range f.AddedTokens {
		if a.ID < 0 || a.ID > maxID {
			return fmt.Errorf("added token %q has id %d; expected 0 to %d", a.Content, a.ID, maxID)
		}
		top = max(top, a.ID)
	}
	t.tokens = make([]string, top+1)
	t.special = make([]bool, top+1)
	used := make([]bool, top+1)
	for token, id := range m.Vocab {
		if used[id] {
			return fmt.Errorf("vocab: id %d belongs to two tokens", id)
		}
		used[id] = true
		if m.ByteFallback {
			t.tokens[id] = pieceBytes(token)
		} else {
			t.tokens[id] = tokenBytes(token)
		}
	}
	for b, r := range byteRunes {
		name := string(r)
		if m.ByteFallback {
			name = fmt.Sprintf("<0x%02X>", b)
		}
		id, ok := m.Vocab[name]
		if !ok {
			t.bpe.bytes[b] = none
			continue
		}
		t.bpe.bytes[b] = int32(id)
		t.ids[t.tokens[id]] = id
	}
	if err := t.setUnknown(f); err != nil {
		return err
	}
	if m.ByteFallback {
		t.bpe.chars = map[string]int32{}
	}
	for token, id := range m.Vocab {
		if m.ByteFallback && utf8.RuneCountInString(token) == 1 {
			t.bpe.chars[token] = int32(id)
		}
		if len(t.tokens[id]) > 1 || !strings.HasPrefix(token, "<0x") { // a character takes precedence over its byte
			t.ids[t.tokens[id]] = id
		}
	}
	t.bpe.merges = make(map[pair]merge, len(m.Merges))
	for rank, ab := range m.Merges {
		left, okL := m.Vocab[ab[0]]
		right, okR := m.Vocab[ab[1]]
		id, ok := m.Vocab[ab[0]+ab[1]]
		if !okL || !okR || !ok {
			return fmt.Errorf("merge %d (%q %q): its tokens are not all in vocab", rank, ab[0], ab[1])
		}
		t.bpe.merges[pair{int32(left), int32(right)}] = merge{int32(rank), int32(id)}
	}
	if m.IgnoreMerges {
		t.bpe.whole = make(map[string]int32, len(m.Vocab))
		for token, id := range m.Vocab {
			if m.ByteFallback {
				t.bpe.whole[token] = int32(id)
			} else {
				t.bpe.whole[tokenBytes(token)] = int32(id)
			}
		}
	}
	return nil
}

// setUnknown reads what becomes of a character or byte that has no token.
func (t *Tokenizer) setUnknown(f *file) error {
	t.bpe.unknown, t.bpe.fuse = none, f.Model.FuseUnk
	if name := f.Model.UnkToken; name != nil && *name != "" {
		id, ok := f.Model.Vocab[*name]
		if !ok {
			return fmt.Errorf("unk_token %q is not in vocab", *name)
		}
		t.bpe.unknown = int32(id)
	}
	return nil
}

func (t *Tokenizer) setAdded(f *file) error {
	var all, ordinary [2][]addedToken
	var specials []addedToken
	for _, a := range f.AddedTokens {
		if a.Content == "" {
			return fmt.Errorf("id %d has no content", a.ID)
		}
		if a.SingleWord {
			return fmt.Errorf("token %q: single_word is not supported", a.Content)
		}
		if a.Normalized && t.spacing != nil {
			return fmt.Errorf("token %q: normalized is not supported with byte_fallback", a.Content)
		}
		if id, ok := t.ids[a.Content]; ok && id != a.ID {
			return fmt.Errorf("token %q has the ids %d and %d", a.Content, id, a.ID)
		}
		t.tokens[a.ID], t.ids[a.Content], t.special[a.ID] = a.Content, a.ID, a.Special
		when := 0
		if a.Normalized {
			when = 1
		}
		all[when] = append(all[when], a)
		if a.Special {
			specials = append(specials, a)
		} else {
			ordinary[when] = append(ordinary[when], a)
		}
	}
	for when := range 2 {
		t.all[when], t.ordinary[when] = newMatcher(all[when]), newMatcher(ordinary[when])
	}
	t.specials = newMatcher(specials)
	return nil
}

// setPostProcessor reads which special tokens are put around a whole document.
func (t *Tokenizer) setPostProcessor(p *part) error {
	if p == nil {
		return nil
	}
	for _, p := range p.flat() {
		switch p.Type {
		case "ByteLevel": // moves offsets only
		case "TemplateProcessing":
			if err := t.setTemplate(p); err != nil {
				return err
			}
		default:
			return fmt.Errorf("type %q is not supported; expected TemplateProcessing or ByteLevel", p.Type)
		}
	}
	return nil
}

func (t *Tokenizer) setTemplate(p part) error {
	text := false
	for _, s := range p.Single {
		if s.SpecialToken == nil {
			text = true
			continue
		}
		for _, id := range p.SpecialTokens[s.SpecialToken.ID].IDs {
			if id < 0 || id >= len(t.tokens) {
				return fmt.Errorf("token %q has the unknown id %d", s.SpecialToken.ID, id)
			}
			if text {
				t.suffix = append(t.suffix, id)
			} else {
				t.prefix = append(t.prefix, id)
			}
		}
	}
	return nil
}
