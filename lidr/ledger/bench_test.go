package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// answer is of the size and shape of a short completion.
type answer struct {
	Text   string `json:"text"`
	Reason string `json:"finish_reason"`
	Tokens int    `json:"tokens"`
}

// BenchmarkCollect measures a step of 10,000 answers that come in batches of 32, and reading them back.
func BenchmarkCollect(b *testing.B) {
	const n = 10_000
	text := strings.Repeat("Eva wins 6: 56 + 6 = 62 stamps. ", 8)
	run := func(_ func(int) bool, save func([]int, []answer) error) error {
		for start := 0; start < n; start += 32 {
			var idx []int
			var items []answer
			for i := start; i < min(start+32, n); i++ {
				idx, items = append(idx, i), append(items, answer{text, "stop", i})
			}
			if err := save(idx, items); err != nil {
				return err
			}
		}
		return nil
	}
	store := Store{Dir: b.TempDir()}
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if err := os.RemoveAll(filepath.Join(store.Dir, "answers")); err != nil {
				b.Fatal(err)
			}
			if _, err := Collect(b.Context(), store, "answers", "k", n, run); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := Collect(b.Context(), store, "answers", "k", n, run); err != nil {
				b.Fatal(err)
			}
		}
	})
}
