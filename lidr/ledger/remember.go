package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
)

// unbounded is the number of items in the header of a file that grows with every list.
const unbounded = math.MaxInt32

// remembered is a value with its own key.
type remembered[T any] struct {
	Key   string `json:"key"`
	Value T      `json:"value"`
}

// Remember returns a value for each of the item keys, in their order. Unlike in [Collect], whose output belongs to a
// whole list, every value is stored under its own key, so that after a change of one item only one value is computed.
// It is for values that do not depend on the other items, such as the verdicts of a judge.
//
// DIR/KIND/KEY.jsonl holds all values under key, ordered by their own keys, so that its bytes do not depend on the
// order in which they were computed; new ones are in KEY.partial until run returns. run is called as by Collect, if a
// value is missing.
func Remember[T any](ctx context.Context, s Store, kind, key string, items []string,
	run func(done func(int) bool, save func(idx []int, values []T) error) error) ([]T, error) {
	final := filepath.Join(s.Dir, kind, key+".jsonl")
	leave, err := s.enter(ctx, final)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := durable.MkdirAll(filepath.Dir(final)); err != nil {
		return nil, err
	}
	lock, err := s.lock(ctx, final)
	if err != nil {
		return nil, err
	}
	values, err := remember(final, header{kind, key, unbounded}, items, guarded(lock, run))
	if err == nil {
		err = durable.Remove(beside(final, ".partial"))
	}
	return values, errors.Join(err, lock.Unlock())
}

// remember is Remember; the caller holds the lock.
func remember[T any](final string, head header, items []string,
	run func(done func(int) bool, save func([]int, []T) error) error) ([]T, error) {
	known, next := map[string]T{}, 0 // next is the position of the next entry of the log
	learn := func(_ int, r remembered[T]) error { known[r.Key] = r.Value; return nil }
	file, err := input.OpenFile(final)
	if err == nil {
		_, err = readEntries(final, file, head, true, learn)
		err = errors.Join(err, file.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	done := func(i int) bool { _, ok := known[items[i]]; return ok }
	missing := func() int {
		return slices.IndexFunc(items, func(item string) bool { _, ok := known[item]; return !ok })
	}
	if _, err := os.Stat(beside(final, ".partial")); missing() < 0 && errors.Is(err, fs.ErrNotExist) {
		return valuesOf(items, known), nil
	}
	log, err := openLog(beside(final, ".partial"), head, func(i int, r remembered[T]) error {
		if i < next {
			return fmt.Errorf("field i is %d, expected at least %d", i, next)
		}
		next = i + 1
		return learn(i, r)
	})
	if err != nil {
		return nil, err
	}
	defer log.file.Close()
	if missing() >= 0 {
		err := run(done, func(idx []int, values []T) error {
			var at []int
			var fresh []remembered[T]
			for k, i := range idx {
				if !done(i) { // a list may hold an item twice
					known[items[i]] = values[k]
					at, fresh = append(at, next+len(at)), append(fresh, remembered[T]{items[i], values[k]})
				}
			}
			next += len(at)
			return appendItems(log, at, fresh)
		})
		if err != nil {
			return nil, err
		}
	}
	if i := missing(); i >= 0 {
		return nil, fmt.Errorf("%s: item %d of %d was never saved", log.path, i, len(items))
	}
	if next > 0 {
		err = writeFinal(final, head, func(each func(int, remembered[T]) error) error {
			for i, key := range slices.Sorted(maps.Keys(known)) {
				if err := each(i, remembered[T]{key, known[key]}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return valuesOf(items, known), err
}

func valuesOf[T any](items []string, known map[string]T) []T {
	values := make([]T, len(items))
	for i, item := range items {
		values[i] = known[item]
	}
	return values
}

// Knows tells whether every one of the item keys has a value that [Remember] would return without computing it.
func Knows(s Store, kind, key string, items []string) bool {
	final := filepath.Join(s.Dir, kind, key+".jsonl")
	file, err := input.OpenFile(final)
	if err != nil {
		return false
	}
	defer file.Close()
	known := map[string]bool{}
	learn := func(_ int, r remembered[json.RawMessage]) error { known[r.Key] = true; return nil }
	_, err = readEntries(final, file, header{kind, key, unbounded}, true, learn)
	return err == nil && !slices.ContainsFunc(items, func(item string) bool { return !known[item] })
}
