package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Every line of a store's file carries its sum as the last field, the start of the SHA-256 of the bytes before it, by
// which a changed bit is noticed before anything is decoded. The header's bytes are part of every sum, so that a line
// of another file is noticed too. The bytes are summed and not the values, since a decoder takes "Value" for "value",
// and text that is no UTF-8 for other text.

// header is the first line of a partial log and of a finished output. By it a file of another key, or of another number
// of items, is recognised and not read.
type header struct {
	Kind  string `json:"kind"`
	Key   string `json:"key"`
	Items int    `json:"items"`
}

// sumBytes is how much of a SHA-256 a line carries: a damaged line passes once in 2⁶⁴.
const sumBytes = 8

var errSum = errors.New("the line is not the one that was written: its sum is of other bytes")

// lineSum returns the end of a line, with the sum of the header's line and of the line's bytes before.
func lineSum(first, body []byte) string {
	hash := sha256.New()
	hash.Write(first)
	hash.Write(body)
	return `,"sum":"` + hex.EncodeToString(hash.Sum(nil)[:sumBytes]) + `"}` + "\n"
}

// appendLine appends the line of v, a struct, to lines. first is the header's line, nil for that line itself.
func appendLine(lines *bytes.Buffer, first []byte, v any) error {
	start := lines.Len()
	enc := json.NewEncoder(lines)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	lines.Truncate(lines.Len() - len("}\n"))
	lines.WriteString(lineSum(first, lines.Bytes()[start:]))
	return nil
}

// headerLine returns the first line of a file.
func headerLine(h header) ([]byte, error) {
	var line bytes.Buffer
	err := appendLine(&line, nil, h)
	return line.Bytes(), err
}

// checkLine returns a line without its sum, as JSON again, if the sum is right.
func checkLine(first, line []byte) ([]byte, error) {
	at := len(line) - len(lineSum(nil, nil))
	if at < 0 || string(line[at:]) != lineSum(first, line[:at]) {
		return nil, errSum
	}
	return append(line[:at:at], '}'), nil
}

// decodeStrict decodes a line whose fields must be known.
func decodeStrict(line []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("it was not written by this version: %w", err)
	}
	return nil
}
