package lidr

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/lm"
)

func TestPick(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		selection Selection
		scores    []float64
		want      string
	}{
		{Selection{Rule: "max-min"}, []float64{1, 2, 3, 4, 10}, "4 over 0"},
		{Selection{Rule: "max-min"}, []float64{nan, 2, 5, 5, 2}, "2 over 1"},
		{Selection{Rule: "max-min"}, []float64{nan, 2, nan}, "fewer than two scores"},
		{Selection{Rule: "max-min"}, []float64{2, 2, nan}, "equal scores"},
		{Selection{Rule: "max-min", Margin: 3}, []float64{2, 5}, "1 over 0"},
		{Selection{Rule: "max-min", Margin: 3.1}, []float64{2, 5}, "scores closer than 3.1"},
		// μ 4, σ √10, target −2.3246: of those below 10, 1 is the nearest.
		{Selection{Rule: "max-sigma"}, []float64{1, 2, 3, 4, 10}, "4 over 0"},
		// μ 6.25, σ 6.28, target −6.3: 0 is nearer than −20.
		{Selection{Rule: "max-sigma"}, append(slices.Repeat([]float64{8}, 17), 9, 0, -20), "17 over 18"},
		{Selection{Rule: "max-sigma"}, []float64{3, 3}, "equal scores"},
		{Selection{Rule: "quantile", High: 1, Low: 0.25}, []float64{4, 3, 2, 1}, "0 over 3"},
		{Selection{Rule: "quantile", High: 0.75, Low: 0.3}, []float64{4, 3, 2, 1}, "1 over 2"},
		{Selection{Rule: "quantile", High: 0.6, Low: 0.55}, []float64{4, 3, 2, 1}, "equal scores"},
		{Selection{Rule: "threshold", High: 7, Low: 3}, []float64{7, 8, 3, 2}, "1 over 3"},
		{Selection{Rule: "threshold", High: 9, Low: 3}, []float64{7, 8, 3, 2}, "no score of 9 or more"},
		{Selection{Rule: "threshold", High: 7, Low: 1}, []float64{7, 8, 3, 2}, "no score of 1 or less"},
	} {
		if err := c.selection.Validate(); err != nil {
			t.Error(err)
		}
		chosen, rejected, got := c.selection.Pick(c.scores)
		if got == "" {
			got = fmt.Sprintf("%d over %d", chosen, rejected)
		}
		if got != c.want {
			t.Errorf("%+v of %v: %s, want %s", c.selection, c.scores, got, c.want)
		}
	}
	for says, s := range map[string]Selection{
		"field rule is \"best\"": {Rule: "best"}, "field high is 0.5": {Rule: "quantile", High: 0.5, Low: 0.5},
		"field high is 1": {Rule: "threshold", High: 1, Low: 2}, "field high is 3": {Rule: "max-min", High: 3},
		"field margin is NaN": {Rule: "max-min", Margin: nan}, "field margin is 1": {Rule: "lidr", Margin: 1},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want an error with %q", s, err, says)
		}
	}
}

// shortest prefers short answers; it knows nothing of those with a question mark.
type shortest struct{ calls *int }

func (shortest) Name() string { return "shortest" }
func (shortest) Key() string  { return "shortest/1" }

func (s shortest) Score(_ context.Context, _ *Run, _ *Model, samples []datasets.Response) ([]SampleScore, error) {
	*s.calls++
	rows := make([]SampleScore, len(samples))
	for i, row := range samples {
		n := float64(len(row.Response))
		rows[i] = SampleScore{Score: -n}.With("length", n)
		if strings.Contains(row.Response, "?") {
			rows[i].Score = math.Inf(1)
		}
	}
	return rows, nil
}

