package judge_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr/judge"
	"lidrlab/lidr/ledger"
)

// mtPrefer takes the better answer, and of two that are equally good the first; it says nothing of a mute one.
func mtPrefer(c chat) string {
	asked := c.last()
	a := asked[strings.LastIndex(asked, "<a>"):]
	a, b, _ := strings.Cut(a, "<b>")
	score := func(s string) int { return strings.Count(s, "better") - strings.Count(s, "worse") }
	switch {
	case strings.Contains(a+b, "mute"):
		return "Both [[A]] and [[B]] are good."
	case score(b) > score(a):
		return "The second helps more: [[B]]"
	}
	return "The first helps more: [[A]]"
}

// M1's answers to the German questions are better, worse, as good (so that the orders name opposite winners) and mute.
func TestMTBenchPairs(t *testing.T) {
	t.Parallel()
	run, folder := newRun(t), mtBench(t)
	writer, grader := newScripted(t, "writer", 0, mtWrite), newScripted(t, "grader", 0, mtGrade)
	if _, err := mtScores(t, run, writer, grader, folder); err != nil {
		t.Fatal(err)
	}
	referee := newScripted(t, "referee", 0, mtPrefer)
	compare := func() ([]judge.MTPairScore, error) {
		frame, err := judge.MTBenchPairs(t.Context(), run, "M1-M0", referee.model(t), folder, judge.MTPairDefaults())
		if err != nil {
			return nil, err
		}
		return rows[judge.MTPairScore](t, frame), nil
	}
	if err := os.MkdirAll(run.Path("M1", "eval", "mtbench"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := compare(); err == nil || !strings.Contains(err.Error(), "run MTBench of it first") {
		t.Errorf("without answers of M1: %v", err)
	}
	for _, lang := range []string{"de", "fr"} {
		answers, err := ledger.ReadLines[judge.MTAnswer](run.Path("M0", "eval", "mtbench", lang+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range answers {
			if lang == "de" {
				answers[i].Answer = []string{"better", "worse", answers[i].Answer, "mute"}[i/2]
			}
		}
		if err := run.WriteLines(run.Path("M1", "eval", "mtbench", lang+".jsonl"), answers); err != nil {
			t.Fatal(err)
		}
	}
	scores, err := compare()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range scores {
		want, items, failed := 1.0/3, 3, 1
		switch {
		case row.Metric == "adjusted_win_rate":
			want = 0.5
		case row.Lang == "fr" && (row.Metric == "win" || row.Metric == "lose"):
			want = 0
		case row.Lang == "fr":
			want = 1
		}
		if row.Lang == "fr" {
			items, failed = 2, 0
		}
		if row.Turn == 0 {
			items, failed = 2*items, 2*failed
		}
		if math.Abs(float64(row.Value)-want) > 1e-12 || row.N != items || row.Failed != failed ||
			failed > 0 && !strings.Contains(row.Warning, "not exactly one of [[A]]") {
			t.Errorf("%+v, want %v of %d", row, want, items)
		}
	}
	guided := 0
	for asked := range referee.asked {
		if strings.Contains(asked, "is three") {
			guided++
		}
	}
	if len(scores) != 30 || guided != 2 {
		t.Errorf("%d scores, and %d questions with the reference, want 30 and 2: both turns, whose orders are one question",
			len(scores), guided)
	}
}

// The wording is alpaca_eval 0.6.6's to the letter: the sum is that of its prompt, filled with the same words.
func TestAlpacaEvalWording(t *testing.T) {
	s := judge.AlpacaEval()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("{{.Instruction}}", "INSTRUCTION", "{{.First}}", "FIRST", "{{.Second}}", "SECOND").
		Replace(s.Template)
	const want = "0ad0af6041688bdbefe18ee784946390cb2d4722b98122ca5b8c2393b283ed34"
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(s.System+"\n"+filled))); got != want {
		t.Errorf("the wording has SHA-256 %s, want %s", got, want)
	}
}

// A file in the form of FastChat's, in words of our own, becomes settings that show the judge the same fields.
func TestLoadFastChat(t *testing.T) {
	line := func(name, kind, template string) string {
		return fmt.Sprintf(`{"name": %q, "type": %q, "system_prompt": "As %s.\n", "prompt_template": %q}`+"\n", name, kind,
			name, template)
	}
	singles := line("single-v1", "single", "Q {question} A {answer}") +
		line("single-math-v1", "single", "Q {question} R {ref_answer_1} A {answer}") +
		line("single-v1-multi-turn", "single", "{question_1} {answer_1} {question_2} {answer_2}") +
		line("single-math-v1-multi-turn", "single", "{question_2} {ref_answer_2} {answer_2}")
	pairs := line("pair-v2", "pairwise", "Q {question} A {answer_a} B {answer_b}") +
		line("pair-math-v1", "pairwise", "{question} {ref_answer_1} {answer_a} {answer_b}") +
		line("pair-v2-multi-turn", "pairwise", "{question_2} {answer_a_2} {answer_b_2}") +
		line("pair-math-v1-multi-turn", "pairwise", "{question_2} {ref_answer_2} {answer_a_2} {answer_b_2}")
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "judge_prompts.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	both := write(singles + pairs)
	s, err := judge.LoadFastChat(both)
	if err != nil || s.SingleReference != "Q {{.Question1}} R {{.Reference1}} A {{.Answer1}}" ||
		s.Systems["multi_turn_reference"] != "As single-math-v1-multi-turn.\n" {
		t.Errorf("%+v, %v", s, err)
	}
	p, err := judge.LoadFastChatPairs(both)
	if err != nil || p.Single != "Q {{.Question1}} A {{.AnswerA1}} B {{.AnswerB1}}" ||
		p.Systems["single"] != "As pair-v2.\n" {
		t.Errorf("%+v, %v", p, err)
	}
	for text, want := range map[string]string{
		"":    "has no prompt single-v1",
		"{":   "line 1",
		pairs: "has no prompt single-v1",
		singles + line("single-v1", "pairwise", "x"):                   `single-v1 has type "pairwise"`,
		singles + line("single-v1", "single", "{question} {surprise}"): "shows {surprise}, which is no field",
		singles + line("single-v1", "single", "Q {question}"):          "never uses {{.Answer1}}",
	} {
		if _, err := judge.LoadFastChat(write(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", text, err, want)
		}
	}
}
