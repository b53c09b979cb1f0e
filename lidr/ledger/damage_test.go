package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// logOf is a log of the lines, each with its sum if it is whole.
func logOf(t testing.TB, h header, lines ...string) []byte {
	first, err := headerLine(h)
	if err != nil {
		t.Fatal(err)
	}
	log := bytes.Clone(first)
	for _, line := range lines {
		if body, whole := strings.CutSuffix(line, "}"); whole {
			line = body + lineSum(first, []byte(body))
		}
		log = append(log, line...)
	}
	return log
}

// earlierForm is an output of two squares as it was written before lines had sums.
const earlierForm = `{"kind":"a","key":"k","items":2}
{"i":0,"value":0}
{"i":1,"value":1}
{"sha256":"c220d18234e5d1d86aae6f7ed37287a427ebab1b851ab013baceadd2e15ad07f"}
`

// damaged calls try with data after each flip of a bit, cut of the end and swap of two lines.
func damaged(data []byte, try func(what string, at int, edited []byte)) {
	for i := range len(data) * 8 {
		edited := bytes.Clone(data)
		edited[i/8] ^= 1 << (i % 8)
		try("a flipped bit", i, edited)
	}
	for i := range data {
		try("cut", i, data[:i])
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	lines = lines[:len(lines)-1]
	for i := range lines {
		for j := range i {
			edited := slices.Clone(lines)
			edited[i], edited[j] = edited[j], edited[i]
			try("swapped lines", i*len(lines)+j, bytes.Join(edited, nil))
		}
	}
}

// Every flipped bit, cut and swap of two lines in a file of a store is an error that names the file, or leaves the
// values as they were: those that were lost are computed again. A finished output is never taken with any damage.
func TestEveryDamageIsFound(t *testing.T) {
	const n = 5
	words := []string{"é <b>&", "null", "", "\u2028\ufffd", strings.Repeat("x", 40)}
	items := []string{"p", "q", "r", "s", "t"}
	run := func(done func(int) bool, save func([]int, []string) error) error {
		for _, i := range []int{3, 0, 4, 1, 2} {
			if !done(i) {
				if err := save([]int{i}, []string{words[i]}); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for kind, read := range map[string]func(Store) ([]string, error){
		"collected":  func(s Store) ([]string, error) { return Collect(t.Context(), s, "collected", "k", n, run) },
		"remembered": func(s Store) ([]string, error) { return Remember(t.Context(), s, "remembered", "k", items, run) },
	} {
		store := Store{Dir: t.TempDir()}
		path := filepath.Join(store.Dir, kind, "k.jsonl")
		// The log is taken as it is before the last item.
		var log []byte
		whole := run
		run = func(done func(int) bool, save func([]int, []string) error) error {
			return whole(done, func(idx []int, values []string) (err error) {
				if idx[0] == 2 {
					log, err = os.ReadFile(beside(path, ".partial"))
				}
				if err != nil {
					return err
				}
				return save(idx, values)
			})
		}
		if _, err := read(store); err != nil {
			t.Fatal(err)
		}
		run = whole
		final, err := os.ReadFile(path)
		if err != nil || len(log) == 0 {
			t.Fatalf("a log of %d bytes, %v", len(log), err)
		}
		for file, data := range map[string][]byte{path: final, beside(path, ".partial"): log} {
			tried, found := 0, 0
			damaged(data, func(what string, at int, edited []byte) {
				for _, old := range []string{path, beside(path, ".partial")} {
					if err := os.Remove(old); err != nil && !os.IsNotExist(err) {
						t.Fatal(err)
					}
				}
				if err := os.WriteFile(file, edited, 0o644); err != nil {
					t.Fatal(err)
				}
				tried++
				values, err := read(store)
				switch {
				case err != nil && strings.Contains(err.Error(), file) && strings.Contains(err.Error(), "delete it and run again"):
					found++
				case err != nil:
					t.Errorf("%s, %s %d: the error is %v", file, what, at, err)
				case file == path:
					t.Errorf("%s, %s %d: the output was taken", file, what, at)
				case !reflect.DeepEqual(values, words):
					t.Errorf("%s, %s %d: got %q", file, what, at, values)
				}
				if now, _ := os.ReadFile(path); err == nil && !bytes.Equal(now, final) {
					t.Errorf("%s, %s %d: the output became %s", file, what, at, now)
				}
			})
			t.Logf("%s: %d of %d damages found, the others lost items that were computed again", filepath.Base(file), found,
				tried)
		}
	}
}

// A line of another file, an item twice, a field too many and a line after the seal are no part of a file, although
// their sums are right.
func TestStrangeLines(t *testing.T) {
	h := header{"a", "k", 2}
	other, item := logOf(t, header{"a", "x", 2}, `{"i":0,"value":0}`), `{"i":0,"value":0}`
	sound := logOf(t, h, item, `{"i":1,"value":1}`)
	for want, data := range map[string][]byte{
		"its sum is of other bytes":       append(logOf(t, h), other[bytes.IndexByte(other, '\n')+1:]...),
		"for the second time":             logOf(t, h, item, item),
		`unknown field \"seed\"`:          logOf(t, h, `{"i":0,"value":0,"seed":1}`),
		"field i is 2, expected 0 to 1":   logOf(t, h, `{"i":2,"value":0}`),
		`header "{\"kind\":\"a\",\"key\"`: logOf(t, header{"a", "k", 3}, item),
		"whose lines have no sums":        []byte(`{"kind":"a","key":"k","items":2}` + "\n" + item + "\n"),
	} {
		store := Store{Dir: t.TempDir()}
		partial := filepath.Join(store.Dir, "a", "k.partial")
		if err := WriteFile(partial, data); err != nil {
			t.Fatal(err)
		}
		want = strings.ReplaceAll(want, `\"`, `"`)
		_, err := Collect(t.Context(), store, "a", "k", 2, squares(2, 9, new(int)))
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), `\"`, `"`), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
	store := Store{Dir: t.TempDir()}
	path := filepath.Join(store.Dir, "a", "k.jsonl")
	if err := WriteFile(path, sound); err != nil {
		t.Fatal(err)
	}
	if _, err := Collect(t.Context(), store, "a", "k", 2, squares(2, 9, new(int))); err == nil ||
		!strings.Contains(err.Error(), "the hash of all others, is missing") {
		t.Errorf("an output without its seal gives %v", err)
	}
}

// An output of the earlier form is taken by its seal, and refused after any damage.
func TestEarlierForm(t *testing.T) {
	store := Store{Dir: t.TempDir()}
	path := filepath.Join(store.Dir, "a", "k.jsonl")
	read := func(data []byte) ([]int, error) {
		if err := WriteFile(path, data); err != nil {
			t.Fatal(err)
		}
		return Collect(t.Context(), store, "a", "k", 2, squares(2, 0, new(int)))
	}
	if values, err := read([]byte(earlierForm)); err != nil || !slices.Equal(values, []int{0, 1}) {
		t.Errorf("%v, %v", values, err)
	}
	damaged([]byte(earlierForm), func(what string, at int, edited []byte) {
		if values, err := read(edited); err == nil {
			t.Errorf("%s %d: %v", what, at, values)
		}
	})
}
