package eval

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lidrlab/datasets"
)

// verdicts are annotations with these preferences, one an instruction.
func verdicts(preferences ...float64) []datasets.Annotation {
	out := make([]datasets.Annotation, len(preferences))
	for i, p := range preferences {
		out[i] = datasets.Annotation{
			Instruction: fmt.Sprint(i), Generator1: "r", Output2: "äß", Generator2: "m", Annotator: "j", Preference: p,
		}
	}
	return out
}

func TestScoreWinRate(t *testing.T) {
	w, err := ScoreWinRate(verdicts(2, 1.75, 1.5, 1, math.NaN()))
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string][2]float64{
		"win rate": {w.Rate.Mean, 2.25 / 4},
		"discrete": {w.Discrete.Mean, 2.5 / 4},
		"wins":     {float64(w.Wins), 2},
		"draws":    {float64(w.Draws), 1},
		"losses":   {float64(w.Losses), 1},
		"total":    {float64(w.Total), 4},
		"failed":   {w.FailedShare, 0.2},
		"length":   {w.AverageLength, 2},
	} {
		near(t, what, c[0], c[1], 1e-15)
	}
	if len(w.Warnings) != 2 || !strings.Contains(w.Warnings[0], "only 4 items") ||
		!strings.Contains(w.Warnings[1], "failed on 1 of 5 items (20.0 %") {
		t.Errorf("warnings %q", w.Warnings)
	}
	for _, preference := range []float64{0, 2.1, math.Inf(1)} {
		if _, err := ScoreWinRate(verdicts(1, preference)); err == nil ||
			!strings.Contains(err.Error(), "annotation 1 has the preference") {
			t.Errorf("preference %v: %v", preference, err)
		}
	}
	mixed := verdicts(1, 2)
	mixed[1].Generator2 = "n"
	if _, err := ScoreWinRate(mixed); err == nil || !strings.Contains(err.Error(), "one comparison at a time") {
		t.Errorf("two models: %v", err)
	}
	if w, err := ScoreWinRate(verdicts(math.NaN())); err != nil || !math.IsNaN(w.Rate.Mean) || len(w.Warnings) != 2 {
		t.Errorf("no verdict: %+v, %v; expected an unknown rate and two warnings", w, err)
	}
}

func TestWarningLimits(t *testing.T) {
	if w := Warnings(MinItems, 5); w != nil { // 5 of 105 is below 5 %
		t.Errorf("%q", w)
	}
	if w := Warnings(MinItems, 6); len(w) != 1 {
		t.Errorf("%q, expected one of failures", w)
	}
}

// leaderboard reads a model's verdicts and its row of the leaderboard from a folder of data.
func leaderboard(t *testing.T, data, model string) ([]datasets.Annotation, map[string]float64) {
	t.Helper()
	annotations, err := datasets.LoadAnnotations(filepath.Join(data, "alpaca_eval", model+".annotations.json"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(data, "alpaca_eval", "leaderboard_rows.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]float64{}
	for _, cells := range rows[1:] {
		for i, cell := range cells {
			if x, err := strconv.ParseFloat(cell, 64); cells[0] == model && err == nil {
				row[rows[0][i]] = x
			}
		}
	}
	return annotations, row
}

// publishedModel is the model whose verdicts and row are among the published files.
const publishedModel = "FuseChat-Llama-3.1-8B-Instruct"

// The figures in the excerpt's row are worked out in its README.md; 1,099 characters in 20 answers are 54 on average.
func TestLeaderboardRowOfExcerpt(t *testing.T) {
	w := checkLeaderboardRow(t, excerpts, "model")
	if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "only 20 items") {
		t.Errorf("warnings %q, expected one of 20 items", w.Warnings)
	}
}

func TestPublishedLeaderboardRow(t *testing.T) {
	if w := checkLeaderboardRow(t, dataFolder(t), publishedModel); w.Warnings != nil {
		t.Errorf("warnings %q", w.Warnings)
	}
}

func checkLeaderboardRow(t *testing.T, data, model string) WinRate {
	t.Helper()
	annotations, row := leaderboard(t, data, model)
	w, err := ScoreWinRate(annotations)
	if err != nil {
		t.Fatal(err)
	}
	for column, got := range map[string]float64{
		"win_rate": 100 * w.Rate.Mean, "standard_error": 100 * w.Rate.SE, "discrete_win_rate": 100 * w.Discrete.Mean,
		"n_wins": float64(w.Wins), "n_wins_base": float64(w.Losses), "n_draws": float64(w.Draws),
		"n_total": float64(w.Total), "avg_length": math.Trunc(w.AverageLength),
	} {
		want, ok := row[column]
		if !ok {
			t.Fatalf("the leaderboard's row has no %s", column)
		}
		near(t, column, got, want, 1e-10)
	}
	return w
}

// What alpaca_eval leaves out, or counts twice, in silence is said.
func TestWinRateSaysWhatItLeavesOut(t *testing.T) {
	preferences := make([]float64, 200)
	for i := range preferences {
		preferences[i] = 1.5
	}
	preferences[7] = math.NaN()
	doubled := verdicts(preferences...)
	doubled[9].Instruction = doubled[8].Instruction
	w, err := ScoreWinRate(doubled)
	if err != nil || w.Total != 199 || w.Failed != 1 || len(w.Warnings) != 2 ||
		!strings.Contains(w.Warnings[0], "1 of 200 verdicts hold no preference") ||
		!strings.Contains(w.Warnings[1], "1 of 200 verdicts are on an instruction that another verdict is on") {
		t.Errorf("%+v, %v", w, err)
	}
}
