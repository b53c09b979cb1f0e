package lidr

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// counting answers everything with one word, and counts.
type counting struct {
	lm.Model
	requests, tokens int
}

func (c *counting) Fingerprint() string { return "counting" }
func (c *counting) ContextLength() int  { return 0 }

func (c *counting) Generate(_ context.Context, reqs []lm.Request, _ lm.Sampling, done func(int) bool,
	save func([]int, []lm.Completion) error) error {
	for i, r := range reqs {
		if done(i) {
			continue
		}
		c.requests, c.tokens = c.requests+1, c.tokens+lm.EstimateTokens(r)
		if err := save([]int{i}, []lm.Completion{{Text: "one</translated>", FinishReason: lm.FinishStop}}); err != nil {
			return err
		}
	}
	return nil
}

// What is then asked is what was announced: as many requests, and no more tokens.
func TestDryRunAnnouncesTheRequests(t *testing.T) {
	s := MiniatureSettings()
	s.Rounds, s.Prompts.N, s.Evaluate.N, s.Evaluate.Translations = 1, 5, 3, 2
	prices := lm.Prices{Prompt: 2, New: 10}
	costs, err := DryRun(s, prices)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf[Cost](costs, "costs")
	if err != nil {
		t.Fatal(err)
	}
	run, _ := openTest(t, s)
	server := &counting{}
	m0 := UseModel("a server", server)
	ctx := context.Background()
	if _, err := Evaluate(ctx, run, m0); err != nil {
		t.Fatal(err)
	}
	evaluated, evaluatedTokens := server.requests, server.tokens
	if _, err := roundPairs(ctx, run, m0); err != nil {
		t.Fatal(err)
	}
	// M0: 3 problems in 7 languages; 2 translations there and back in 6; 5 prompts in 5 languages; 5·(4+1) translations.
	want := []int{21, 24, 25, 25}
	announced, tokens := 0, 0
	for i, n := range want {
		if rows[i].Requests != n || rows[i].Model != "M0" {
			t.Errorf("row %d announces %+v, want %d requests of M0", i, rows[i], n)
		}
		announced, tokens = announced+n, tokens+rows[i].PromptTokens
		if i == 1 && (announced != evaluated || tokens < evaluatedTokens) {
			t.Errorf("evaluation took %d requests of %d tokens, announced were %d of %d", evaluated, evaluatedTokens, announced,
				tokens)
		}
	}
	if server.requests != announced || server.tokens > tokens {
		t.Errorf("%d requests of %d tokens, announced were %d of at most %d", server.requests, server.tokens, announced,
			tokens)
	}
	if got, want := rows[2].Dollars, (float64(rows[2].PromptTokens)*2+25*112*10)/1e6; math.Abs(got-want) > 1e-12 {
		t.Errorf("$%g for the answers, want $%g", got, want)
	}
	if sum := rows[len(rows)-1]; sum.Model != "all" || sum.Requests != 2*(21+24)+25+25 {
		t.Errorf("the sum is %+v, want the requests of M0 and of M1's evaluation", sum)
	}
}

// The worked examples before each problem are announced with it, token for token.
func TestDryRunCountsShots(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"problems/en.jsonl": `{"query": "first en", "response": "1"}` + "\n" + `{"query": "second en", "response": "2"}`,
		"problems/de.jsonl": `{"query": "first de", "response": "1"}` + "\n" + `{"query": "second de", "response": "2"}`,
		"shots/en.jsonl":    `{"question": "one en, at some length", "answer": "The answer is 1."}`,
		"shots/de.jsonl":    `{"question": "one de", "answer": "Die Antwort ist 1, und das steht hier ausführlich."}`,
	} {
		if err := ledger.WriteFile(filepath.Join(dir, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	s := PaperSettings()
	s.Trained, s.Unseen, s.Rounds, s.Prompts.Source = []string{"de"}, nil, 0, dir
	s.Evaluate = EvaluateSettings{Source: filepath.Join(dir, "problems"), Shots: 1, Exemplars: filepath.Join(dir, "shots")}
	costs, err := DryRun(s, lm.Prices{})
	if err != nil {
		t.Fatal(err)
	}
	run, err := Open(filepath.Join(dir, "run"), s)
	if err != nil {
		t.Fatal(err)
	}
	server := &counting{}
	if _, err := Evaluate(context.Background(), run, UseModel("a server", server)); err != nil {
		t.Fatal(err)
	}
	if announced := costs.Col("prompt_tokens").Float()[0]; announced != float64(server.tokens) ||
		costs.Col("requests").Float()[0] != 4 {
		t.Errorf("announced were\n%v\n, sent %d requests of %d tokens", costs, server.requests, server.tokens)
	}
}
