package trial

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
)

// Kinds are what a reader may find of a pair.
var Kinds = []string{"wrong fact", "untranslated", "cut", "same", "fine"}

// Read is how many of the read pairs of a language are of a kind.
type Read struct {
	Lang   string  `json:"lang"`
	Kind   string  `json:"kind"`
	N      int     `json:"n"`
	Share  float64 `json:"share"`
	Low    float64 `json:"low"` // of the interval of 95 % (Wilson)
	High   float64 `json:"high"`
	Unread int     `json:"unread"` // pairs of the language whose kind is empty
}

var readingHeader = []string{"nr", "kind", "id", "source", "prompt", "chosen", "rejected"}

// Reading writes n drawn pairs of main's first seed and round in each language to reading/LANG.csv, with an empty
// column kind for a person to fill with one of [Kinds], and counts what is filled. A file that is there is never
// written again.
func (t *Trial) Reading(n int) ([]Read, error) {
	c := Cell{"main", 1}
	a, err := c.arm()
	if err != nil {
		return nil, err
	}
	run, err := t.open(c, a)
	if err != nil {
		return nil, err
	}
	defer run.Close() // it was only read
	var pairs []lidr.Pair
	if err := run.ReadLines(run.Path("M0", "pairs.jsonl"), &pairs); err != nil {
		return nil, fmt.Errorf("the pairs of main-1, which lie where that cell was run: %w", err)
	}
	var reads []Read
	for _, lang := range run.Settings.Languages() {
		var own []lidr.Pair
		for _, p := range pairs {
			if p.Lang == lang {
				own = append(own, p)
			}
		}
		path := t.path("reading", lang+".csv")
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			if text, err = sheet(own, n); err == nil {
				err = ledger.WriteFile(path, text)
			}
		}
		if err != nil {
			return nil, err
		}
		counted, err := count(text, lang)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		reads = append(reads, counted...)
	}
	return reads, nil
}

// sheet is n drawn pairs as CSV.
func sheet(pairs []lidr.Pair, n int) ([]byte, error) {
	pairs = slices.Clone(pairs)
	rand.New(rand.NewPCG(1, 0x72656164)).Shuffle(len(pairs), func(i, k int) { pairs[i], pairs[k] = pairs[k], pairs[i] })
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	rows := [][]string{readingHeader}
	for i, p := range pairs[:min(n, len(pairs))] {
		rows = append(rows, []string{fmt.Sprint(i + 1), "", p.ID, p.Source, p.Prompt, p.Chosen, p.Rejected})
	}
	err := w.WriteAll(rows)
	return text.Bytes(), err
}

// count counts the kinds of a filled sheet.
func count(text []byte, lang string) ([]Read, error) {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w; save the sheet as CSV with commas", err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], readingHeader) {
		return nil, fmt.Errorf("expected the columns %s", strings.Join(readingHeader, ", "))
	}
	counts, unread := map[string]int{}, 0
	for i, row := range rows[1:] {
		kind := strings.ToLower(strings.TrimSpace(row[1]))
		if kind == "" {
			unread++
			continue
		}
		if !slices.Contains(Kinds, kind) {
			return nil, fmt.Errorf("row %d: field kind is %q, expected one of %s", i+2, row[1], strings.Join(Kinds, ", "))
		}
		counts[kind]++
	}
	var reads []Read
	n := len(rows) - 1 - unread
	for _, kind := range Kinds { // the share is NaN where nothing is read yet
		r := Read{Lang: lang, Kind: kind, N: counts[kind], Unread: unread, Share: float64(counts[kind]) / float64(n)}
		r.Low, r.High = eval.Wilson(counts[kind], n, eval.Z95)
		reads = append(reads, r)
	}
	return reads, nil
}
