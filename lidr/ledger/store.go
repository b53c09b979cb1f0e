package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Store is a folder of content-keyed outputs: DIR/KIND/KEY.jsonl when complete, KEY.partial while a step works on it.
type Store struct{ Dir string }

// header is the first line of a partial log and of a finished output: a file that belongs to another key, or to another
// number of items, is never read as this one.
type header struct {
	Kind  string `json:"kind"`
	Key   string `json:"key"`
	Items int    `json:"items"`
}

// entry is one item of a log, under its position in the input.
type entry[T any] struct {
	Index int `json:"i"`
	Value T   `json:"value"`
}

var collecting sync.Map // a lock for each path of a finished output that this process has asked for

// Collect returns the n items of a step's output in input order.
//
// If the store holds them already it reads them and run is not called. Otherwise run produces the items that done does
// not know yet and hands every finished batch to save, which returns once the batch is on the disk. Collect fails if run
// returns without having saved all items. Of several goroutines that ask for the same output one works, and the others wait
// for it.
func Collect[T any](s Store, kind, key string, n int, run func(done func(int) bool, save func(idx []int, items []T) error) error) ([]T, error) {
	final := filepath.Join(s.Dir, kind, key+".jsonl")
	working, _ := collecting.LoadOrStore(final, &sync.Mutex{})
	working.(*sync.Mutex).Lock()
	defer working.(*sync.Mutex).Unlock()
	if items, err := readFinal[T](final, header{kind, key, n}); err == nil {
		return items, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	log, err := openLog[T](filepath.Join(s.Dir, kind, key+".partial"), header{kind, key, n})
	if err != nil {
		return nil, err
	}
	defer log.file.Close()
	if len(log.items) < n {
		done := func(i int) bool { _, ok := log.items[i]; return ok }
		if err := run(done, log.append); err != nil {
			return nil, err
		}
	}
	items := make([]T, n)
	for i := range items {
		item, ok := log.items[i]
		if !ok {
			return nil, fmt.Errorf("%s: item %d of %d was never saved", log.path, i, n)
		}
		items[i] = item
	}
	lines := make([]any, 0, n+1)
	lines = append(lines, header{kind, key, n})
	for i, item := range items {
		lines = append(lines, entry[T]{i, item})
	}
	if err := WriteLines(final, lines); err != nil {
		return nil, err
	}
	return items, os.Remove(log.path)
}

// log is an append-only file of items: a header line, then one entry a line.
type log[T any] struct {
	path  string
	file  *os.File
	items map[int]T
}

// openLog opens or creates the log at path and reads what it holds. A last line without an end was torn by a crash: it
// is cut off. Any other damage is an error, since it was not ours.
func openLog[T any](path string, want header) (*log[T], error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	l := &log[T]{path: path, file: file, items: map[int]T{}}
	if err := l.recover(want); err != nil {
		file.Close()
		return nil, err
	}
	return l, nil
}

func (l *log[T]) recover(want header) error {
	data, err := os.ReadFile(l.path)
	if err != nil {
		return err
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	if err := l.file.Truncate(int64(len(whole))); err != nil {
		return err
	}
	if _, err := l.file.Seek(0, 2); err != nil {
		return err
	}
	if len(whole) == 0 {
		line, err := encodeLines([]header{want})
		if err != nil {
			return err
		}
		return l.write(line)
	}
	l.items, err = parseEntries[T](l.path, whole, want)
	return err
}

func (l *log[T]) append(idx []int, items []T) error {
	entries := make([]entry[T], len(idx))
	for k, i := range idx {
		entries[k] = entry[T]{i, items[k]}
	}
	lines, err := encodeLines(entries)
	if err != nil {
		return fmt.Errorf("encode %s: %w", l.path, err)
	}
	if err := l.write(lines); err != nil {
		return fmt.Errorf("append to %s: %w; what was saved before is kept, so free the cause and run the same command again", l.path, err)
	}
	for k, i := range idx {
		l.items[i] = items[k]
	}
	return nil
}

func (l *log[T]) write(lines []byte) error {
	if _, err := l.file.Write(lines); err != nil {
		return err
	}
	return l.file.Sync()
}

func readFinal[T any](path string, want header) ([]T, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	found, err := parseEntries[T](path, data, want)
	if err != nil {
		return nil, err
	}
	items := make([]T, want.Items)
	for i := range items {
		item, ok := found[i]
		if !ok {
			return nil, fmt.Errorf("%s: item %d of %d is missing, so the file was edited; delete it and run again", path, i, want.Items)
		}
		items[i] = item
	}
	return items, nil
}

func parseEntries[T any](path string, data []byte, want header) (map[int]T, error) {
	found := map[int]T{}
	for number := 1; len(data) > 0; number++ {
		line, rest, ended := bytes.Cut(data, []byte("\n"))
		data = rest
		var err error
		switch {
		case !ended:
			err = errors.New("the line has no end")
		case number == 1:
			var got header
			if err = json.Unmarshal(line, &got); err == nil && got != want {
				err = fmt.Errorf("header %+v, expected %+v", got, want)
			}
		default:
			var e entry[T]
			if err = json.Unmarshal(line, &e); err == nil && (e.Index < 0 || e.Index >= want.Items) {
				err = fmt.Errorf("field i is %d, expected 0 to %d", e.Index, want.Items-1)
			}
			found[e.Index] = e.Value
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w; the file was damaged or edited, so delete it and run again", path, number, err)
		}
	}
	return found, nil
}
