package lidr

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
)

func TestSaturationRule(t *testing.T) {
	none := unknown()
	at := func(mean, se float64) eval.Estimate { return eval.Estimate{Mean: mean, SE: se, N: 250} }
	for name, c := range map[string]struct {
		gain, reward eval.Estimate
		want         string
	}{
		"nothing is known":               {none, none, ""},
		"a gain above its error":         {at(0.021, 0.02), none, ""},
		"a gain within its error":        {at(0.019, 0.02), none, "gain"},
		"a gain equal to its error":      {at(0.25, 0.25), none, "gain"},
		"a loss":                         {at(-0.2, 0.02), none, "gain"},
		"two models of the same answers": {at(0, 0), none, "gain"},
		"pairs that tell":                {at(0.2, 0.02), at(0.53, 0.02), ""},
		"pairs of chance":                {at(0.2, 0.02), at(0.51, 0.02), "reward accuracy"},
		"pairs that teach the wrong":     {none, at(0.1, 0.02), "reward accuracy"},
		"all pairs of a kind":            {none, at(1, 0), ""},
		"one pair tells nothing":         {none, eval.Estimate{Mean: 0, SE: math.NaN(), N: 1}, ""},
		"both":                           {at(0, 0.1), at(0.1, 0.1), "gain"},
	} {
		if got := saturationReason(c.gain, c.reward); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want a reason with %q", name, got, c.want)
		}
	}
}

// By hand: the three problems are right in half, none and none of the trained languages, then in all, half and none.
// What is right in another language, or in the dominant one, does not count.
func TestGain(t *testing.T) {
	s := small()
	s.StopWhenSaturated = true
	run, err := Open(filepath.Join(t.TempDir(), "run"), s)
	if err != nil {
		t.Fatal(err)
	}
	for path, answers := range map[string]string{ // + right, ~ right in another language, - wrong
		"M0/en": "+++", "M0/de": "+--", "M0/fr": "---",
		"M1/en": "---", "M1/de": "++-", "M1/fr": "+~~",
	} {
		model, lang, _ := strings.Cut(path, "/")
		var verdicts []Verdict
		for _, mark := range answers {
			verdicts = append(verdicts, Verdict{Lang: lang, Correct: mark != '-', OnTarget: mark != '~'})
		}
		if err := run.WriteLines(run.Path(model, "eval", "problems", lang+".jsonl"), verdicts); err != nil {
			t.Fatal(err)
		}
	}
	got, err := gain(run, "M0", "M1")
	if err != nil || math.Abs(got.Mean-1.0/3) > 1e-12 || math.Abs(got.SE-1.0/6) > 1e-12 || got.N != 3 { // of ½, ½ and 0
		t.Errorf("the gain is %v, %v, want 1/3 ± 1/6", got, err)
	}
	for _, c := range []struct {
		from, to string
		stop     bool
	}{{"M0", "M1", false}, {"M1", "M0", true}} {
		if stop, err := saturated(run, c.from, c.to, nil); err != nil || stop != c.stop {
			t.Errorf("from %s to %s: stop is %t, %v", c.from, c.to, stop, err)
		}
	}
}

// modelsOf names the models of a frame of scores.
func modelsOf(scores dataframe.DataFrame) []string {
	return slices.Compact(scores.Col("model").Records())
}

func readFile(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestIterateStopsWhenSaturated(t *testing.T) {
	ctx, root := context.Background(), t.TempDir()
	m0, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	iterate := func(name string, s Settings) (models []string, found saturation) {
		t.Helper()
		run, err := Open(filepath.Join(root, name), s)
		if err != nil {
			t.Fatal(err)
		}
		_, scores, err := Iterate(ctx, run, m0)
		if err != nil {
			t.Fatal(err)
		}
		models = modelsOf(scores)
		err = ledger.ReadJSON(run.Path(models[len(models)-1], "saturation.json"), &found)
		if (err == nil) != s.StopWhenSaturated {
			t.Fatalf("%s: %v", name, err)
		}
		return models, found
	}

	// A step too small for float32 changes nothing: M1 answers as M0, and gains 0 ± 0.
	s := smallMiniature()
	s.Trained, s.Unseen, s.Rounds, s.Train.LR = []string{"de", "fr"}, nil, 2, 1e-20
	if models, _ := iterate("through", s); !slices.Equal(models, []string{"M0", "M1", "M2"}) {
		t.Errorf("without the rule the models are %v", models)
	}
	s.StopWhenSaturated = true
	for range 2 { // the second time from what is there
		models, found := iterate("gain", s)
		if !slices.Equal(models, []string{"M0", "M1"}) || !found.Stop || found.Model != "M1" ||
			!strings.Contains(found.Reason, "gain of correct_in_language") || found.Gain != (eval.Estimate{N: s.Evaluate.N}) {
			t.Errorf("models %v, %+v, want a stop after M1, which gains nothing", models, found)
		}
	}
	var first saturation
	if err := ledger.ReadJSON(filepath.Join(root, "gain", "M0", "saturation.json"), &first); err != nil || first.Stop ||
		!(first.RewardAccuracy.Mean > 0.5) || !math.IsNaN(first.Gain.Mean) {
		t.Errorf("of M0 it found %+v, %v, want no stop and telling pairs", first, err)
	}
	for _, path := range []string{"M0/pairs.jsonl", "M0/pairs.rewards.json", "M1/train.jsonl", "M1/training.json",
		"M1/eval/scores.json"} {
		if readFile(t, root, "through", path) != readFile(t, root, "gain", path) {
			t.Errorf("%s is another one with the rule", path)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "gain", "M1", "pairs.jsonl")); err == nil {
		t.Error("M1 made pairs after the stop")
	}

	// Answers translated from a weak language are worse than the strong one's own: the wrong side is chosen.
	s = smallMiniature()
	s.Dominant, s.Trained, s.Unseen, s.StopWhenSaturated = "ru", []string{"en"}, nil, true
	for range 2 {
		models, found := iterate("pairs", s)
		if !slices.Equal(models, []string{"M0"}) || !found.Stop || !strings.Contains(found.Reason, "reward accuracy") ||
			!(found.RewardAccuracy.Mean < 0.5) {
			t.Errorf("models %v, %+v, want a stop before training on M0's pairs", models, found)
		}
	}
	readFile(t, root, "pairs", "M0", "pairs.rewards.json")
	run, err := Reopen(filepath.Join(root, "pairs"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Report(ctx, run); err != nil {
		t.Errorf("a run of M0 alone has no report: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "pairs", "M1", "model")); err == nil {
		t.Error("the pairs were trained on")
	}
}
