package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
)

// Store is a folder of content-keyed outputs: DIR/KIND/KEY.jsonl when complete, KEY.partial and KEY.lock while a step
// works on it.
type Store struct {
	Dir string
	// Note, if set, is told what who runs the program should know: whom a step waits for.
	Note func(string)
}

// Collect returns the n items of a step's output in input order.
//
// If the store holds them it reads them and does not call run. Otherwise run computes the items for which done is false
// and passes every finished batch to save, which returns once the batch is on the disk. Collect fails if run returns
// without having saved all items. If several goroutines or processes need the same output, one works, and the others
// wait for it.
func Collect[T any](ctx context.Context, s Store, kind, key string, n int,
	run func(done func(int) bool, save func(idx []int, items []T) error) error) ([]T, error) {
	final := filepath.Join(s.Dir, kind, key+".jsonl")
	leave, err := s.enter(ctx, final)
	if err != nil {
		return nil, err
	}
	defer leave()
	want := header{kind, key, n}
	if items, err := readFinal[T](final, want); err == nil {
		return items, errors.Join(clearBeside(final), clearLeases(final))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := durable.MkdirAll(filepath.Dir(final)); err != nil {
		return nil, err
	}
	lock, err := s.lock(ctx, final)
	if err != nil {
		return nil, err
	}
	// Another process may have finished the output while we waited for the lock.
	items, err := readFinal[T](final, want)
	if errors.Is(err, fs.ErrNotExist) {
		items, err = collect(final, want, guarded(lock, run))
	}
	if err == nil {
		err = clearBeside(final)
	}
	if err := errors.Join(err, lock.Unlock()); err != nil {
		return nil, err
	}
	return items, clearLeases(final)
}

// guarded is run with a save, and an end, that a lock which is another process's meanwhile refuses.
func guarded[T any](lock locker, run func(func(int) bool, func([]int, []T) error) error) func(func(int) bool,
	func([]int, []T) error) error {
	return func(done func(int) bool, save func([]int, []T) error) error {
		err := run(done, func(idx []int, items []T) error {
			if err := lock.Valid(); err != nil {
				return err
			}
			return save(idx, items)
		})
		if err != nil {
			return err
		}
		return lock.Valid()
	}
}

// output holds the items of a step that are known.
type output[T any] struct {
	items []T
	saved []bool
}

func (o *output[T]) put(i int, item T) error {
	if o.saved[i] {
		return fmt.Errorf("field i is %d for the second time", i)
	}
	o.items[i], o.saved[i] = item, true
	return nil
}

// missing returns an error that names the first missing item, nil if there is none.
func (o *output[T]) missing(path, why string) error {
	if i := slices.Index(o.saved, false); i >= 0 {
		return fmt.Errorf("%s: item %d of %d %s", path, i, len(o.items), why)
	}
	return nil
}

// readFinal reads a finished output.
func readFinal[T any](path string, want header) ([]T, error) {
	file, err := input.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	o := &output[T]{make([]T, want.Items), make([]bool, want.Items)}
	if _, err := readEntries(path, file, want, true, o.put); err != nil {
		return nil, err
	}
	return o.items, o.missing(path, "is missing, so the file was edited; delete it and run again")
}

// collect makes the output; the caller holds its lock.
func collect[T any](final string, want header,
	run func(done func(int) bool, save func([]int, []T) error) error) ([]T, error) {
	o := &output[T]{make([]T, want.Items), make([]bool, want.Items)}
	log, err := openLog(beside(final, ".partial"), want, o.put)
	if err != nil {
		return nil, err
	}
	defer log.file.Close()
	if slices.Contains(o.saved, false) {
		err := run(func(i int) bool { return o.saved[i] }, func(idx []int, items []T) error {
			var at []int
			var fresh []T
			for k, i := range idx {
				if !o.saved[i] {
					at, fresh = append(at, i), append(fresh, items[k])
				}
			}
			if err := appendItems(log, at, fresh); err != nil {
				return err
			}
			for k, i := range at {
				if err := o.put(i, fresh[k]); err != nil {
					return err
				}
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

// beside returns the path of a file that exists while an output is made.
func beside(final, extension string) string { return strings.TrimSuffix(final, ".jsonl") + extension }

// clearBeside removes the files that are useless beside a finished output. A process that waits for the lock reads the
// output first.
func clearBeside(final string) error {
	return errors.Join(durable.Remove(beside(final, ".partial")), durable.Remove(beside(final, ".lock")))
}

// clearLeases removes the leases of a finished output: whoever takes another one finds it finished.
func clearLeases(final string) error {
	l := &lease{path: beside(final, ".lock")}
	all, _, err := l.numbers()
	for _, n := range all {
		err = errors.Join(err, durable.Remove(l.file(n)))
	}
	return err
}
