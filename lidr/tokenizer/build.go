package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

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
		if t.pieces {
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

// setAdded reads the added tokens. Those that are searched for after normalization are normalized themselves, as in the
// tokenizers library.
func (t *Tokenizer) setAdded(f *file) error {
	for when := range 2 {
		t.all[when], t.ordinary[when] = newMatcher(nil), newMatcher(nil)
	}
	t.specials = newMatcher(nil)
	ids := make(map[string]int, len(f.AddedTokens))
	for i := range f.AddedTokens {
		a := &f.AddedTokens[i]
		if a.Content == "" {
			return fmt.Errorf("id %d has no content", a.ID)
		}
		id, ok := f.Model.Vocab[a.Content]
		if other, twice := ids[a.Content]; twice {
			id, ok = other, true
		}
		if ok && id != a.ID {
			return fmt.Errorf("token %q has the ids %d and %d", a.Content, id, a.ID)
		}
		ids[a.Content] = a.ID
		text, when := a.Content, 0
		if a.Normalized {
			text, when = t.normalize(a.Content), 1
		}
		t.tokens[a.ID], t.ids[a.Content], t.special[a.ID] = a.Content, a.ID, a.Special
		if t.pieces {
			t.tokens[a.ID] = pieceBytes(text)
		}
		t.all[when].add(text, a)
		// A message that spells such a token with spaces could not be told from the token.
		inside := strings.TrimPrefix(text, spaceMark)
		if a.Special && a.Normalized && t.normalizers != nil && strings.Contains(inside, spaceMark) {
			return fmt.Errorf("token %q: a special token that is normalized may have no space", a.Content)
		}
		if a.Special {
			t.specials.add(text, a)
			t.specials.add(a.Content, a) // as a message spells it
		} else {
			t.ordinary[when].add(text, a)
		}
	}
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
