package lidr

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// The same steps on real prompts with the embedded model, which knows none of their words: its answers are poor, and
// every file, count and table must be right all the same.
func TestStepsOnRealPrompts(t *testing.T) { onFiles(t, stepsOnFiles) }

func stepsOnFiles(t *testing.T, dir, promptFolder string) {
	s := MiniatureSettings()
	s.Rounds, s.Unseen = 1, nil
	s.Prompts.Source, s.Prompts.N = promptFolder, 20
	s.Evaluate.Source, s.Evaluate.N, s.Evaluate.Translations = filepath.Join(dir, "mgsm"), 3, 0
	s.Generate.Sampling.MaxTokens, s.Translate.Sampling.MaxTokens = 24, 48
	run, m0 := openTest(t, s)
	ctx := context.Background()

	prompts, err := Prompts(ctx, run, m0)
	if err != nil {
		t.Fatal(err)
	}
	responses, err := Generate(ctx, run, m0, prompts)
	if err != nil {
		t.Fatal(err)
	}
	translations, err := Translate(ctx, run, m0, responses)
	if err != nil {
		t.Fatal(err)
	}
	pairs, counts, err := Pairs(ctx, run, m0, responses, translations)
	if err != nil {
		t.Fatal(err)
	}
	// 20 prompts in 5 languages; 4 translations of each English answer and one back.
	if prompts.Nrow() != 100 || responses.Nrow() != 100 || translations.Nrow() != 100 {
		t.Errorf("%d prompts, %d responses, %d translations, want 100 of each", prompts.Nrow(), responses.Nrow(),
			translations.Nrow())
	}
	total := map[string]int{}
	for i := range counts.Nrow() {
		n, err := counts.Col("n").Elem(i).Int()
		if err != nil {
			t.Fatal(err)
		}
		total[counts.Col("count").Elem(i).String()] += n
	}
	if total["candidates"] != 100 || total["candidates"] != total["dropped"]+total["pairs"] ||
		total["pairs"] != pairs.Nrow() {
		t.Errorf("counts %v of %d pairs do not add up", total, pairs.Nrow())
	}
	scores, err := Evaluate(ctx, run, m0)
	if err != nil {
		t.Fatal(err)
	}
	accuracy := scores.Filter(dataframe.F{Colname: "metric", Comparator: series.Eq, Comparando: "accuracy"})
	if accuracy.Nrow() != 6 { // five languages and the mean of the trained ones
		t.Errorf("accuracy has %d rows, want 6:\n%v", accuracy.Nrow(), accuracy)
	}

	m1, steps, err := Train(ctx, run, m0, pairs)
	if err != nil {
		t.Fatal(err)
	}
	// The first step of any DPO training: policy and reference are the same model.
	loss, nll := steps.Col("loss").Float()[0], steps.Col("nll").Float()[0]
	if want := math.Ln2 + s.Train.Alpha*nll; math.Abs(loss-want) > 1e-3 {
		t.Errorf("the first loss is %.5f, want ln 2 + α·NLL = %.5f", loss, want)
	}
	if m1.Name() != "M1" || m1.Fingerprint() == m0.Fingerprint() {
		t.Errorf("training made %s with fingerprint %s", m1.Name(), m1.Fingerprint())
	}
	if _, err := Evaluate(ctx, run, m1); err != nil {
		t.Fatal(err)
	}
	changes, err := Compare(ctx, run, "M0", "M1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range changes.Nrow() {
		row := changes.Subset(i)
		net := (row.Col("only_to").Float()[0] - row.Col("only_from").Float()[0]) / row.Col("n").Float()[0]
		if d := row.Col("difference").Float()[0]; row.Col("scope").Elem(0).String() == oneLanguage && math.Abs(net-d) > 1e-9 {
			t.Errorf("the items on which the models differ make %v, want %v:\n%v", net, d, row)
		}
	}
	won, err := HeadToHead(ctx, run, "M0", "M1", Verdict.Points)
	if err != nil {
		t.Fatal(err)
	}
	for i, lang := range won.Col("lang").Records() {
		sum := won.Col("win").Float()[i] + won.Col("tie").Float()[i] + won.Col("lose").Float()[i]
		if answers, err := run.Verdicts("M1", lang); err != nil || sum != float64(len(answers)) {
			t.Errorf("%s: win, tie and lose make %v of %d answers, %v", lang, sum, len(answers), err)
		}
	}
}

func TestTranslatePromptsMakesThemParallel(t *testing.T) {
	s := MiniatureSettings()
	s.Prompts.N, s.Trained = 6, []string{"de", "fr"}
	run, m0 := openTest(t, s)
	ctx := context.Background()
	all, err := Prompts(ctx, run, m0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TranslatePrompts(ctx, run, m0, all); err == nil || !strings.Contains(err.Error(), "expected only en") {
		t.Errorf("prompts in three languages: error %v, want one that expects only en", err)
	}
	english := all.Filter(dataframe.F{Colname: "lang", Comparator: series.Eq, Comparando: "en"})
	parallel, err := TranslatePrompts(ctx, run, m0, english)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i := range parallel.Nrow() {
		seen[parallel.Col("lang").Elem(i).String()]++
	}
	if seen["en"] == 0 || seen["de"] != seen["en"] || seen["fr"] != seen["en"] {
		t.Errorf("prompts by language: %v, want as many in each", seen)
	}
}

func TestPromptLongerThanTheContext(t *testing.T) {
	s := MiniatureSettings()
	run, m0 := openTest(t, s)
	rows := dataframe.New(
		series.New([]string{"long"}, series.String, "id"), series.New([]string{"en"}, series.String, "lang"),
		series.New([]string{strings.Repeat("apple ", 5000)}, series.String, "prompt"),
		series.New([]string{""}, series.String, "answer"), series.New([]string{"en.jsonl:7"}, series.String, "source"))
	_, err := Generate(context.Background(), run, m0, rows)
	if err == nil || !strings.Contains(err.Error(), "en.jsonl:7") || !strings.Contains(err.Error(), "field prompt") {
		t.Errorf("error %v, want one that names file, line and field", err)
	}
	_, err = Generate(context.Background(), run, m0, rows.Drop("source"))
	if err == nil || !strings.Contains(err.Error(), `"source"`) {
		t.Errorf("error %v, want one that names the missing column", err)
	}
}

func openTest(t *testing.T, s Settings) (*Run, *Model) {
	t.Helper()
	run, err := Open(filepath.Join(t.TempDir(), "run"), s)
	if err != nil {
		t.Fatal(err)
	}
	m0, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	return run, m0
}
