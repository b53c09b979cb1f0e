package judge_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/judge/judgetest"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
)

// A judge compares answers of M1 and M0. The server here prefers answers with more stars.
func ExampleCompare() {
	server := httptest.NewServer(&judgetest.Judge{Weighted: true})
	defer server.Close()
	folder, err := os.MkdirTemp("", "judge")
	check(err)
	defer os.RemoveAll(folder)

	ctx := context.Background()
	run, err := lidr.Open(folder+"/run", lidr.MiniatureSettings())
	check(err)
	defer run.Close()
	model, err := remote.Open(ctx, remote.Options{Model: "judge", Endpoints: []string{server.URL}})
	check(err)

	answers1 := []judge.Output{
		{ID: "1", Lang: "de", Prompt: "Was ist eine Anleihe?", Response: "Ein Kredit. **"},
		{ID: "2", Lang: "de", Prompt: "Und eine Aktie?", Response: "Ein Anteil. *"},
	}
	answers0 := []judge.Output{
		{ID: "1", Lang: "de", Prompt: "Was ist eine Anleihe?", Response: "A bond. *"},
		{ID: "2", Lang: "de", Prompt: "Und eine Aktie?", Response: "Ein Anteil an einem Unternehmen. *"},
	}
	settings := judge.Defaults()
	settings.BothOrders = true
	_, frame, err := judge.Compare(ctx, run, "M1-M0", lidr.UseModel("judge", model),
		datasets.Frame(answers1), datasets.Frame(answers0), settings)
	check(err)
	var rates []judge.WinRate
	check(datasets.Rows(frame, &rates))
	for _, r := range rates {
		if r.Metric == "win_rate" || r.Metric == "tie" {
			fmt.Printf("%s in %s: %.2f of %d, by %s verdicts\n", r.Metric, r.Lang, r.Value, r.N, r.Verdicts)
		}
	}
	used, err := judge.ReadUsage(run, judge.Comparison, "M1-M0")
	check(err)
	fmt.Println(used)
	// Output:
	// win_rate in de: 0.70 of 2, by weighted verdicts
	// tie in de: 0.50 of 2, by weighted verdicts
	// Judged by judge: 4 questions, 400 tokens read and 4 written.
}

// What the comparison of 805 answers of up to 2,048 tokens costs at most, in both orders.
func ExampleDryRun() {
	prompts := make([]lidr.Prompt, 805)
	for i := range prompts {
		prompts[i] = lidr.Prompt{ID: fmt.Sprint(i), Lang: "de", Prompt: "Was ist eine Anleihe?"}
	}
	settings := judge.Defaults()
	settings.BothOrders = true
	frame, err := judge.DryRun("M1-M0", datasets.Frame(prompts), 2048, settings, lm.Prices{Prompt: 2.5, New: 10})
	check(err)
	var costs []lidr.Cost
	check(datasets.Rows(frame, &costs))
	fmt.Printf("%s: %d requests, at most $%.0f\n", costs[0].Step, costs[0].Requests, costs[0].Dollars)
	// Output: judge M1-M0: 1610 requests, at most $17
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
