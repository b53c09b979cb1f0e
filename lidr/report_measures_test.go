package lidr

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/report"
)

// What judges said stands in the report with its error, items, failures, warnings and cost, and the paper's table of the
// same quantity in the paper's panel.
func TestReportOfJudgedResults(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "run")
	if _, err := judged(dir, newJudgeServer(t, true, 0).URL, func(s *JudgeSettings) {
		s.BothOrders, s.Prices = true, Prices{Prompt: 2.5, New: 10}
	}); err != nil {
		t.Fatal(err)
	}
	run, err := Reopen(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mtScores(t, run, newScripted(t, "writer", 0, mtWrite), newScripted(t, "grader", 0, mtGrade), mtBench(t)); err != nil {
		t.Fatal(err)
	}
	rater := newScripted(t, "rater", 0, func(c chat) string {
		_, after, _ := strings.Cut(c.Messages[len(c.Messages)-1].Content, "<answer>\nworth ")
		number, _, _ := strings.Cut(after, " ")
		return "[[" + number + "]]"
	})
	pairs := []Pair{{ID: "1", Lang: "de", Source: "en>de", Prompt: "one", Chosen: "worth 8 a", Rejected: "worth 4 b"}, {ID: "2", Lang: "de", Source: "en>de", Prompt: "two", Chosen: "worth 6 a", Rejected: "worth 6 b"}, {ID: "3", Lang: "de", Source: "en>de", Prompt: "three", Chosen: "worth 9 a", Rejected: "mute"}}
	if _, _, err := Ratings(ctx, run, &Model{Name: "M0"}, rater.model(t, "judge"), datasets.Frame(pairs), DefaultRatings()); err != nil {
		t.Fatal(err)
	}

	models := []string{"M0", "M1"}
	data := report.Data{Title: "judged", Models: []report.Model{{Name: "M0"}, {Name: "M1"}}, Languages: reportLanguages(run.Settings)}
	if err := addMeasures(run, &data, models); err != nil {
		t.Fatal(err)
	}
	data.Paper = paperTables(data.Measures)
	markdown, err := report.Markdown(data)
	if err != nil {
		t.Fatal(err)
	}
	own, papers, _ := strings.Cut(string(markdown), "The paper’s numbers")
	for _, want := range []string{
		// 80 pairs in both orders, 100 tokens read and 1 written each: (16,000 · 2.5 + 160 · 10) / 10⁶ dollars.
		"Judged by judge: 160 questions, 16,000 tokens read and 160 written, $0.04.",
		"| win rate | 62.0 ⚠1 ± 5.0, n = 40 | 62.0 ⚠1 ± 5.0, n = 40 |", "⚠1 only 40 items",
		"| verdicts that flip with the order | 30.0 ⚠1 ± 7.3, n = 40 |",
		"| German | 20 | 12 | 8 | **+30.0** ✓ ± 12.3 |", "plots/judged-M1-M0-M1-M0.svg",
		"| M0 self-generation | 5.00 ⚠1 ± 1.00, n = 2, 1 failed |", "| M0 self-translation | 7.67", "n = 2, 1 failed, 1 tied",
		"| M1 | 6.50 ⚠1 ± 0.58, n = 3, 1 failed |", "| M1, second turn | 5.67", "plots/mt-bench.svg",
	} {
		if !strings.Contains(own, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, want := range []string{"plots/paper-4-M2-M0.svg", "| M2 | 8.30 |", "| M0 self-translation | 8.03 |"} {
		if !strings.Contains(papers, want) || strings.Contains(own, want) {
			t.Errorf("%q is missing in the paper's panel or stands outside it", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", own)
	}
	page, err := report.HTML(data)
	if err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("LIDR_TEST_PAGE"); path != "" { // to look at
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A folder in which nothing is evaluated is reported by what judges said in it, and one that holds nothing says what to call.
func TestReportWithoutEvaluation(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "run")
	run, err := Open(dir, Miniature())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Report(ctx, run); err == nil || !strings.Contains(err.Error(), "call Evaluate, Judge,") {
		t.Errorf("an empty run: %v", err)
	}
	if _, err := judged(dir, newJudgeServer(t, true, 0).URL, bothOrders); err != nil {
		t.Fatal(err)
	}
	s := Paper()
	s.Trained, s.Unseen, s.Rounds, s.Prompts.Source = []string{"de"}, nil, 0, "none"
	files, err := Open(filepath.Join(t.TempDir(), "files"), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mtScores(t, files, newScripted(t, "writer", 0, mtWrite), newScripted(t, "grader", 0, mtGrade), mtBench(t)); err != nil {
		t.Fatal(err)
	}
	for run, want := range map[*Run][]string{
		run:   {"M1 against M0, by a judge", "| win rate | 62.0", "plots/judged-M1-M0-M1-M0.svg", "miniature"},
		files: {"| M1 | 6.50", "plots/mt-bench.svg"},
	} {
		path, err := Report(ctx, run)
		if err != nil {
			t.Errorf("%s: %v", run.Dir, err)
			continue
		}
		markdown, err := os.ReadFile(strings.TrimSuffix(path, "html") + "md")
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range want {
			if !strings.Contains(string(markdown), words) {
				t.Errorf("the report lacks %q:\n%s", words, markdown)
			}
		}
		if strings.Contains(string(markdown), "Does a model that answers best") {
			t.Error("the report asks what was not evaluated")
		}
	}
	if err := CompareRuns(ctx, filepath.Join(t.TempDir(), "both"), []*Run{run, files}); err != nil {
		t.Error(err)
	}
}
