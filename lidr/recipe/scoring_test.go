package recipe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A round's pairs are chosen by every scorer that a recipe can name, own and translated answers among the samples; a
// panel judges the comparisons, and the judge compares MT-bench's answers turn by turn.
func TestScoringAndPanel(t *testing.T) {
	weights := []string{}
	for _, name := range Scorers() {
		if !strings.HasPrefix(name, "implicit") { // whose two models a small run does not have
			weights = append(weights, name+": 0.5")
		}
	}
	root := t.TempDir()
	r, err := Load(write(t, "all.yaml", `
preset: miniature
rounds: 1
trained: [de]
unseen: []
generate: {samples: 2, sampling: {temperature: 0.8}}
evaluate: {source: ""}
judge: {path: first}
panel:
  - path: second
    endpoints: [https://second.example/v1]
    prices: {prompt: 1, answer: 2}
instructions: {source: data, matches: [M1-M0]}
mt_bench: {source: data, matches: [M1-M0]}
tracking: {to: [tensorboard]}
scoring:
  scorers: {`+strings.Join(weights, ", ")+`}
  translations: true
  selection: {rule: max-min}
  reward_model: {path: reward, endpoints: ["http://reward/v1"]}
  embeddings: {path: vectors, endpoints: ["http://vectors/v1"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	if j := r.Panel[0]; j.KeyEnv != "OPENAI_API_KEY" || j.MaxDollars != 10 || j.Prices.New != 2 {
		t.Errorf("the second judge is %+v, expected the defaults beside what the file says", j)
	}
	var notes []string
	dir := filepath.Join(root, "all")
	report, err := RunSmall(t.Context(), r, dir, func(note string) { notes = append(notes, note) })
	if err != nil {
		t.Fatal(err)
	}
	text := readFile(t, strings.TrimSuffix(report, ".html")+".md")
	for _, want := range []string{"by a panel of judges", "win rate, scripted/second", "M1 against M0"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, stands := range []string{"the length of an answer for reward", "the letters of an answer for vectors"} {
		if !strings.Contains(strings.Join(notes, "\n"), stands) {
			t.Errorf("no note says %q", stands)
		}
	}
	for _, made := range []string{"judged/M1-M0/mtbench.json", "judged/M1-M0/panel.json", "M0/pairs.jsonl",
		"tracking/steps.jsonl"} {
		if info, err := os.Stat(filepath.Join(dir, made)); err != nil || info.Size() < 10 {
			t.Errorf("%s: %v, error %v", made, info, err)
		}
	}
	scores, err := filepath.Glob(filepath.Join(dir, "M0", "scores", "sum_consistency_*.jsonl"))
	if err != nil || len(scores) != 1 {
		t.Errorf("the scores are %v, error %v", scores, err)
	}

	// The implicit reward is of two models, here of M1 and of what its training started from.
	r, err = Load(miniature, "rounds=1", "trained=[de]", "unseen=[]", "prompts.n=3", "evaluate.n=2",
		"evaluate.translations=0", "generate.samples=2", "generate.sampling.temperature=0.8",
		"scoring.scorers={implicit: 1}", "scoring.selection.rule=max-min", "scoring.reference.path=miniature",
		"train.batch_pairs=2", fmt.Sprintf("scoring.aligned.path=%q", filepath.Join(dir, "M1", "model")))
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(root, "implicit")
	if err := Step(t.Context(), r, dir, "pairs", "M0"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "M0", "scores", "implicit.jsonl")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "M0", "translations")); err == nil {
		t.Error("what no pair is made of was translated")
	}
	if f, err := Dry(r); err != nil || strings.Contains(fmt.Sprint(f.Costs), "translate") ||
		!strings.Contains(fmt.Sprint(f.Costs), "score by implicit") {
		t.Errorf("error %v, forecast %v", err, f.Costs)
	}
}
