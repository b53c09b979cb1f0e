package datasets

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxLine is the greatest length in bytes of a line, or of an array element, that the loaders read. The longest
// published answers and translations have some ten thousand characters: a line of 16 MiB is refused before it takes all
// memory.
const MaxLine = 16 << 20

const (
	maxArray   = 1 << 30 // bytes of a file that is one array, which is read as a whole
	readBuffer = 1 << 16 // bytes
)

// record is one JSON object of a file, with the place where it was read.
type record struct {
	file   string
	line   int
	fields map[string]json.RawMessage
}

// readRecords calls visit for each object of a file in order. The file holds one JSON object a line, or is one JSON
// array of objects; the first character that is not a space decides. Blank lines are skipped. A file whose extension
// has a [RowReader] is read by it.
func readRecords(path string, visit func(record) error) error {
	if err := plainFile(path); err != nil {
		return err
	}
	if ok, err := scanRows(path, visit); ok {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	defer f.Close()
	return scanRecords(path, f, visit)
}

// scanRecords is readRecords on an open stream; name is what errors call it.
func scanRecords(name string, r io.Reader, visit func(record) error) error {
	in := bufio.NewReaderSize(r, readBuffer)
	head, _ := in.Peek(4)
	if err := otherEncoding(head); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if bom, err := in.Peek(3); err == nil && string(bom) == "\ufeff" {
		_, _ = in.Discard(3)
	}
	for line := 1; ; line++ {
		raw, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		text := bytes.TrimSpace(raw)
		if len(text) == 0 {
			continue
		}
		if text[0] == '[' {
			return scanArray(name, line, io.MultiReader(bytes.NewReader(raw), in), visit)
		}
		rec, err := parseObject(name, line, text)
		if err != nil {
			return err
		}
		if err := visit(rec); err != nil {
			return err
		}
	}
}

// readLine returns the next line with its line break, io.EOF after the last, or an error for a line beyond MaxLine.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > MaxLine {
			return nil, fmt.Errorf("the line is longer than %d MiB, expected one JSON object a line", MaxLine>>20)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// scanArray reads the objects of one JSON array that begins on the given line.
func scanArray(name string, line int, r io.Reader, visit func(record) error) error {
	raw, err := io.ReadAll(io.LimitReader(r, maxArray+1))
	if err == nil && len(raw) > maxArray {
		err = fmt.Errorf("the array is longer than %d MiB, expected one JSON object a line in a file of this size",
			maxArray>>20)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	raw = withoutNaN(raw)
	counted := int64(0)
	lineAt := func(offset int64) int { // offsets only grow
		line += bytes.Count(raw[counted:offset], []byte("\n"))
		counted = offset
		return line
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil { // the opening bracket
		return fmt.Errorf("%s:%d: %w", name, line, err)
	}
	for dec.More() {
		var element json.RawMessage
		if err := dec.Decode(&element); err != nil {
			return fmt.Errorf("%s:%d: broken JSON: %w", name, lineAt(dec.InputOffset()), err)
		}
		begin := lineAt(dec.InputOffset() - int64(len(element)))
		if len(element) > MaxLine {
			return fmt.Errorf("%s:%d: the object is longer than %d MiB", name, begin, MaxLine>>20)
		}
		rec, err := parseObject(name, begin, element)
		if err != nil {
			return err
		}
		if err := visit(rec); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing bracket
		return fmt.Errorf("%s:%d: broken JSON: the array does not end: %w", name, lineAt(dec.InputOffset()), err)
	}
	if rest := bytes.TrimSpace(raw[dec.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("%s:%d: broken JSON: something follows the array's end", name, lineAt(dec.InputOffset()))
	}
	return nil
}

// parseObject returns the fields of a JSON object. Text that is not one object in valid UTF-8, and a field that appears
// twice, are errors.
func parseObject(name string, line int, text []byte) (record, error) {
	rec := record{file: name, line: line, fields: map[string]json.RawMessage{}}
	if !utf8.Valid(text) {
		return rec, fmt.Errorf("%s:%d: invalid UTF-8 at byte %d of the line, expected UTF-8 text",
			name, line, firstInvalid(text)+1)
	}
	text = withoutNaN(text)
	if text[0] != '{' {
		return rec, fmt.Errorf("%s:%d: expected a JSON object, found %s", name, line, kind(text))
	}
	broken := func(err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the object does not end")
		}
		return fmt.Errorf("%s:%d: broken JSON: %w", name, line, err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return rec, broken(err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return rec, broken(err)
		}
		field, ok := key.(string)
		if !ok {
			return rec, broken(fmt.Errorf("expected a field name, found %v", key))
		}
		if _, twice := rec.fields[field]; twice {
			return rec, fmt.Errorf("%s:%d: field %q appears twice", name, line, field)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return rec, broken(err)
		}
		rec.fields[field] = value
	}
	if _, err := dec.Token(); err != nil {
		return rec, broken(err)
	}
	if len(bytes.TrimSpace(text[dec.InputOffset():])) > 0 {
		return rec, fmt.Errorf("%s:%d: broken JSON: something follows the object's end, expected one object a line",
			name, line)
	}
	return rec, nil
}

func firstInvalid(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(text)
}

// kind names the type of a JSON value, for an error.
func kind(value json.RawMessage) string {
	switch value[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return "a number"
	}
	return fmt.Sprintf("%.20q", value)
}

// errorf returns an error that begins with the record's file and line.
func (r record) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", r.file, r.line, fmt.Sprintf(format, args...))
}

// has reports whether the record has all the fields.
func (r record) has(fields ...string) bool {
	for _, f := range fields {
		if _, ok := r.fields[f]; !ok {
			return false
		}
	}
	return true
}

// names lists the record's fields in alphabetical order, quoted so that they stay on one line.
func (r record) names() string {
	names := make([]string, 0, len(r.fields))
	for f := range r.fields {
		names = append(names, strings.Trim(strconv.Quote(f), `"`))
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

// onlyFields is an error if the record has a field that is not among the known ones.
func (r record) onlyFields(known ...string) error {
	expected := map[string]bool{}
	for _, f := range known {
		expected[f] = true
	}
	for f := range r.fields {
		if !expected[f] {
			return r.errorf("unknown field, found %s, expected only %s", r.names(), strings.Join(known, ", "))
		}
	}
	return nil
}

// value decodes a required field into out; expected says in words what it must be.
func (r record) value(field, expected string, out any) error {
	raw, ok := r.fields[field]
	if !ok {
		return r.errorf("field %q is missing, found %s", field, r.names())
	}
	if string(raw) == "null" || json.Unmarshal(raw, out) != nil {
		return r.errorf("field %q: expected %s, found %s", field, expected, kind(raw))
	}
	return nil
}

// text returns a required string field. Half of a surrogate pair is an error.
func (r record) text(field string) (string, error) {
	var s string
	if err := r.value(field, "a string", &s); err != nil {
		return "", err
	}
	if halfSurrogate(r.fields[field]) {
		return "", r.errorf("field %q: invalid escape, half of a UTF-16 surrogate pair", field)
	}
	return s, nil
}

// filled returns a required string field that has something other than white space in it.
func (r record) filled(field string) (string, error) {
	s, err := r.text(field)
	if err == nil && strings.TrimSpace(s) == "" {
		return "", r.errorf("field %q is empty, expected text", field)
	}
	return s, err
}

// id returns the field "id": a text, or a whole number, which is the text of its digits. White space around it is an
// error: ids that differ by it alone would belong together to a reader and not here.
func (r record) id() (string, error) {
	id, err := r.word("id")
	if err == nil && strings.TrimSpace(id) != id {
		return "", r.errorf("field \"id\": expected no white space around it, found %q", id)
	}
	return id, err
}

// spelled is an error for a field that is one of the known ones but for its case or white space around it.
func (r record) spelled(known []string) error {
	for f := range r.fields {
		for _, k := range known {
			if f != k && strings.EqualFold(strings.TrimSpace(f), k) {
				return r.errorf("field %q: expected it to be spelled %q", f, k)
			}
		}
	}
	return nil
}
