package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
)

// unicode16 has what Unicode 15.1 and 16 added to the categories that expressions name. Expressions are those of the
// tokenizers library (Oniguruma 6.9.10, Unicode 16), and Go's tables are those of Unicode 15.
var unicode16 = map[string][]unicode.Range32{
	"L": {
		{0x1c89, 0x1c8a, 1}, {0xa7cb, 0xa7cd, 1}, {0xa7da, 0xa7dc, 1}, {0x105c0, 0x105f3, 1}, {0x10d4a, 0x10d65, 1},
		{0x10d6f, 0x10d85, 1}, {0x10ec2, 0x10ec4, 1}, {0x11380, 0x11389, 1}, {0x1138b, 0x1138b, 1},
		{0x1138e, 0x1138e, 1}, {0x11390, 0x113b5, 1}, {0x113b7, 0x113b7, 1}, {0x113d1, 0x113d1, 1},
		{0x113d3, 0x113d3, 1}, {0x11bc0, 0x11be0, 1}, {0x13460, 0x143fa, 1}, {0x16100, 0x1611d, 1},
		{0x16d40, 0x16d6c, 1}, {0x18cff, 0x18cff, 1}, {0x1e5d0, 0x1e5ed, 1}, {0x1e5f0, 0x1e5f0, 1},
		{0x2ebf0, 0x2ee5d, 1},
	},
	"Lu": {
		{0x1c89, 0x1c89, 1}, {0xa7cb, 0xa7cc, 1}, {0xa7da, 0xa7da, 1}, {0xa7dc, 0xa7dc, 1}, {0x10d50, 0x10d65, 1},
	},
	"Ll": {
		{0x1c8a, 0x1c8a, 1}, {0xa7cd, 0xa7cd, 1}, {0xa7db, 0xa7db, 1}, {0x10d70, 0x10d85, 1},
	},
	"Lm": {
		{0x10d4e, 0x10d4e, 1}, {0x10d6f, 0x10d6f, 1}, {0x16d40, 0x16d42, 1}, {0x16d6b, 0x16d6c, 1},
	},
	"Lo": {
		{0x105c0, 0x105f3, 1}, {0x10d4a, 0x10d4d, 1}, {0x10d4f, 0x10d4f, 1}, {0x10ec2, 0x10ec4, 1},
		{0x11380, 0x11389, 1}, {0x1138b, 0x1138b, 1}, {0x1138e, 0x1138e, 1}, {0x11390, 0x113b5, 1},
		{0x113b7, 0x113b7, 1}, {0x113d1, 0x113d1, 1}, {0x113d3, 0x113d3, 1}, {0x11bc0, 0x11be0, 1},
		{0x13460, 0x143fa, 1}, {0x16100, 0x1611d, 1}, {0x16d43, 0x16d6a, 1}, {0x18cff, 0x18cff, 1},
		{0x1e5d0, 0x1e5ed, 1}, {0x1e5f0, 0x1e5f0, 1}, {0x2ebf0, 0x2ee5d, 1},
	},
	"M": {
		{0x897, 0x897, 1}, {0x10d69, 0x10d6d, 1}, {0x10efc, 0x10efc, 1}, {0x113b8, 0x113c0, 1},
		{0x113c2, 0x113c2, 1}, {0x113c5, 0x113c5, 1}, {0x113c7, 0x113ca, 1}, {0x113cc, 0x113d0, 1},
		{0x113d2, 0x113d2, 1}, {0x113e1, 0x113e2, 1}, {0x11f5a, 0x11f5a, 1}, {0x1611e, 0x1612f, 1},
		{0x1e5ee, 0x1e5ef, 1},
	},
	"N": {
		{0x10d40, 0x10d49, 1}, {0x116d0, 0x116e3, 1}, {0x11bf0, 0x11bf9, 1}, {0x16130, 0x16139, 1},
		{0x16d70, 0x16d79, 1}, {0x1ccf0, 0x1ccf9, 1}, {0x1e5f1, 0x1e5fa, 1},
	},
	"P": {
		{0x1b4e, 0x1b4f, 1}, {0x1b7f, 0x1b7f, 1}, {0x10d6e, 0x10d6e, 1}, {0x113d4, 0x113d5, 1},
		{0x113d7, 0x113d8, 1}, {0x11be1, 0x11be1, 1}, {0x16d6d, 0x16d6f, 1}, {0x1e5ff, 0x1e5ff, 1},
	},
	"S": {
		{0x2427, 0x2429, 1}, {0x2ffc, 0x2fff, 1}, {0x31e4, 0x31e5, 1}, {0x31ef, 0x31ef, 1}, {0x10d8e, 0x10d8f, 1},
		{0x1cc00, 0x1ccef, 1}, {0x1cd00, 0x1ceb3, 1}, {0x1f8b2, 0x1f8bb, 1}, {0x1f8c0, 0x1f8c1, 1},
		{0x1fa89, 0x1fa89, 1}, {0x1fa8f, 0x1fa8f, 1}, {0x1fabe, 0x1fabe, 1}, {0x1fac6, 0x1fac6, 1},
		{0x1fadc, 0x1fadc, 1}, {0x1fadf, 0x1fadf, 1}, {0x1fae9, 0x1fae9, 1}, {0x1fbcb, 0x1fbef, 1},
	},
}

var (
	newLetters = &unicode.RangeTable{R32: unicode16["L"]}
	newNumbers = &unicode.RangeTable{R32: unicode16["N"]}
)

// longS is s as well where case is ignored, for Oniguruma alone.
var longS = strings.NewReplacer(`(?i:'s|`, `(?i:'s|'ſ|`, `(?i:[sdmt]|`, `(?i:[sſdmt]|`)

// asOniguruma returns the expression with the characters that Unicode 16 added, at each \p{...} that lacks them, and
// with ſ for s in the English endings.
func asOniguruma(pattern string) string {
	pattern = longS.Replace(pattern)
	var b strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '[' && !inClass:
			inClass = true
		case c == ']' && inClass:
			inClass = false
		case c == '\\' && i+1 < len(pattern):
			name, _, found := strings.Cut(strings.TrimPrefix(pattern[i:], `\p{`), "}")
			ranges := unicode16[name]
			if !found || !strings.HasPrefix(pattern[i:], `\p{`) || ranges == nil {
				b.WriteString(pattern[i : i+2])
				i++
				continue
			}
			class := `\p{` + name + "}"
			for _, r := range ranges {
				class += fmt.Sprintf("%c-%c", r.Lo, r.Hi)
			}
			if !inClass {
				class = "[" + class + "]"
			}
			b.WriteString(class)
			i += len(`\p{`) + len(name)
			continue
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}