// What has no score is named and counted, and in no pair; a scorer is asked once, and what it said is read back.
func TestScoreSamples(t *testing.T) {
	s := small()
	s.Generate.Samples, s.Generate.Sampling.Temperature = 3, 1
	run, m0 := openTest(t, s)
	var samples []datasets.Response
	for _, lang := range []string{"en", "de", "fr"} {
		for k, text := range []string{"a long answer in " + lang, "short", "medium, " + lang} {
			samples = append(samples, datasets.Response{ID: "a", Lang: lang, Prompt: "Say it in " + lang, Sample: k,
				Response: text, FinishReason: lm.FinishStop})
		}
	}
	samples[4].Response = "what?"                                // de 1
	samples[8].Response, samples[8].FinishReason = "", "refusal" // fr 2
	samples[6].Response = " "                                    // fr 0
	calls := 0
	var scores []SampleScore
	for range 2 {
		frame, err := ScoreSamples(t.Context(), run, m0, datasets.Frame(samples), shortest{&calls})
		if err != nil {
			t.Fatal(err)
		}
		if scores, err = rowsOf[SampleScore](frame, "scores"); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 1 {
		t.Errorf("the scorer was asked %d times, want once", calls)
	}
	var kept []SampleScore
	if err := run.ReadLines(run.Path("M0", "scores", "shortest.jsonl"), &kept); err != nil || len(kept) != 9 {
		t.Fatalf("%d scores in the file, %v", len(kept), err)
	}
	for i, fault := range []string{"", "", "", "", "the score is +Inf", "", "empty", "", "refusal"} {
		n := float64(len(samples[i].Response))
		ok := scores[i].Score == -n && scores[i].Part("length") == n && kept[i] == scores[i]
		if fault != "" {
			ok = math.IsNaN(scores[i].Score) && math.IsNaN(kept[i].Score) && kept[i].Fault == fault
		}
		if !ok || scores[i].Fault != fault {
			t.Errorf("score %d is %+v, in the file %+v, want the fault %q", i, scores[i], kept[i], fault)
		}
	}
	if data := readFile(t, run.Path("M0", "scores", "shortest.jsonl")); !strings.Contains(data,
		`"sample":1,"score":null,"parts":{"length":5},"fault":"the score is +Inf"}`) {
		t.Errorf("a line of the file is not as expected:\n%s", data)
	}
	scores = slices.Delete(scores, 5, 6)   // de 2
	samples = slices.Delete(samples, 2, 3) // en 2
	scores = slices.Delete(scores, 2, 3)
	pairs, counts, err := PairsByScore(t.Context(), run, m0, datasets.Frame(samples), datasets.Frame(scores),
		Selection{Rule: "max-min"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(pairs.Records()[1:]); got != "[[a en Say it in en short a long answer in en en]]" {
		t.Errorf("the pairs are %v", got)
	}
	var said []string
	for _, row := range counts.Records()[1:] {
		said = append(said, strings.Join(row, " "))
	}
	for _, want := range []string{"de dropped fewer than two scores 1", "fr dropped fewer than two scores 1",
		"en unscored no such sample 1", "de unscored no row of scores 1", "de unscored the score is +Inf 1",
		"fr unscored empty 1", "fr unscored refusal 1", "en pairs  1", "de pairs  0"} {
		if !slices.Contains(said, want) {
			t.Errorf("the counts lack %q: %q", want, said)
		}
	}
	twice := append(slices.Clone(scores), scores[0])
	_, _, err = PairsByScore(t.Context(), run, m0, datasets.Frame(samples), datasets.Frame(twice),
		Selection{Rule: "max-min"})
	if err == nil || !strings.Contains(err.Error(), "scores, row 8: sample 0 of prompt a in en") {
		t.Errorf("a score that is there twice: %v", err)
	}
}

// Several answers are drawn from streams of their own, numbered, translated and paired by their number; an evaluation
// of several has pass@k and the majority's accuracy beside the metrics of the first.
func TestSamplesOfOneRun(t *testing.T) {
	s := small()
	s.Trained = []string{"de"}
	s.Prompts.N, s.Evaluate.N, s.Evaluate.Translations = 4, 3, 0
	s.Generate.Samples, s.Evaluate.Samples = 3, 4
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "samples is ") {
		t.Errorf("samples at temperature 0: %v", err)
	}
	s.Generate.Sampling.Temperature = 1
	run, m0 := openTest(t, s)
	asked, err := prompts(t.Context(), run, m0)
	if err != nil {
		t.Fatal(err)
	}
	responses, err := generate(t.Context(), run, m0, asked)
	if err != nil || len(responses) != 4*2*3 {
		t.Fatalf("%d responses, %v", len(responses), err)
	}
	texts := map[string]bool{}
	for i, row := range responses {
		if row.Sample != i%3 || row.ID != asked[i/3].ID || row.Lang != asked[i/3].Lang {
			t.Errorf("response %d is sample %d of prompt %s in %s", i, row.Sample, row.ID, row.Lang)
		}
		texts[row.Response] = true
	}
	if len(texts) < 12 {
		t.Errorf("%d different texts among 24 answers at temperature 1", len(texts))
	}
	back, err := run.Responses("M0")
	if err != nil || !slices.Equal(back.Col("sample").Records(), datasets.Frame(responses).Col("sample").Records()) {
		t.Errorf("responses read back: %v", err)
	}
	translations, err := translate(t.Context(), run, m0, m0, responses)
	if err != nil {
		t.Fatal(err)
	}
	all, err := candidates(s, responses, translations)
	if err != nil || len(all) != 24 {
		t.Fatalf("%d candidates, %v", len(all), err)
	}
	for i, c := range all {
		if c.Lang == "de" && c.Rejected != responses[i].Response || c.Lang == "en" && c.Chosen != responses[i].Response {
			t.Errorf("candidate %d is of another answer: %+v", i, c.Pair)
		}
	}
	scores, err := evaluate(t.Context(), run, m0)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]float64{}
	for _, row := range scores {
		at[row.Metric+" "+row.Lang] = row.Value
		if row.N != 3 || row.SE < 0 {
			t.Errorf("%+v, want the error over 3 problems", row)
		}
	}
	for _, lang := range []string{"en", "de", "trained"} {
		one, some, most := at["pass_1 "+lang], at["pass_4 "+lang], at["majority_4 "+lang]
		if !(one <= some && most <= some && some > 0) {
			t.Errorf("%s: pass@1 %g, pass@4 %g, majority of 4 %g", lang, one, some, most)
		}
	}
	var words []string
	for _, w := range sampleWords(s.Evaluate.Samples) {
		words = append(words, w.Key)
	}
	if want := []string{"pass_1", "pass_4", "majority_4"}; !slices.Equal(words, want) {
		t.Errorf("the report knows the metrics %q, want %q", words, want)
	}
	for _, key := range words {
		if _, measured := at[key+" trained"]; !measured {
			t.Errorf("no score of %s", key)
		}
	}
	var verdicts []Verdict
	if err := run.ReadLines(run.Path("M0", "eval", "samples", "de.jsonl"), &verdicts); err != nil || len(verdicts) != 12 ||
		verdicts[5].Sample != 1 {
		t.Errorf("%d verdicts on samples, %v", len(verdicts), err)
	}
	if first, err := run.Verdicts("M0", "de"); err != nil || len(first) != 3 || first[1] != verdicts[4] {
		t.Errorf("the verdicts on first answers are %+v, %v", first, err)
	}
}
