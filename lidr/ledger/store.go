package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"lidrlab/lidr/durable"
)

// Store is a folder of content-keyed outputs: DIR/KIND/KEY.jsonl when complete, KEY.partial while a step works on it, which
// holds KEY.lock meanwhile.
type Store struct{ Dir string }

var collecting sync.Map // a lock for each path of a finished output that this process has asked for

// Collect returns the n items of a step's output in input order.
//
// If the store holds them already it reads them and run is not called. Otherwise run produces the items that done does
// not know yet and hands every finished batch to save, which returns once the batch is on the disk. Collect fails if run
// returns without having saved all items. Of several goroutines or processes that ask for the same output one works, and the
// others wait for it.
func Collect[T any](ctx context.Context, s Store, kind, key string, n int, run func(done func(int) bool, save func(idx []int, items []T) error) error) ([]T, error) {
	final := filepath.Join(s.Dir, kind, key+".jsonl")
	working, _ := collecting.LoadOrStore(final, &sync.Mutex{})
	working.(*sync.Mutex).Lock()
	defer working.(*sync.Mutex).Unlock()
	want := header{kind, key, n}
	if items, err := readFinal[T](final, want); err == nil {
		return items, clearBeside(final)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := durable.MkdirAll(filepath.Dir(final)); err != nil {
		return nil, err
	}
	release, err := lockKey(ctx, final)
	if err != nil {
		return nil, err
	}
	// Who waited for the lock finds the output finished.
	items, err := readFinal[T](final, want)
	if errors.Is(err, fs.ErrNotExist) {
		items, err = collect(final, want, run)
	}
	if err == nil {
		err = clearBeside(final)
	}
	return items, errors.Join(err, release())
}

// output is the items of a step, as far as they are there.
type output[T any] struct {
	items []T
	saved []bool
}

func (o *output[T]) put(i int, item T) { o.items[i], o.saved[i] = item, true }

// missing is an error that names the first item that is not there.
func (o *output[T]) missing(path, why string) error {
	if i := slices.Index(o.saved, false); i >= 0 {
		return fmt.Errorf("%s: item %d of %d %s", path, i, len(o.items), why)
	}
	return nil
}

// readFinal reads a finished output.
func readFinal[T any](path string, want header) ([]T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	o := &output[T]{make([]T, want.Items), make([]bool, want.Items)}
	if _, err := readEntries(path, file, want, o.put); err != nil {
		return nil, err
	}
	return o.items, o.missing(path, "is missing, so the file was edited; delete it and run again")
}

// collect makes the output; the caller holds its lock.
func collect[T any](final string, want header, run func(done func(int) bool, save func([]int, []T) error) error) ([]T, error) {
	o := &output[T]{make([]T, want.Items), make([]bool, want.Items)}
	log, err := openLog(beside(final, ".partial"), want, o.put)
	if err != nil {
		return nil, err
	}
	defer log.file.Close()
	if slices.Contains(o.saved, false) {
		err := run(func(i int) bool { return o.saved[i] }, func(idx []int, items []T) error {
			if err := appendItems(log, idx, items); err != nil {
				return err
			}
			for k, i := range idx {
				o.put(i, items[k])
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if err := o.missing(log.path, "was never saved"); err != nil {
		return nil, err
	}
	err = writeFinal(final, want, func(each func(int, T) error) error {
		for i, item := range o.items {
			if err := each(i, item); err != nil {
				return err
			}
		}
		return nil
	})
	return o.items, err
}

// beside returns the path of a file that is there while an output is made.
func beside(final, extension string) string { return strings.TrimSuffix(final, ".jsonl") + extension }

// clearBeside removes what is of no use once the output is there: who waits for the lock looks for the output first.
func clearBeside(final string) error {
	return errors.Join(durable.Remove(beside(final, ".partial")), durable.Remove(beside(final, ".lock")))
}
