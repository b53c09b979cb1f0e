package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
)

// log is an append-only file of items: a header line, then one entry a line.
type log struct {
	path  string
	file  *os.File
	first []byte // the header's line
}

// openLog opens or creates the log at path and calls put with each entry in it. A last line without an end was torn by
// a crash and is cut off. Any other damage is an error, since no crash of ours causes it.
func openLog[T any](path string, want header, put func(int, T) error) (*log, error) {
	first, err := headerLine(want)
	if err != nil {
		return nil, err
	}
	if err := input.Regular(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	l := &log{path, file, first}
	whole, err := readEntries(path, file, want, false, put)
	if err == nil || errors.Is(err, errTorn) {
		err = l.begin(whole)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// begin cuts the log after its whole lines, and writes the header if there is none.
func (l *log) begin(whole int64) error {
	if err := l.file.Truncate(whole); err != nil {
		return err
	}
	if _, err := l.file.Seek(whole, io.SeekStart); err != nil || whole > 0 {
		return err
	}
	if err := durable.Append(l.file, l.first); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(l.path))
}

// appendItems appends the items, and returns when they are on the disk.
func appendItems[T any](l *log, idx []int, items []T) error {
	var lines bytes.Buffer
	for k, i := range idx {
		if err := appendLine(&lines, l.first, entry[T]{i, items[k]}); err != nil {
			return fmt.Errorf("encode %s: %w", l.path, err)
		}
	}
	if err := durable.Append(l.file, lines.Bytes()); err != nil {
		return fmt.Errorf("append to %s: %w; what was saved is kept, so remove the cause and run the same command again",
			l.path, err)
	}
	return nil
}
