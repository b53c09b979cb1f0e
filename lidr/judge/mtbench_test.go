package judge_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lidrtest"
)

// mtWrite tells in its answer what it was asked, and by how many messages at which temperature.
func mtWrite(c chat) string {
	said := c.last()
	if len(c.Messages) == 3 {
		said = c.Messages[1].Content + " then " + said
	}
	return fmt.Sprintf("said %s at %g;", said, c.Temperature)
}

var graded = regexp.MustCompile(`grade=(\S+)`)

// mtGrade gives the last grade=… of its prompt, which the answer to be graded has of its question.
func mtGrade(c chat) string {
	found := graded.FindAllStringSubmatch(c.last(), -1)
	return "Good enough. Rating: " + found[len(found)-1][1]
}

// mtBench writes four German questions and two French ones, each with the rating that its answers will get.
func mtBench(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for file, lines := range map[string]string{
		"de.jsonl": `{"question_id": 81, "category": "writing", "turns": ["w1 grade=[[7]]", "w1b grade=[[8]]"], ` +
			`"reference": ["unused", "unused"]}
{"question_id": 82, "category": "writing", "turns": ["w2 grade=[[5]]", "w2b grade=[[8]]"]}
{"question_id": 111, "category": "math", "turns": ["m1 grade=[[10]]", "m1b grade=[[1]]"], ` +
			`"reference": ["is three", "5pi"]}
{"question_id": 112, "category": "math", "turns": ["m2 grade=[[4.5]]", "m2b grade=[[0.5]]"], ` +
			`"reference": ["is four", ""]}
`,
		"fr.jsonl": `{"question_id": 81, "category": "stem", "turns": ["s1 grade=[[6]]", "s1b grade=[[6]]"]}
{"question_id": 82, "category": "other", "turns": ["o1 grade=[[8]]", "o1b grade=[[10]]"]}
`} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mtScores(t *testing.T, run *lidr.Run, writer, grader *scripted, folder string) ([]judge.MTScore, error) {
	t.Helper()
	frame, err := judge.MTBench(t.Context(), run, writer.model(t), grader.model(t), folder, judge.MTBenchDefaults())
	if err != nil {
		return nil, err
	}
	return rows[judge.MTScore](t, frame), nil
}

// The means and errors are worked out by hand from the ratings in mtBench.
func TestMTBench(t *testing.T) {
	t.Parallel()
	run := newRun(t)
	writer, grader := newScripted(t, "writer", 0, mtWrite), newScripted(t, "grader", 0, mtGrade)
	scores, err := mtScores(t, run, writer, grader, mtBench(t))
	if err != nil {
		t.Fatal(err)
	}
	none := judge.Number(math.NaN())
	const (
		one = "the judge failed on 1 of 4; 1 of 4 graded without"
		two = "the judge failed on 1 of 2; 1 of 2 graded without"
	)
	want := []judge.MTScore{
		{"M0", "writing", 1, "de", 6, 1, 2, 0, ""},
		{"M0", "writing", 2, "de", 8, 0, 2, 0, ""},
		{"M0", "writing", 0, "de", 7, 0.5, 2, 0, ""},
		{"M0", "math", 1, "de", 7.25, 2.75, 2, 0, ""},
		{"M0", "math", 2, "de", 1, none, 1, 1, two},
		{"M0", "math", 0, "de", 5.5, none, 1, 1, two},
		{"M0", "all", 1, "de", 6.625, judge.Number(math.Sqrt(18.6875 / 12)), 4, 0, ""},
		{"M0", "all", 2, "de", 17.0 / 3, 7.0 / 3, 3, 1, one},
		{"M0", "all", 0, "de", 6.5, judge.Number(1 / math.Sqrt(3)), 3, 1, one},
		{"M0", "stem", 1, "fr", 6, none, 1, 0, ""},
		{"M0", "stem", 2, "fr", 6, none, 1, 0, ""},
		{"M0", "stem", 0, "fr", 6, none, 1, 0, ""},
		{"M0", "other", 1, "fr", 8, none, 1, 0, ""},
		{"M0", "other", 2, "fr", 10, none, 1, 0, ""},
		{"M0", "other", 0, "fr", 9, none, 1, 0, ""},
		{"M0", "all", 1, "fr", 7, 1, 2, 0, ""},
		{"M0", "all", 2, "fr", 8, 2, 2, 0, ""},
		{"M0", "all", 0, "fr", 7.5, 1.5, 2, 0, ""},
	}
	if len(scores) != len(want) {
		t.Fatalf("%d scores, want %d: %+v", len(scores), len(want), scores)
	}
	same := func(x, y judge.Number) bool { return math.Abs(float64(x-y)) < 1e-12 || x != x && y != y }
	for i, w := range want {
		s := scores[i]
		warned := strings.Contains(s.Warning, "only ") && (w.Warning != "" || !strings.Contains(s.Warning, ";"))
		for _, part := range strings.Split(w.Warning, "; ") {
			warned = warned && strings.Contains(s.Warning, part)
		}
		if !same(s.Value, w.Value) || !same(s.SE, w.SE) || !warned {
			t.Errorf("row %d: %+v, want %+v", i, s, w)
		}
		s.Value, s.SE, s.Warning, w.Value, w.SE, w.Warning = 0, 0, "", 0, 0, ""
		if s != w {
			t.Errorf("row %d: %+v, want %+v", i, s, w)
		}
	}
	answers, err := ledger.ReadLines[judge.MTAnswer](run.Path("M0", "eval", "mtbench", "de.jsonl"))
	if err != nil || len(answers) != 8 {
		t.Fatalf("%d rows, %v", len(answers), err)
	}
	// The second request holds the first answer, at the temperature of the category.
	second := judge.MTAnswer{
		QuestionID: "81", Turn: 2, Answer: "said said w1 grade=[[7]] at 0.7; then w1b grade=[[8]] at 0.7;",
		Verdict: "Good enough. Rating: [[8]]", Rating: 8,
	}
	if answers[1] != second {
		t.Errorf("%+v, want %+v", answers[1], second)
	}
	last := answers[7]
	if last.Turn != 2 || last.Verdict != "Good enough. Rating: [[0.5]]" || !strings.HasSuffix(last.Answer, "at 0;") {
		t.Errorf("%+v", last)
	}
	for file, want := range map[string]string{
		"mtbench/de.jsonl": `Rating: [[0.5]]","rating":null`, "mtbench/fr.jsonl": `Rating: [[10]]","rating":10`,
		"mtbench.json": `"se": null`,
	} {
		if data, err := os.ReadFile(run.Path("M0", "eval", file)); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, expected %s in\n%s", file, err, want, data)
		}
	}
	// The first turn is judged alone, and references are shown where the category has them.
	if len(grader.asked) != 12 || len(writer.asked) != 12 {
		t.Errorf("%d answers and %d verdicts were asked for, want 12 of each", len(writer.asked), len(grader.asked))
	}
	for prompt := range grader.asked {
		for text, want := range map[string]bool{
			"unused": false, "w1b": strings.Contains(prompt, "then w1b"),
			"is three": strings.Contains(prompt, "said m1"), "5pi": strings.Contains(prompt, "then m1b"),
			"is four": strings.Contains(prompt, "said m2") && !strings.Contains(prompt, "then m2b"),
			"French":  strings.Contains(prompt, "said s1") || strings.Contains(prompt, "said o1"),
		} {
			if strings.Contains(prompt, text) != want {
				t.Errorf("%q is in a judge's prompt: %t, want %t\n%s", text, !want, want, prompt)
			}
		}
	}
	bad := judge.MTBenchDefaults()
	bad.MultiTurn = "{{.Question"
	_, err = judge.MTBench(t.Context(), run, nil, nil, mtBench(t), bad)
	if err == nil || !strings.Contains(err.Error(), "field mtbench.multi_turn:") {
		t.Errorf("a broken template: %v", err)
	}
	_, err = mtScores(t, run, writer, grader, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "has none of the run's languages") {
		t.Errorf("an empty folder: %v", err)
	}
}

