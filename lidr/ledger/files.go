package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
)

// WriteFile writes data to path, atomically and durably, and creates the folders above it. A file that already holds
// exactly these bytes is not changed.
func WriteFile(path string, data []byte) error {
	if old, err := input.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := durable.WriteFile(path, data); err != nil {
		return fmt.Errorf("write %s: %w; nothing was changed, so remove the cause (disk full? read-only folder?) and run "+
			"the same command again", path, err)
	}
	return nil
}

// WriteJSON writes v to path as indented JSON with a final newline, atomically.
func WriteJSON(path string, v any) error {
	data, err := EncodeJSON(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return WriteFile(path, data)
}

// EncodeJSON returns the bytes that [WriteJSON] writes.
func EncodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return buf.Bytes(), err
}

// ReadJSON reads path into v. A missing file is fs.ErrNotExist; unknown fields are errors, since the files that it
// reads are our own.
func ReadJSON(path string, v any) error {
	data, err := input.ReadFile(path)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%s: %w; it was not written by this version, so move it away and run again", path, err)
	}
	return nil
}

// WriteLines writes rows to path as one JSON value a line, atomically.
func WriteLines[T any](path string, rows []T) error {
	data, err := EncodeLines(rows)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return WriteFile(path, data)
}

// ReadLines returns the values of a file of one JSON value a line, as [WriteLines] writes it. An error names the file
// and the line.
func ReadLines[T any](path string) ([]T, error) {
	data, err := input.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []T
	for number := 1; len(data) > 0; number++ {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		if !ended {
			return nil, fmt.Errorf("%s:%d: the last line has no end, so the file was cut short; delete it and run again", path,
				number)
		}
		var row T
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		rows, data = append(rows, row), rest
	}
	return rows, nil
}

// AppendLine appends one JSON value and a newline to path. It is for files that only describe a run (timing.jsonl):
// a line torn by a crash is never read back.
func AppendLine(path string, v any) error {
	line, err := EncodeLines([]any{v})
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	var file *os.File
	if err = errors.Join(durable.MkdirAll(filepath.Dir(path)), input.Regular(path)); err == nil {
		file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	}
	if err == nil {
		err = durable.Append(file, line)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("append to %s: %w; nothing else is lost, so remove the cause (disk full? read-only folder?) and "+
			"run the same command again", path, err)
	}
	return nil
}

// EncodeLines returns the bytes that [WriteLines] writes.
func EncodeLines[T any](rows []T) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for _, row := range rows {
		if err := enc.Encode(row); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), nil
}

// ReadForeignJSON is [ReadJSON] for a file that another version or program may have written: unknown fields are passed
// over.
func ReadForeignJSON(path string, v any) error {
	data, err := input.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
