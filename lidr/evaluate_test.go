package lidr

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/eval"
	"lidrlab/lidr/langid"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/report"
)

// german takes every text for German, but for those that say nothing.
type german struct{}

func (german) Name() string { return "german/1" }

func (german) Identify(text string) (string, float64) {
	if strings.HasPrefix(text, "18") {
		return "", 0
	}
	return "de", 1
}

// scripted answers the last message of each conversation, and keeps the conversations.
type scripted struct {
	lm.Model
	reply func(last string) string
	asked []string
}

func (*scripted) Fingerprint() string { return "scripted" }
func (*scripted) ContextLength() int  { return 0 }

func (s *scripted) Generate(_ context.Context, reqs []lm.Request, _ lm.Sampling, done func(int) bool,
	save func([]int, []lm.Completion) error) error {
	for i, r := range reqs {
		if done(i) {
			continue
		}
		s.asked = append(s.asked, fmt.Sprint(r.Messages))
		answer := lm.Completion{Text: s.reply(r.Messages[len(r.Messages)-1].Content), FinishReason: lm.FinishStop}
		if err := save([]int{i}, []lm.Completion{answer}); err != nil {
			return err
		}
	}
	return nil
}

// Worked examples come before each problem as turns of the chat in its language, and are a part of the key; the scores
// name the identifier, and the report how far another identifier agrees.
func TestEvaluateFewShot(t *testing.T) {
	dir := t.TempDir()
	for _, lang := range []string{"en", "de"} {
		for file, rows := range map[string][]map[string]string{
			"problems": {{"query": "first " + lang, "response": "18"}, {"query": "second " + lang, "response": "3"},
				{"query": "third " + lang, "response": "7"}},
			"shots": {{"question": "Question: one " + lang, "answer": "Step-by-Step Answer: The answer is 1."},
				{"question": "two " + lang, "answer": "It is 2."}, {"question": "unused", "answer": "unused"}},
		} {
			var text strings.Builder
			for _, row := range rows {
				line, err := json.Marshal(row)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&text, "%s\n", line)
			}
			path := filepath.Join(dir, file, "mgsm_"+lang+".jsonl")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	writer := &scripted{reply: func(said string) string {
		switch {
		case strings.HasPrefix(said, "first"):
			return "18"
		case strings.HasSuffix(said, "de"):
			return "Zusammen sind das drei Äpfel und Birnen. Die Antwort lautet 3."
		}
		return "Together that makes three apples and pears. The answer is 3."
	}}
	langid.Register("german", german{})
	evaluated := func(name string, shots int) (*Run, []eval.Score) {
		t.Helper()
		s := PaperSettings()
		s.Trained, s.Unseen, s.Rounds, s.Prompts.Source = []string{"de"}, nil, 0, dir
		s.Evaluate = EvaluateSettings{Source: filepath.Join(dir, "problems"), Shots: shots,
			Exemplars: filepath.Join(dir, "shots")}
		run, err := Open(filepath.Join(dir, name), s)
		if err != nil {
			t.Fatal(err)
		}
		frame, err := Evaluate(context.Background(), run, UseModel("writer", writer))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := rowsOf[eval.Score](frame, "scores")
		if err != nil {
			t.Fatal(err)
		}
		return run, rows
	}
	_, zero := evaluated("zero-shot", 0)
	run, two := evaluated("two-shot", 2)
	if fmt.Sprint(zero) != fmt.Sprint(two) || len(writer.asked) != 12 {
		t.Errorf("the same answers score %v and %v; %d chats, want 6 of each", zero, two, len(writer.asked))
	}
	few := 0
	for _, text := range writer.asked {
		if strings.Contains(text, "[{system You are a helpful assistant.} {user one de} {assistant The answer is 1.} "+
			"{user two de} {assistant It is 2.} {user second de}]") {
			few++
		}
		if strings.Contains(text, "unused") {
			t.Errorf("more examples than asked for: %s", text)
		}
	}
	if few != 1 {
		t.Errorf("%d chats have the two worked examples before the problem, want one: %v", few, writer.asked)
	}
	for _, row := range two {
		depends := row.Metric == "off_target" || row.Metric == "undetermined" || strings.HasPrefix(row.Metric, "correct_")
		if (row.Identifier == langid.Default().Name()) != depends || !depends && row.Identifier != "" {
			t.Errorf("%+v: the identifier is beside the wrong metric", row)
		}
		if row.Metric == "strict" && row.Value != 1.0/3 || row.Metric == "accuracy" && row.Value != 2.0/3 ||
			row.Metric == "undetermined" && row.Value != 1.0/3 {
			t.Errorf("%+v", row)
		}
	}

	data, err := ReportData(run)
	if err != nil {
		t.Fatal(err)
	}
	markdown, err := report.Markdown(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Languages by lidr-lid176/1.", "| worked examples before a problem | 2 | set for this run |",
		"both lidr-lid176/1 and german/1 find to be in a language",
		"| M0 | 0.0 n = 2, 1 undetermined | 100.0 n = 2, 1 undetermined |", // English taken for German
	} {
		if !strings.Contains(string(markdown), want) {
			t.Errorf("the report lacks %q", want)
		}
	}

	s := run.Settings
	s.Evaluate.Shots = 4
	if run, err = Open(filepath.Join(dir, "four-shot"), s); err != nil {
		t.Fatal(err)
	}
	_, err = Evaluate(context.Background(), run, UseModel("writer", writer))
	if err == nil || !strings.Contains(err.Error(), "3 worked examples, expected at least the evaluate.shots = 4") {
		t.Errorf("too few examples: %v", err)
	}
	s.Evaluate.Shots, s.Evaluate.Identifier = 0, "klingon"
	if _, err = Open(filepath.Join(dir, "unknown"), s); err == nil ||
		!strings.Contains(err.Error(), `"klingon" is not linked`) {
		t.Errorf("an unknown identifier: %v", err)
	}
	s.Evaluate.Shots, s.Evaluate.Exemplars = 2, ""
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "evaluate.exemplars") {
		t.Errorf("shots without examples: %v", err)
	}
}

