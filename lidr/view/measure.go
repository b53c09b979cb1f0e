package view

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"unicode/utf8"
)

// measured is a line of which the texts are only measured: an index is made of every line, and most of the time that
// decoding takes goes into texts.
type measured struct {
	ID           string `json:"id"`
	Lang         string `json:"lang"`
	To           string `json:"to"`
	Prompt       length `json:"prompt"`
	Response     length `json:"response"`
	Text         length `json:"text"`
	Chosen       length `json:"chosen"`
	Rejected     length `json:"rejected"`
	OK           bool   `json:"ok"`
	Fault        string `json:"fault"`
	FinishReason string `json:"finish_reason"`
	Correct      bool   `json:"correct"`
	Steps        bool   `json:"steps"`
	OnTarget     bool   `json:"on_target"`

	QuestionID  string   `json:"question_id"`
	Answer      length   `json:"answer"`
	Rating      *float64 `json:"rating"`
	AnswerFault string   `json:"answer_fault"`
	Mean        *float64 `json:"mean"`
	Majority    *float64 `json:"majority"`
	Outcome     string   `json:"outcome"`
}

// length is a text of JSON by its characters, and by a hash by which equal ones are told.
type length struct {
	chars int32
	hash  uint64
}

var seed = maphash.MakeSeed()

// UnmarshalJSON implements json.Unmarshaler.
func (l *length) UnmarshalJSON(quoted []byte) error {
	if string(quoted) == "null" { // which says nothing, as of any text
		return nil
	}
	if len(quoted) < 2 || quoted[0] != '"' {
		return fmt.Errorf("%.40s is no text", quoted)
	}
	text := quoted[1 : len(quoted)-1]
	l.hash = maphash.Bytes(seed, text)
	n := utf8.RuneCount(text)
	for rest := text; ; { // an escape is one character, and so are two that are one of UTF-16
		i := bytes.IndexByte(rest, '\\')
		if i < 0 {
			break
		}
		switch rest = rest[i+1:]; {
		case rest[0] != 'u':
			n--
			rest = rest[1:]
		case len(rest) >= 11 && (rest[1] == 'd' || rest[1] == 'D') && strings.IndexByte("89abAB", rest[2]) >= 0 &&
			rest[5] == '\\' && rest[6] == 'u' && (rest[7] == 'd' || rest[7] == 'D') &&
			strings.IndexByte("cdefCDEF", rest[8]) >= 0:
			n -= 11
			rest = rest[11:]
		default:
			n -= 5
			rest = rest[5:]
		}
	}
	l.chars = int32(n)
	return nil
}

// measure reads the lines that [decode] reads, and no others: what an index has can be shown.
func measure(line []byte) (measured, error) {
	var m measured
	if !utf8.Valid(line) {
		return m, errors.New("is not UTF-8")
	}
	if m.quick(line) {
		return m, nil
	}
	m = measured{}
	err := json.Unmarshal(line, &m)
	if err == nil {
		_, err = decode(line)
	}
	m.ID = cmp.Or(m.ID, m.QuestionID)
	return m, err
}

// quick reads a line as encoding/json does, which takes most of the time in which a large file is opened. It is false
// for all but an object of texts, true, false and whole numbers under names that it knows, as those of a run's files
// are: such a line is left to encoding/json, which says what is wrong if something is.
func (m *measured) quick(line []byte) bool {
	at := blanks(line, 0)
	if at == len(line) || line[at] != '{' {
		return false
	}
	for at = blanks(line, at+1); ; at = blanks(line, at+1) {
		end, chars := quoted(line, at)
		if chars < 0 {
			return false
		}
		name := line[at+1 : end-1]
		if end = blanks(line, end); end == len(line) || line[end] != ':' {
			return false
		}
		if at = m.value(name, line, blanks(line, end+1)); at < 0 {
			return false
		}
		if at = blanks(line, at); at == len(line) {
			return false
		}
		if line[at] == '}' {
			return blanks(line, at+1) == len(line)
		}
		if line[at] != ',' {
			return false
		}
	}
}

// mostDigits is how many a whole number of any size of int has at most.
const mostDigits = 9

// value reads the value that begins at a place of a line, and returns where it ends, -1 where encoding/json must read
// it.
func (m *measured) value(name, line []byte, at int) int {
	var text *string
	var measured *length
	var is *bool
	var isText, isNumber bool // of what is not kept
	switch string(name) {
	case "id":
		text = &m.ID
	case "lang":
		text = &m.Lang
	case "to":
		text = &m.To
	case "fault":
		text = &m.Fault
	case "finish_reason":
		text = &m.FinishReason
	case "prompt":
		measured = &m.Prompt
	case "response":
		measured = &m.Response
	case "text":
		measured = &m.Text
	case "chosen":
		measured = &m.Chosen
	case "rejected":
		measured = &m.Rejected
	case "answer":
		measured = &m.Answer
	case "ok":
		is = &m.OK
	case "correct":
		is = &m.Correct
	case "steps":
		is = &m.Steps
	case "on_target":
		is = &m.OnTarget
	case "source", "completion", "from", "reason", "gold", "language":
		isText = true
	case "tokens", "sample":
		isNumber = true
	case "strict", "flexible":
	default:
		return -1
	}
	if end, chars := quoted(line, at); end > 0 {
		switch {
		case is != nil, isNumber, text != nil && chars < 0:
			return -1
		case text != nil:
			*text = string(line[at+1 : end-1])
		case measured != nil && chars < 0:
			if measured.UnmarshalJSON(line[at:end]) != nil {
				return -1
			}
		case measured != nil:
			*measured = length{int32(chars), maphash.Bytes(seed, line[at+1:end-1])}
		}
		return end
	}
	if text != nil || measured != nil || isText {
		return -1
	}
	for _, word := range []string{"true", "false"} {
		if end := at + len(word); !isNumber && end <= len(line) && string(line[at:end]) == word {
			if is != nil {
				*is = word == "true"
			}
			return end
		}
	}
	end := at
	for end < len(line) && '0' <= line[end] && line[end] <= '9' {
		end++
	}
	if is != nil || end == at || line[at] == '0' && end > at+1 || end-at > mostDigits {
		return -1
	}
	return end
}

// blanks is the place of the next byte that is no blank.
func blanks(line []byte, at int) int {
	for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
		at++
	}
	return at
}

// quoted is where a text of JSON ends that begins at a place, -1 if none does, and how many characters it has, -1 where
// some are escaped.
func quoted(line []byte, at int) (end, chars int) {
	if at >= len(line) || line[at] != '"' {
		return -1, -1
	}
	escaped := false
	for i := at + 1; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"' && escaped:
			return i + 1, -1
		case c == '"':
			return i + 1, chars
		case c < ' ':
			return -1, -1
		case c == '\\':
			escaped = true
			i++
			if i < len(line) && line[i] == 'u' && i+4 < len(line) && hexadecimal(line[i+1:i+5]) {
				i += 4
			} else if i >= len(line) || bytes.IndexByte([]byte(`"\/bfnrt`), line[i]) < 0 {
				return -1, -1
			}
		case c&0xC0 != 0x80: // it begins a character
			chars++
		}
	}
	return -1, -1
}

func hexadecimal(digits []byte) bool {
	for _, c := range digits {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}
