package tokenizer

// GPT-2 wrote byte strings as printable text, and tokenizer.json still does: printable Latin-1 bytes are written as
// themselves, the other 68 as U+0100 and up in order (openai/gpt-2, encoder.py, bytes_to_unicode).
var (
	byteRunes = byteAlphabet()
	runeBytes = func() map[rune]byte {
		m := map[rune]byte{}
		for b, r := range byteRunes {
			m[r] = byte(b)
		}
		return m
	}()
)

func byteAlphabet() (runes [256]rune) {
	next := rune(256)
	for b := range runes {
		r := rune(b)
		if r < '!' || r > '~' && r < '¡' || r == 0xad || r > 'ÿ' {
			r = next
			next++
		}
		runes[b] = r
	}
	return runes
}

// tokenBytes returns the bytes of a token of the vocabulary. A token with a character outside the alphabet is its own
// text, as in Hugging Face's ByteLevel decoder.
func tokenBytes(token string) string {
	b := make([]byte, 0, len(token))
	for _, r := range token {
		c, ok := runeBytes[r]
		if !ok {
			return token
		}
		b = append(b, c)
	}
	return string(b)
}

// byteText is the inverse of tokenBytes: the text of a token of these bytes in tokenizer.json.
func byteText(bytes string) string {
	r := make([]rune, len(bytes))
	for i := range len(bytes) {
		r[i] = byteRunes[bytes[i]]
	}
	return string(r)
}
