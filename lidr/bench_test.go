package lidr

import (
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/ledger"
)

// BenchmarkRound runs one round on the miniature, evaluation included, and reports the seconds of each step, the tokens
// generated a second, and the padding share of the training.
func BenchmarkRound(b *testing.B) {
	for b.Loop() {
		s := MiniatureSettings()
		s.Rounds, s.Prompts.N, s.Evaluate.N, s.Evaluate.Translations = 1, 60, 50, 10
		run, err := Open(filepath.Join(b.TempDir(), "run"), s)
		if err != nil {
			b.Fatal(err)
		}
		m0, err := LoadModel("miniature")
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := Iterate(b.Context(), run, m0); err != nil {
			b.Fatal(err)
		}
		lines, err := ledger.ReadLines[timing](run.Path("timing.jsonl"))
		if err != nil {
			b.Fatal(err)
		}
		seconds, generated, generating := map[string]float64{}, 0, 0.0
		for _, line := range lines {
			_, step, _ := strings.Cut(line.Step, " ") // without the model's name
			seconds[strings.ReplaceAll(step, " ", "-")] += line.Seconds
			if line.Unit == "answers" {
				generated, generating = generated+line.Tokens, generating+line.Seconds
			}
		}
		for step, value := range seconds {
			b.ReportMetric(value, step+"-s")
		}
		b.ReportMetric(float64(generated)/generating, "generated-tok/s")
		steps, err := ledger.ReadLines[dpo.Step](run.Path("M1", "train.jsonl"))
		if err != nil {
			b.Fatal(err)
		}
		trained, padding := 0, 0.0
		for _, step := range steps {
			trained, padding = trained+step.Tokens, padding+step.Padding/float64(len(steps))
		}
		b.ReportMetric(float64(trained)/seconds["train"], "trained-tok/s")
		b.ReportMetric(100*padding, "training-padding-%")
	}
}
