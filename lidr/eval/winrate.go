package eval

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"gonum.org/v1/gonum/stat"

	"lidrlab/datasets"
)

// MaxFailedShare is the share of failed verdicts above which [Warnings] returns a warning: failures are seldom spread
// evenly over easy and hard items.
const MaxFailedShare = 0.05

// MinItems is the number of items below which [Warnings] returns a warning. A share of one half of 99 items has a
// standard error of 5 points.
const MinItems = 100

// Warnings returns a warning in words if a score is over too few items, n, and one if the judge failed on too many
// further items. They must be shown beside the score.
func Warnings(n, failed int) []string {
	var warnings []string
	if n < MinItems {
		warnings = append(warnings,
			fmt.Sprintf("only %d items: differences of a few points mean nothing, use at least %d", n, MinItems))
	}
	if share := float64(failed) / float64(n+failed); share > MaxFailedShare {
		warnings = append(warnings, fmt.Sprintf("the judge failed on %d of %d items (%.1f %%, the limit is %.0f %%): "+
			"look at its raw answers before using this number", failed, n+failed, 100*share, 100*MaxFailedShare))
	}
	return warnings
}

// WinRate is the win rate of a model against a reference by one annotator. Shares are of the items that were judged.
type WinRate struct {
	Model     string   `json:"model"`     // generator_2
	Reference string   `json:"reference"` // generator_1
	Annotator string   `json:"annotator"`
	Rate      Estimate `json:"win_rate"`          // mean of preference − 1, the raw win rate
	Discrete  Estimate `json:"discrete_win_rate"` // a win counts 1, a draw one half
	Wins      int      `json:"n_wins"`            // preference above 1.5
	Losses    int      `json:"n_wins_base"`
	Draws     int      `json:"n_draws"`
	Total     int      `json:"n_total"`  // judged
	Failed    int      `json:"n_failed"` // not judged
	// FailedShare is Failed of all items.
	FailedShare float64 `json:"failed_share"`
	// AverageLength is the mean length of all the model's answers in characters; alpaca_eval drops the fraction.
	AverageLength float64  `json:"avg_length"`
	Warnings      []string `json:"warnings,omitempty"`
}

// ScoreWinRate returns the win rate of one model against one reference by one annotator, by the definitions of
// alpaca_eval (metrics/helpers.py): times 100, Rate is its leaderboard's win_rate with its standard_error, and Discrete
// its discrete_win_rate. Verdicts that are NaN, a failed judge, are left out and counted, and a warning says so, as it
// does of instructions that are judged twice.
func ScoreWinRate(annotations []datasets.Annotation) (WinRate, error) {
	const draw = 1.5 // the preference of a draw
	if err := oneComparison(annotations); err != nil {
		return WinRate{}, err
	}
	first := annotations[0]
	w := WinRate{Model: first.Generator2, Reference: first.Generator1, Annotator: first.Annotator}
	var preferences, outcomes, lengths []float64
	for _, a := range annotations {
		lengths = append(lengths, float64(utf8.RuneCountInString(a.Output2)))
		var outcome float64
		switch {
		case math.IsNaN(a.Preference):
			w.Failed++
			continue
		case a.Preference > draw:
			w.Wins++
			outcome = 1
		case a.Preference < draw:
			w.Losses++
			outcome = 0
		default:
			w.Draws++
			outcome = 0.5
		}
		preferences = append(preferences, a.Preference-1)
		outcomes = append(outcomes, outcome)
	}
	w.Total = len(preferences)
	w.Rate = MeanSE(preferences)
	w.Discrete = MeanSE(outcomes)
	w.FailedShare = float64(w.Failed) / float64(len(annotations))
	w.AverageLength = stat.Mean(lengths, nil)
	w.Warnings = append(Warnings(w.Total, w.Failed), leftOut(w, annotations)...)
	return w, nil
}

// leftOut says what alpaca_eval treats in silence: verdicts that are no preference, where they are too few for the
// warning of a failed judge, and instructions that are judged more than once.
func leftOut(w WinRate, annotations []datasets.Annotation) []string {
	var notes []string
	if w.Failed > 0 && w.FailedShare <= MaxFailedShare {
		notes = append(notes, fmt.Sprintf("%d of %d verdicts hold no preference and are left out, as alpaca_eval does",
			w.Failed, len(annotations)))
	}
	seen := map[string]bool{}
	again := 0
	for _, a := range annotations {
		item := a.Instruction + "\n" + string(a.Others["id"]) // two items may have one text
		if seen[item] {
			again++
		}
		seen[item] = true
	}
	if again > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d verdicts are on an instruction that another verdict is on: "+
			"each counts, as in alpaca_eval", again, len(annotations)))
	}
	return notes
}

// oneComparison is an error unless the annotations are verdicts of one annotator on one model against one reference.
func oneComparison(annotations []datasets.Annotation) error {
	if len(annotations) == 0 {
		return errors.New("eval: a win rate of no annotations, expected at least one")
	}
	first := annotations[0]
	for i, a := range annotations {
		if a.Generator1 != first.Generator1 || a.Generator2 != first.Generator2 || a.Annotator != first.Annotator {
			return fmt.Errorf("eval: annotation %d is of %q against %q by %q, the first of %q against %q by %q: "+
				"score one comparison at a time",
				i, a.Generator2, a.Generator1, a.Annotator, first.Generator2, first.Generator1, first.Annotator)
		}
		if p := a.Preference; !(p >= 1 && p <= 2) && !math.IsNaN(p) {
			return fmt.Errorf("eval: annotation %d has the preference %v, expected 1 to 2, or NaN for a failed judge", i, p)
		}
	}
	return nil
}
