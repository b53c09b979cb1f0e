package ablation

import (
	"reflect"
	"testing"

	"lidrlab/lidr"
)

// Each model of each cell has one line, the dominant language's accuracy whatever its code, and a dash for what a cell
// does not measure.
func TestTable(t *testing.T) {
	score := func(cell, model, metric, lang string, value float64) lidr.SweepScore {
		return lidr.SweepScore{
			Cell: cell, Model: model, Metric: metric, Lang: lang,
			Value: value, SE: 0.01, Difference: value - 0.5, DifferenceSE: 0.02,
		}
	}
	got := table([]lidr.SweepScore{
		score("a", "M0", "accuracy", "en", 0.9),
		score("a", "M0", "accuracy", "trained", 0.5),
		score("a", "M0", "accuracy", "unseen", 0.25),
		score("a", "M0", "correct_in_language", "en", 0.125),
		score("a", "M0", "off_target", "en", 0),
		score("a", "M0", "off_target", "trained", 0.125),
		score("a", "M1", "accuracy", "en", 1),
		score("b", "M1", "accuracy", "de", 0.75),
		score("b", "M1", "accuracy", "trained", 0.625),
	})
	want := []line{
		{"a", "M0", "90.0 ± 1.0", "50.0 ± 1.0", "25.0 ± 1.0", "12.5 ± 1.0", "+0.0 ± 2.0"},
		{"a", "M1", "100.0 ± 1.0", "–", "–", "–", "–"},
		{"b", "M1", "75.0 ± 1.0", "62.5 ± 1.0", "–", "–", "+12.5 ± 2.0"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found\n%v\nexpected\n%v", got, want)
	}
}