// The mean of both turns is drawn, and the turns are groups, which the report sets together over models.
func TestMTBenchMeasure(t *testing.T) {
	t.Parallel()
	run := newRun(t)
	_, err := mtScores(t, run, newScripted(t, "writer", 0, mtWrite), newScripted(t, "grader", 0, mtGrade), mtBench(t))
	if err != nil {
		t.Fatal(err)
	}
	m := measureOf(t, run, "M0", "mt-bench")
	for row, want := range map[string]string{
		"M0": "6.50 ± 0.58, n = 3, 1 failed", "M0, first turn": "6.62 ± 1.25, n = 4",
		"M0, second turn": "5.67 ± 2.33, n = 3, 1 failed",
	} {
		if got := cell(t, m, row, "de"); got != want {
			t.Errorf("%s: %s, want %s", row, got, want)
		}
	}
	if m.Plot != 1 || m.Rows[0].Group != "" || m.Rows[1].Group != "first turn" || m.Rows[2].Group != "second turn" ||
		m.What != "M0: Judged by grader: 12 questions, 120 tokens read and 36 written." {
		t.Errorf("%+v", m)
	}
	if used, err := judge.ReadUsage(run, judge.MTRatings, "M0"); err != nil || used.Questions != 12 {
		t.Errorf("usage %+v, %v", used, err)
	}
}

// A measurement whose servers refuse a request every now and then ends, when it is repeated, with the bytes of one that
// was left alone, and nothing that was answered is asked again.
func TestMTBenchResumes(t *testing.T) {
	t.Parallel()
	folder := mtBench(t)
	straight := newRun(t)
	_, err := mtScores(t, straight, newScripted(t, "writer", 0, mtWrite), newScripted(t, "grader", 0, mtGrade), folder)
	if err != nil {
		t.Fatal(err)
	}
	broken := newRun(t)
	writer, grader := newScripted(t, "writer", 4, mtWrite), newScripted(t, "grader", 3, mtGrade)
	stops := 0
	for {
		_, err := mtScores(t, broken, writer, grader, folder)
		if err == nil {
			break
		}
		if stops++; !strings.Contains(err.Error(), "not now") || stops > 20 {
			t.Fatalf("after %d stops: %v", stops, err)
		}
	}
	if stops < 3 {
		t.Errorf("the measurement was stopped %d times, want at least 3", stops)
	}
	got := lidrtest.Hashes(t, broken.Dir)
	for path, hash := range lidrtest.Hashes(t, straight.Dir) {
		if got[path] != hash {
			t.Errorf("%s differs after %d stops", path, stops)
		}
		delete(got, path)
	}
	for path := range got {
		t.Errorf("%s was left behind", path)
	}
	if _, err := mtScores(t, broken, writer, grader, folder); err != nil { // asks nothing
		t.Error(err)
	}
	for _, s := range []*scripted{writer, grader} {
		for text, n := range s.asked {
			if n != 1 || len(s.asked) != 12 {
				t.Errorf("%s answered %d chats, this one %d times, want 12, once each: %s", s.name, len(s.asked), n, text)
			}
		}
	}
}