// Of a language in which no request has an answer, nothing is said of the answers' languages: no row, no bar, a dash.
func TestOffTargetOfNoAnswers(t *testing.T) {
	model := &doubtful{answer: func(id string) lm.Completion {
		if strings.HasSuffix(id, "/de") {
			return lm.Completion{Text: " \n", FinishReason: lm.FinishStop}
		}
		return wholeAnswer(id)
	}}
	var notes []string
	run := doubtfulRun(t, t.TempDir(), nil, &notes)
	ctx := context.Background()
	scores, err := evaluate(ctx, run, UseModel("doubtful", model))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, s := range scores {
		told[s.Metric+" "+s.Lang] = true
	}
	for _, lang := range []string{"de", "trained"} {
		if told["off_target "+lang] || !told["accuracy "+lang] || !told["off_target en"] {
			t.Errorf("%s: the scores are %v", lang, slices.Sorted(maps.Keys(told)))
		}
	}
	if changes, err := compare(run, "M0", "M0"); err != nil || slices.ContainsFunc(changes, func(c eval.Change) bool {
		return c.Metric == "off_target" && c.Lang != "en"
	}) {
		t.Errorf("the changes are %+v, %v", changes, err)
	}
	if _, err := Report(ctx, run); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(run.Path("report.md"))
	_, table, _ := strings.Cut(string(text), "### Off-target rate")
	table, _, _ = strings.Cut(table, "###")
	if err != nil || !strings.Contains(table, "English") || strings.Contains(table, "German") {
		t.Errorf("%v\n%s", err, table)
	}
	if err := os.RemoveAll(run.Settings.Evaluate.Source); err != nil { // the run is moved away from its data
		t.Fatal(err)
	}
	data, err := ReportData(run)
	if err != nil || len(data.Answers) > 0 || len(data.Languages) == 0 ||
		!strings.HasPrefix(notes[len(notes)-1], "the report shows no answers to single problems") {
		t.Errorf("without the problems the report has %d answers, %v, and the notes are %q", len(data.Answers), err, notes)
	}
}

// A file whose texts are in another language than its name says is named in a note, once for each step that reads it.
func TestMisnamedFile(t *testing.T) {
	texts := map[string]string{
		"en": "The farmer sells %d eggs at the market every morning. How much money does she make?",
		"de": "La agricultora vende %d huevos en el mercado cada mañana. ¿Cuánto dinero gana?",
		"fr": "La fermière vend %d œufs au marché chaque matin. Combien d'argent gagne-t-elle ?",
	}
	dir := t.TempDir()
	for lang, text := range texts {
		var lines strings.Builder
		for i := range 6 {
			fmt.Fprintf(&lines, `{"id":"p%d","lang":%q,"prompt":%q,"answer":"7"}`+"\n", i, lang, fmt.Sprintf(text, i+2))
		}
		if err := os.WriteFile(filepath.Join(dir, lang+".jsonl"), []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := PaperSettings()
	s.Trained, s.Unseen, s.Rounds = []string{"de", "fr"}, nil, 1
	s.Prompts, s.Evaluate.Source = PromptSettings{Source: dir, N: 6}, dir
	var notes []string
	run, err := Open(filepath.Join(t.TempDir(), "run"), s, WithProgress(func(e Event) {
		if strings.Contains(e.Note, "says") {
			notes = append(notes, e.Note)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	m := UseModel("doubtful", &doubtful{answer: wholeAnswer})
	if _, err := prompts(t.Context(), run, m); err != nil {
		t.Fatal(err)
	}
	if _, err := evaluate(t.Context(), run, m); err != nil {
		t.Fatal(err)
	}
	want := "de.jsonl of " + dir + ": 6 of its 6 texts in de are in es"
	if len(notes) != 2 || !strings.HasPrefix(notes[0], want) || !strings.HasPrefix(notes[1], want) {
		t.Errorf("the notes are %q", notes)
	}
}

// The commands of a report work from the current folder as they stand: with the folder's path, and for a run of one's
// own prompts with all that "lidr iterate" was given.
func TestRerun(t *testing.T) {
	t.Chdir(t.TempDir())
	s := PaperSettings()
	s.Preset = "own, from paper"
	s.Trained, s.Unseen, s.Rounds, s.Seed = []string{"de", "fr"}, []string{"es"}, 1, 3
	s.Prompts, s.Evaluate.Source = PromptSettings{Source: "my prompts", N: 6}, "eval"
	s.Evaluate.N, s.Train.LoRA = 4, LoRASettings{Rank: 8, Alpha: 16}
	for _, folder := range []string{"my prompts", "eval"} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own, err := Open("runs/own", s)
	if err != nil {
		t.Fatal(err)
	}
	demo, err := Open(filepath.Join(t.TempDir(), "x"), MiniatureSettings())
	if err != nil {
		t.Fatal(err)
	}
	for run, want := range map[*Run][]string{
		own: {"lidr iterate --prompts 'my prompts' --eval eval --trained de,fr --unseen es --eval-n 4 --lora 8 " +
			"--n 6 --rounds 1 --seed 3 --dir runs/own", "lidr report runs/own"},
		demo: {"lidr demo --n 200 --rounds 2 --seed 1 --dir . # in the folder of this report",
			"lidr report . # in the folder of this report"},
	} {
		if got, err := rerun(run); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}
