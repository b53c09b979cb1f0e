package ledger

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lidrlab/lidr/durable"
)

// log is an append-only file of items: a header line, then one entry a line.
type log struct {
	path string
	file *os.File
}

// openLog opens or creates the log at path and calls put with each entry in it. A last line without an end was torn by
// a crash and is cut off. Any other damage is an error, since no crash of ours causes it.
func openLog[T any](path string, want header, put func(int, T)) (*log, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	l := &log{path: path, file: file}
	whole, err := readEntries(path, file, want, put)
	if err == nil || errors.Is(err, errTorn) {
		err = l.begin(whole, want)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// begin cuts the log after its whole lines, and writes the header if there is none.
func (l *log) begin(whole int64, want header) error {
	if err := l.file.Truncate(whole); err != nil {
		return err
	}
	if _, err := l.file.Seek(whole, io.SeekStart); err != nil || whole > 0 {
		return err
	}
	line, err := EncodeLines([]header{want})
	if err != nil {
		return err
	}
	if err := durable.Append(l.file, line); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(l.path))
}

// appendItems appends the items, and returns when they are on the disk.
func appendItems[T any](l *log, idx []int, items []T) error {
	entries := make([]entry[T], len(idx))
	for k, i := range idx {
		entries[k] = entry[T]{i, items[k]}
	}
	lines, err := EncodeLines(entries)
	if err != nil {
		return fmt.Errorf("encode %s: %w", l.path, err)
	}
	if err := durable.Append(l.file, lines); err != nil {
		return fmt.Errorf("append to %s: %w; what was saved is kept, so remove the cause and run the same command again",
			l.path, err)
	}
	return nil
}
