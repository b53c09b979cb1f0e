package langid

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// LIDR_LANGID names a file of lines {"lang": …, "source": …, "text": …}; the test logs the table of TESTING.md: texts,
// precision (the share of the verdicts for a language that are right), recall, and the share left undetermined. A text
// in none of the identifier's languages has a code that it does not list.
func TestMeasure(t *testing.T) {
	path := os.Getenv("LIDR_LANGID")
	if path == "" {
		t.Skip("LIDR_LANGID names no file of texts")
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	id := Default()
	listed := Languages(id)
	texts, named, right, undetermined := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	sources := map[string]map[string]bool{}
	strangers, misnamed := 0, 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var row struct{ Lang, Source, Text string }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		lang, _ := id.Identify(row.Text)
		want := Base(row.Lang)
		if strings.HasPrefix(row.Lang, "x-") {
			want = row.Lang
		}
		if lang != "" {
			named[lang]++
		}
		if !slices.Contains(listed, want) {
			strangers++
			if lang != "" {
				misnamed++
			}
			continue
		}
		if sources[want] == nil {
			sources[want] = map[string]bool{}
		}
		sources[want][row.Source] = true
		texts[want]++
		switch lang {
		case want:
			right[want]++
		case "":
			undetermined[want]++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	share := func(a, b int) float64 { return 100 * float64(a) / float64(max(1, b)) }
	for _, lang := range slices.Sorted(slices.Values(listed)) {
		var from []string
		for source := range sources[lang] {
			from = append(from, source)
		}
		slices.Sort(from)
		t.Logf("| %s | %d | %.1f | %.1f | %.1f | %s |", lang, texts[lang], share(right[lang], named[lang]),
			share(right[lang], texts[lang]), share(undetermined[lang], texts[lang]), strings.Join(from, ", "))
	}
	t.Logf("%d texts in other languages, %.1f %% of them named", strangers, share(misnamed, strangers))
}

func BenchmarkIdentify(b *testing.B) {
	id := Default()
	const text = "Anna hat 12 Äpfel. Sie kauft noch 5, also hat sie 12 + 5 = 17. Die Antwort ist 17."
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		id.Identify(text)
	}
}
