package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lidrlab/lidr/durable"
)

// squares returns a step of n items that fails after `batches` batches of three.
func squares(n, batches int, calls *int) func(func(int) bool, func([]int, []int) error) error {
	return func(done func(int) bool, save func([]int, []int) error) error {
		for start := 0; start < n; start += 3 {
			var idx, items []int
			for i := start; i < min(start+3, n); i++ {
				if !done(i) {
					idx, items = append(idx, i), append(items, i*i)
				}
			}
			if len(idx) == 0 {
				continue
			}
			if batches--; batches < 0 {
				return errors.New("killed")
			}
			*calls += len(idx)
			if err := save(idx, items); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestCollectResumesToTheSameBytes(t *testing.T) {
	straight, calls := Store{Dir: t.TempDir()}, 0
	if _, err := Collect(context.Background(), straight, "squares", "k", 10, squares(10, 99, &calls)); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(straight.Dir, "squares", "k.jsonl"))
	if err != nil {
		t.Fatal(err)
	}

	killed, calls := Store{Dir: t.TempDir()}, 0
	partial := filepath.Join(killed.Dir, "squares", "k.partial")
	for attempt := range 3 {
		if _, err := Collect(context.Background(), killed, "squares", "k", 10, squares(10, 1, &calls)); err == nil {
			t.Fatalf("attempt %d was not interrupted", attempt)
		}
		// A crash in the middle of a write leaves a torn line behind.
		file, err := os.OpenFile(partial, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(file, `{"i":9,"val`)
		file.Close()
	}
	items, err := Collect(context.Background(), killed, "squares", "k", 10, squares(10, 99, &calls))
	if err != nil {
		t.Fatal(err)
	}
	if items[9] != 81 || calls != 10 {
		t.Errorf("items[9] = %d after %d computations, want 81 after 10", items[9], calls)
	}
	got, err := os.ReadFile(filepath.Join(killed.Dir, "squares", "k.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("resumed output differs:\n%s\nwant\n%s", got, want)
	}
	if _, err := os.Stat(partial); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the partial log is still there: %v", err)
	}
	before := calls
	if _, err := Collect(context.Background(), killed, "squares", "k", 10, squares(10, 99, &calls)); err != nil ||
		calls != before {
		t.Errorf("second call computed %d items again (err %v)", calls-before, err)
	}
}

func TestCollectRefusesEditedFiles(t *testing.T) {
	store, calls := Store{Dir: t.TempDir()}, 0
	if _, err := Collect(context.Background(), store, "squares", "k", 4, squares(4, 99, &calls)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(store.Dir, "squares", "k.jsonl")
	data, _ := os.ReadFile(path)
	lines := strings.SplitAfter(string(data), "\n")
	for name, edit := range map[string]string{
		"cut short":     string(data[:len(data)-3]),
		"a lost item":   strings.Replace(string(data), lines[3], "", 1),
		"a lost seal":   strings.Join(lines[:5], ""),
		"a changed one": strings.Replace(string(data), `"value":4,`, `"value":5,`, 1),
		"another step":  strings.Replace(string(data), `"key":"k"`, `"key":"x"`, 1),
	} {
		if edit == string(data) {
			t.Fatalf("%s: nothing was edited", name)
		}
		if err := os.WriteFile(path, []byte(edit), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Collect(context.Background(), store, "squares", "k", 4, squares(4, 99, &calls))
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "delete it and run again") {
			t.Errorf("%s: error %v, want one that names the file and says what to do", name, err)
		}
	}
}

func TestAppendLineOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "timing.jsonl")
	durable.Before = func(operation, at string) error {
		if operation == "torn write" && at == path {
			return syscall.ENOSPC
		}
		return nil
	}
	defer func() { durable.Before = nil }()
	err := AppendLine(path, 1)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) ||
		!strings.Contains(err.Error(), "run the same command again") {
		t.Errorf("error %v, want the cause, the file and what to do", err)
	}
}

func TestKeySeparatesParts(t *testing.T) {
	if Key("ab", "c") == Key("a", "bc") || Key("a") == Key("a", "") || Key(1) == Key("1") {
		t.Error("different parts share a key")
	}
	if got := Key("a", 1); len(got) != 32 {
		t.Errorf("Key has %d digits, want 32", len(got))
	}
}

func FuzzRecover(f *testing.F) {
	f.Add(logOf(f, header{"a", "k", 2}, `{"i":0,"value":1}`, `{"i":1,"va`))
	f.Add(logOf(f, header{"a", "k", 2}, `{"i":1,"value":1}`, `{"i":0,"value":7}`))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "k.partial")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		log, err := openLog(path, header{"a", "k", 2}, func(i, _ int) error {
			if i < 0 || i > 1 {
				t.Errorf("item %d recovered out of 2", i)
			}
			return nil
		})
		if err != nil {
			return
		}
		log.file.Close()
	})
}
