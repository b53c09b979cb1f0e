// Package parquet makes package datasets read Parquet files, the form of data sets on the Hugging Face hub, as it reads
// JSON: import it for that effect. It is a package of its own since the library adds some megabytes to a program. The
// lidr command has it, and so has every script.
package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"lidrlab/datasets"
)

func init() { datasets.RegisterReader(".parquet", Read) }

// Read calls visit with each row of a file, in order, as a JSON object. Columns become its fields, structs objects,
// lists arrays and nulls null. Numbers that JSON lacks become null too: the infinities and NaN, by which pandas marks a
// missing number. An error names the file and, if it is about a row, the row's number, counted from 1.
func Read(path string, visit func(row []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	defer file.Close()
	var rows *parquet.GenericReader[any]
	err = guard(func() error {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if err := check(file, info.Size()); err != nil {
			return err
		}
		f, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err != nil {
			return err
		}
		rows = parquet.NewGenericReader[any](f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: not a Parquet file that can be read: %w", path, err)
	}
	for n := 1; ; n++ {
		var row []byte
		err := guard(func() (err error) {
			row, err = next(rows)
			return err
		})
		if errors.Is(err, io.EOF) {
			if int64(n-1) == rows.NumRows() {
				return nil
			}
			err = fmt.Errorf("the file ends here, and says that it has %d rows", rows.NumRows())
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if err := visit(row); err != nil {
			return err
		}
	}
}

// guard turns a panic into an error: the library does not check all that a file states, and panics on some wrong files.
func guard(do func() error) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the file is damaged: %v", broken)
		}
	}()
	return do()
}

// next returns the next row as JSON, io.EOF after the last.
func next(rows *parquet.GenericReader[any]) ([]byte, error) {
	var packed [1]parquet.Row
	if n, err := rows.ReadRows(packed[:]); n == 0 {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	size := 0
	for _, value := range packed[0] { // many values of a few bytes may refer to one long text of a dictionary
		if size++; value.Kind() == parquet.ByteArray || value.Kind() == parquet.FixedLenByteArray {
			size += len(value.ByteArray())
		}
		if size > datasets.MaxLine {
			return nil, fmt.Errorf("the row is longer than %d MiB", datasets.MaxLine>>20)
		}
	}
	var row any
	if err := rows.Schema().Reconstruct(&row, packed[0]); err != nil {
		return nil, err
	}
	columns, ok := row.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("expected columns, found %T", row)
	}
	for name, value := range columns {
		cleaned, err := plain(value)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		columns[name] = cleaned
	}
	return json.Marshal(columns)
}

// plain replaces numbers that JSON lacks by nil. Invalid UTF-8 is an error, since encoding/json would replace it and
// report nothing.
func plain(value any) (_ any, err error) {
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) {
			return nil, errors.New("invalid UTF-8, expected UTF-8 text")
		}
	case float32:
		return plain(float64(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil
		}
	case []any:
		for i := range v {
			if v[i], err = plain(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = plain(v[name]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}
