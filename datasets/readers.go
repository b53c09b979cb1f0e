package datasets

import (
	"fmt"
	"path/filepath"
	"sync"
)

// RowReader reads a file that is not JSON and calls visit with each of its rows in order, each as the JSON object that
// would be its line in a JSONL file. An error of visit ends the reading and is returned unchanged.
type RowReader func(path string, visit func(row []byte) error) error

var rowReaders sync.Map // RowReader by extension

// RegisterReader makes every loader read files with an extension, such as ".parquet", by read. A package with a reader
// calls it when it is imported (datasets/parquet).
func RegisterReader(extension string, read RowReader) { rowReaders.Store(extension, read) }

// scanRows is scanRecords for a file that is not JSON: a record's line is then the number of its row. ok is false where
// the file is JSON.
func scanRows(path string, visit func(record) error) (ok bool, err error) {
	extension := filepath.Ext(path)
	read, linked := rowReaders.Load(extension)
	switch {
	case !linked && extension == ".parquet":
		return true, fmt.Errorf("%s: no reader of Parquet is linked into this program: the lidr command has one, "+
			"and a cell or a program of your own has it by import _ \"lidrlab/datasets/parquet\"", path)
	case !linked:
		return false, nil
	}
	line := 0
	return true, read.(RowReader)(path, func(row []byte) error {
		line++
		if len(row) > MaxLine {
			return fmt.Errorf("%s:%d: the row is longer than %d MiB", path, line, MaxLine>>20)
		}
		rec, err := parseObject(path, line, row)
		if err != nil {
			return err
		}
		return visit(rec)
	})
}
