package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// arrayForm is a kind of file that is read and written: one JSON array of objects, no two of which have the same key.
type arrayForm[T any] struct {
	what  string
	parse func(record) (T, error)
	key   func(T) [4]string
	again bool // files of others may have two objects of the same key
}

func (f arrayForm[T]) load(path string) ([]T, error) {
	var out []T
	first := map[[4]string]int{}
	err := readRecords(path, func(r record) error {
		row, err := f.parse(r)
		if err != nil {
			return err
		}
		out = append(out, row)
		if line, twice := first[f.key(row)]; twice && !f.again {
			return r.errorf("the same instruction by the same models as on line %d, expected each once", line)
		}
		first[f.key(row)] = r.line
		return nil
	})
	return complete(path, f.what, out, err)
}

func (f arrayForm[T]) save(path string, rows []T) error {
	data, err := f.encode(rows)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := writeFile(path, data); err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	return nil
}

// encode returns the bytes of a file with the rows, after checking that each row reads back unchanged.
func (f arrayForm[T]) encode(rows []T) ([]byte, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("no %s to write, expected at least one", f.what)
	}
	out := bytes.NewBufferString("[")
	first := map[[4]string]int{}
	for i, row := range rows {
		data, err := f.checked(row)
		if err != nil {
			return nil, fmt.Errorf("element %d of the %s cannot be written: %w", i, f.what, err)
		}
		if j, twice := first[f.key(row)]; twice {
			return nil, fmt.Errorf("elements %d and %d of the %s have the same instruction by the same models, "+
				"expected each once", j, i, f.what)
		}
		first[f.key(row)] = i
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n  ")
		if err := json.Indent(out, data, "  ", "  "); err != nil {
			return nil, err
		}
	}
	out.WriteString("\n]\n")
	return out.Bytes(), nil
}

// checked encodes a row and checks that it reads back unchanged. A row with invalid UTF-8 does not, since encoding/json
// replaces the invalid bytes and reports no error.
func (f arrayForm[T]) checked(row T) (json.RawMessage, error) {
	data, err := encode(row)
	if err != nil {
		return nil, err
	}
	r, err := parseObject(f.what, 1, data)
	if err != nil {
		return nil, err
	}
	back, err := f.parse(r)
	if err != nil {
		return nil, err
	}
	if again, err := encode(back); err != nil || !bytes.Equal(again, data) {
		return nil, errors.New("it would not read back as it is, expected valid UTF-8 and a preference of 1 to 2 or NaN")
	}
	return data, nil
}

// encode is json.Marshal without its escapes of <, > and &, which would change a [json.RawMessage] on its way.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
