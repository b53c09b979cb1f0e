package serve

import (
	"fmt"
	"path/filepath"
	"testing"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/tokenizer"
)

// judging changes the miniature's head, which was not trained to judge: it answers m in place of one name, and M in
// place of another.
func judging(ck *checkpoint.Checkpoint, words *tokenizer.Tokenizer) {
	table := ck.Tensor("model.embed_tokens.weight") // tied: the head too
	width := table.Shape[1]
	values, err := table.Float32s()
	if err != nil {
		panic(err)
	}
	for verdict, name := range map[string]string{"m": "Laura", "M": "Anna"} {
		to, from := words.Encode(verdict)[0], words.Encode(name)[0]
		for k := range width {
			values[to*width+k] = 2 * values[from*width+k]
		}
	}
	*table = checkpoint.NewTensor(table.Name, table.Shape, values)
}

// judgedRow is an answer to be judged.
type judgedRow struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"`
	Prompt   string `json:"prompt"`
	Response string `json:"response"`
}

// judgedPairs are answers to n problems, and references.
func judgedPairs(n int) (responses, references []judgedRow) {
	for i, p := range miniature.Problems("eval", n, 2) {
		responses = append(responses, judgedRow{fmt.Sprint(i), "en", p.Prompt("en"), p.Answer("en")})
		references = append(references, judgedRow{fmt.Sprint(i), "en", p.Prompt("en"), p.Answer("de")})
	}
	return responses, references
}

// A judge behind the server gives verdicts weighted by the probabilities of its first token.
func TestJudge(t *testing.T) {
	s := start(t, Options{}, judging)
	responses, references := judgedPairs(24)
	run, err := lidr.Open(filepath.Join(t.TempDir(), "run"), lidr.MiniatureSettings())
	if err != nil {
		t.Fatal(err)
	}
	settings := judge.Defaults()
	settings.BothOrders = true
	verdicts, scores, err := judge.Compare(t.Context(), run, "M1-M0", lidr.UseModel("judge", s.remote(t)),
		datasets.Frame(responses), datasets.Frame(references), settings)
	if err != nil {
		t.Fatal(err)
	}
	different := map[float64]bool{}
	for i, p := range verdicts.Col("preference").Float() {
		if !(p > 1 && p < 2) {
			t.Errorf("verdict %d is %v", i, p)
		}
		different[p] = true
	}
	if kinds := scores.Col("verdicts").Records(); kinds[0] != "weighted" || len(different) < 20 {
		t.Errorf("%d different preferences, verdicts %q", len(different), kinds)
	}
}
