package lidr

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/report"
)

// A measure of the user's own appears in the report with the rows of all models, those of the rounds first, and a file
// that cannot be read is named.
func TestMeasuresOfOnesOwn(t *testing.T) {
	run, _ := openTest(t, MiniatureSettings())
	for _, model := range []string{"M10", "gpt", "M2", "M0"} {
		m := report.Measure{Key: "politeness", Title: "Politeness", What: "Share of polite answers.", Unit: "%", Digits: 1}
		m.Put(model, "de", report.Counted(50, 5, 100, 0, ""))
		if err := run.WriteMeasure(model, m); err != nil {
			t.Fatal(err)
		}
	}
	joined, models, err := measures(run)
	if want := []string{"M0", "M2", "M10", "gpt"}; err != nil || !slices.Equal(models, want) {
		t.Errorf("the models are %v, %v, want %v", models, err, want)
	}
	if len(joined) != 1 || len(joined[0].Rows) != 4 || joined[0].Rows[2].Name != "M10" {
		t.Errorf("%+v", joined)
	}
	path, err := Report(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	markdown := readFile(t, filepath.Dir(path), "report.md")
	for _, want := range []string{"### Politeness", "| gpt | 50.0 ± 5.0, n = 100 |"} {
		if !strings.Contains(markdown, want) {
			t.Errorf("the report lacks %q:\n%s", want, markdown)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Report(stopped, run); !errors.Is(err, context.Canceled) {
		t.Errorf("a report after the end: %v", err)
	}
	broken := filepath.Join(filepath.Dir(path), "M2", "measures", "politeness.json")
	if err := os.WriteFile(broken, []byte(`{"key": "politeness", "rowz": []}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Report(t.Context(), run); err == nil || !strings.Contains(err.Error(), broken) ||
		!strings.Contains(err.Error(), "rowz") {
		t.Errorf("a broken file: %v", err)
	}
}
