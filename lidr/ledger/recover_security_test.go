package ledger

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// Whatever a store's files contain, an item is the one that was saved under its position or key, or is computed again,
// or the file is refused; a refused file is not changed.
func FuzzStore(f *testing.F) {
	store := Store{Dir: f.TempDir()}
	if _, err := Collect(context.Background(), store, "a", "k", 2, squares(2, 9, new(int))); err != nil {
		f.Fatal(err)
	}
	final, err := os.ReadFile(filepath.Join(store.Dir, "a", "k.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := Remember(context.Background(), store, "r", "k", []string{"x", "y"}, squares(2, 9, new(int))); err != nil {
		f.Fatal(err)
	}
	remembered, err := os.ReadFile(filepath.Join(store.Dir, "r", "k.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(final, logOf(f, header{"a", "k", 2}, `{"i":1,"value":1}`, `{"i":0,"va`), false)
	f.Add([]byte{}, logOf(f, header{"a", "k", 2}, `{"i":1,"value":1}`), false)
	f.Add(remembered, logOf(f, header{"a", "k", unbounded}, `{"i":7,"value":{"key":"x","value":0}}`), true)
	f.Add([]byte(earlierForm), []byte{}, false)
	f.Add([]byte(`{"kind":"a","key":"k","items":2}`+"\n"+`{"sha256":"00"}`+"\n"), []byte("\n"), false)
	f.Fuzz(func(t *testing.T, final, partial []byte, remember bool) {
		store := Store{Dir: t.TempDir()}
		path := filepath.Join(store.Dir, "a", "k.jsonl")
		if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if len(final) > 0 {
			if err := os.WriteFile(path, final, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(beside(path, ".partial"), partial, 0o644); err != nil {
			t.Fatal(err)
		}
		var values []int
		var err error
		if remember {
			values, err = Remember(t.Context(), store, "a", "k", []string{"x", "y"}, squares(2, 9, new(int)))
		} else {
			values, err = Collect(t.Context(), store, "a", "k", 2, squares(2, 9, new(int)))
		}
		if err == nil && len(values) != 2 {
			t.Errorf("%d values of 2", len(values))
		}
		if now, _ := os.ReadFile(path); err != nil && string(now) != string(final) {
			t.Errorf("%q was refused with %v and became %q", final, err, now)
		}
		if err == nil {
			again, err := os.ReadFile(path)
			if _, err2 := ReadLines[map[string]any](path); err != nil || err2 != nil {
				t.Errorf("%q was accepted and cannot be read: %v, %v", again, err, err2)
			}
		}
	})
}
