package cell

import (
	"path/filepath"
	"slices"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// The steps of a round, asked for from the last one, are those of package lidr; a second process finds them.
func TestRunDoesTheStepsBefore(t *testing.T) {
	s := lidr.MiniatureSettings().Tiny()
	s.Rounds, s.Trained, s.Unseen = 1, []string{"de"}, nil
	dir := filepath.Join(t.TempDir(), "run")
	first := Begin(dir, s)
	scores := first.Scores("M1")
	models := slices.Compact(scores.Col("model").Records())
	if !slices.Equal(models, []string{"M1"}) || first.Pairs().Nrow() == 0 {
		t.Errorf("scores of %v, %d pairs", models, first.Pairs().Nrow())
	}
	again := Begin(dir, s)
	if again.M1().Fingerprint() != first.M1().Fingerprint() || again.Steps().Nrow() != first.Steps().Nrow() {
		t.Error("the same run, begun again, has another M1")
	}
	counts := Where(again.Counts(), "lang", "de", "count", "candidates")
	if counts.Nrow() != 1 || Head(counts, 5).Nrow() != 1 {
		t.Errorf("counts %v", counts)
	}
	if svg, err := Bars("accuracy", again.Scores("M0"), scores).SVG(); err != nil || len(svg) < 1000 {
		t.Errorf("a figure of %d bytes, %v", len(svg), err)
	}
}

// A mean over languages is no bar.
func TestBarsLeaveMeansOut(t *testing.T) {
	scores := datasets.Frame([]eval.Score{
		{Model: "M0", Metric: "accuracy", Lang: "de", Scope: "language", Value: 0.5, SE: 0.1, N: 9},
		{Model: "M0", Metric: "accuracy", Lang: "trained", Scope: "mean", Value: 0.5, SE: 0.1, N: 9},
	})
	if rows := Where(scores, "metric", "accuracy", "scope", "language"); rows.Nrow() != 1 {
		t.Errorf("%d rows", rows.Nrow())
	}
	if _, err := Bars("accuracy", scores).PNG(); err != nil {
		t.Error(err)
	}
}

func TestSmall(t *testing.T) {
	t.Setenv("LIDR_SMALL", "")
	if s := Small(lidr.MiniatureSettings()); s.Prompts.N != 200 {
		t.Errorf("without LIDR_SMALL: %d prompts", s.Prompts.N)
	}
	t.Setenv("LIDR_SMALL", "1")
	if s := Small(lidr.MiniatureSettings()); s.Prompts.N != 12 || s.Evaluate.N != 12 {
		t.Errorf("with LIDR_SMALL: %d prompts, %d problems", s.Prompts.N, s.Evaluate.N)
	}
}
