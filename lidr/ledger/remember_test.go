package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// After a change of one item only one value is computed, values that were saved before an interruption are not computed
// again, and the file does not depend on the order of events.
func TestRemember(t *testing.T) {
	asked := map[string]int{}
	ask := func(s Store, stopAfter int, items ...string) error {
		judge := func(done func(int) bool, save func([]int, []string) error) error {
			for i, item := range items {
				if done(i) {
					continue
				}
				if stopAfter == 0 {
					return errors.New("stopped")
				}
				stopAfter--
				asked[item]++
				if err := save([]int{i}, []string{"said of " + item}); err != nil {
					return err
				}
			}
			return nil
		}
		values, err := Remember(context.Background(), s, "verdicts", "judge", items, judge)
		for i, v := range values {
			if v != "said of "+items[i] {
				return fmt.Errorf("%q is the value of %s", v, items[i])
			}
		}
		return err
	}
	disturbed, straight := Store{Dir: t.TempDir()}, Store{Dir: t.TempDir()}
	if err := ask(disturbed, 2, "c", "a", "b"); err == nil || err.Error() != "stopped" {
		t.Fatalf("the interruption: %v", err)
	}
	for _, items := range [][]string{{"a", "d"}, {"c", "a", "b", "b"}, {"c", "a", "e"}, {"e"}} {
		if err := ask(disturbed, 9, items...); err != nil {
			t.Fatalf("%v: %v", items, err)
		}
	}
	if want := map[string]int{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	if err := ask(straight, 9, "e", "d", "c", "b", "a"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("verdicts", "judge.jsonl")
	got, err := os.ReadFile(filepath.Join(disturbed.Dir, path))
	want, err2 := os.ReadFile(filepath.Join(straight.Dir, path))
	if err != nil || err2 != nil || string(got) != string(want) {
		t.Errorf("%v, %v; the files differ:\n%s\n%s", err, err2, got, want)
	}
	if _, err := os.Stat(filepath.Join(disturbed.Dir, "verdicts", "judge.partial")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log is left behind: %v", err)
	}
	if _, err := Remember(context.Background(), straight, "verdicts", "judge", []string{"x"},
		func(func(int) bool, func([]int, []string) error) error { return nil }); err == nil {
		t.Error("a value that was never saved is no error")
	}
}
