package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// otherEncoding is an error for the first bytes of a file that is no UTF-8 text, in words that say what to do.
func otherEncoding(head []byte) error {
	starts := func(bytes ...byte) bool {
		return len(head) >= len(bytes) && string(head[:len(bytes)]) == string(bytes)
	}
	switch {
	case starts(0x1f, 0x8b):
		return errors.New("the file is compressed with gzip, expected text; unpack it with gunzip")
	case starts(0x28, 0xb5, 0x2f, 0xfd):
		return errors.New("the file is compressed with zstd, expected text; unpack it with unzstd")
	case starts('P', 'K', 3, 4):
		return errors.New("the file is a zip archive, expected text; unpack it")
	case starts('P', 'A', 'R', '1'):
		return errors.New("the file is in Parquet, expected text; its name must end in .parquet")
	case starts(0xff, 0xfe), starts(0xfe, 0xff), starts('{', 0), starts('[', 0), starts(0, '{'), starts(0, '['):
		return errors.New("the file is in UTF-16, expected UTF-8; convert it with iconv -f UTF-16 -t UTF-8")
	}
	return nil
}

// withoutNaN replaces NaN where JSON expects a value by null: Python's json writes a missing number so.
func withoutNaN(text []byte) []byte {
	nan := []byte("NaN")
	if !bytes.Contains(text, nan) {
		return text
	}
	var out []byte
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\' && i+1 < len(text):
			out = append(out, text[i])
			i++
		case text[i] == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(text[i:], nan):
			out = append(out, "null"...)
			i += len(nan) - 1
			continue
		}
		out = append(out, text[i])
	}
	return out
}

// halfSurrogate reports whether a JSON value has an escape that is one half of a UTF-16 surrogate pair, which
// encoding/json would turn into U+FFFD: not the text that the file's author meant.
func halfSurrogate(raw json.RawMessage) bool {
	unit := func(i int) uint64 { // the escaped code unit at i, 0 if there is none
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseUint(string(raw[i+2:i+6]), 16, 32)
		return n
	}
	isHigh := func(n uint64) bool { return n >= 0xd800 && n < 0xdc00 }
	isLow := func(n uint64) bool { return n >= 0xdc00 && n < 0xe000 }
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		switch n := unit(i); {
		case isLow(n), isHigh(n) && !isLow(unit(i+6)):
			return true
		case isHigh(n):
			i += 11
		default:
			i++
		}
	}
	return false
}
