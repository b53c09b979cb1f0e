package cell

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/judge"
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
	refereeIsTheRubric(t, again)
}

// refereeIsTheRubric holds the judge that is served here to the rubric: asked over HTTP in both orders, it gives its
// win rates.
func refereeIsTheRubric(t *testing.T, r *Run) {
	t.Helper()
	t.Setenv("LIDR_JUDGE", "")
	asking := judge.Defaults()
	asking.BothOrders = true
	before, after := datasets.Frame(r.Answers("M0")), datasets.Frame(r.Answers("M1"))
	_, judged, err := judge.Compare(Context, r.Open(), "M1-M0", Referee(r), after, before, asking)
	if err != nil {
		t.Fatal(err)
	}
	won, err := lidr.HeadToHead(Context, r.Open(), "M0", "M1", lidr.Verdict.Points)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"en", "de"} {
		points := Where(won, "lang", lang)
		win, tie, lose := points.Col("win").Sum(), points.Col("tie").Sum(), points.Col("lose").Sum()
		rate := Where(judged, "metric", "win_rate", "lang", lang).Col("value").Float()
		if want := (win + tie/2) / (win + tie + lose); len(rate) != 1 || math.Abs(rate[0]-want) > 1e-9 {
			t.Errorf("%s: win rates %v by the referee, %v by the rubric", lang, rate, want)
		}
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
