package judge_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm"
)

func suitePrompts() []datasets.Prompt {
	return []datasets.Prompt{
		{ID: "1", Lang: "en", Text: "first"}, {ID: "2", Lang: "en", Text: "second"},
		{ID: "1", Lang: "de", Text: "erste"}, {ID: "2", Lang: "de", Text: "zweite"},
	}
}

func suiteSettings() lidr.GenerateSettings {
	return lidr.GenerateSettings{
		Template: "Answer in {{.Language}}: {{.Prompt}}", System: "You help.", Sampling: lm.Sampling{MaxTokens: 50},
	}
}

// A model answers prompts that are not its round's, under settings of their own, and the answers are read back without
// it.
func TestAnswer(t *testing.T) {
	t.Parallel()
	run := newRun(t)
	writer := newScripted(t, "writer", 0, func(c chat) string { return c.Messages[0].Content + " " + c.last() })
	m0, prompts := writer.model(t), datasets.Frame(suitePrompts())
	frame, err := judge.Answer(t.Context(), run, m0, "x-alpacaeval", prompts, suiteSettings())
	if err != nil {
		t.Fatal(err)
	}
	got := rows[datasets.Response](t, frame)
	if want := (datasets.Response{
		ID: "2", Lang: "de", Prompt: "zweite", Response: "You help. Answer in German: zweite",
		FinishReason: "stop", Tokens: 3,
	}); len(got) != 4 || got[3] != want {
		t.Errorf("%+v, want the last to be %+v", got, want)
	}
	back, err := judge.Answers(run, "M0", "x-alpacaeval")
	if err != nil || back.String() != frame.String() {
		t.Errorf("read back with error %v\n%v, want\n%v", err, back, frame)
	}
	before := lidrtest.Hashes(t, run.Dir)
	if _, err := judge.Answer(t.Context(), run, m0, "x-alpacaeval", prompts, suiteSettings()); err != nil {
		t.Error(err)
	}
	if after := lidrtest.Hashes(t, run.Dir); fmt.Sprint(after) != fmt.Sprint(before) || writer.requests != 4 {
		t.Errorf("the second time %d requests in all, and other files", writer.requests)
	}

	// Another way to answer is another suite.
	other := suiteSettings()
	other.Sampling.MaxTokens = 60
	_, err = judge.Answer(t.Context(), run, m0, "x-alpacaeval", prompts, other)
	if err == nil || !strings.Contains(err.Error(), "other settings") ||
		fmt.Sprint(lidrtest.Hashes(t, run.Dir)) != fmt.Sprint(before) {
		t.Errorf("other settings: %v", err)
	}
	if _, err := judge.Answer(t.Context(), run, m0, "longer", prompts, other); err != nil {
		t.Error(err)
	}
	if _, err := judge.Answers(run, "M0", "none"); err == nil || !strings.Contains(err.Error(), "call Answer first") {
		t.Errorf("no such suite: %v", err)
	}
}

// A suite is asked of the model exactly what Generate asks of it: the same words and the same random streams.
func TestAnswerAsGenerate(t *testing.T) {
	t.Parallel()
	settings := lidr.MiniatureSettings().Tiny()
	settings.Generate.Sampling.Temperature, settings.Generate.Sampling.Seed = 1, 7
	settings.Generate.Sampling.MaxTokens = 24
	run, err := lidr.Open(filepath.Join(t.TempDir(), "run"), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	prompts, err := lidr.Prompts(t.Context(), run, m0)
	if err != nil {
		t.Fatal(err)
	}
	want, err := lidr.Generate(t.Context(), run, m0, prompts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := judge.Answer(t.Context(), run, m0, "again", prompts, settings.Generate)
	if err != nil || got.String() != want.String() {
		t.Errorf("error %v\n%v, want\n%v", err, got, want)
	}
	for _, lang := range settings.Languages() {
		generated := readFile(t, run.Path("M0", "responses", lang+".jsonl"))
		if answered := readFile(t, run.Path("M0", "eval", "again", lang+".jsonl")); answered != generated {
			t.Errorf("%s: answers\n%s, want\n%s", lang, answered, generated)
		}
	}

	_, err = judge.Answer(t.Context(), run, m0, "long", prompts, lidr.GenerateSettings{
		Template: "{{.Prompt}}", Sampling: lm.Sampling{MaxTokens: 1 << 20},
	})
	if err == nil || !strings.Contains(err.Error(), "field generate.sampling.max_tokens is 1048576") {
		t.Errorf("more tokens than the context holds: %v", err)
	}
}

// Suites, prompts and settings that cannot work are refused before anything is asked or written.
func TestAnswerRefuses(t *testing.T) {
	t.Parallel()
	run := newRun(t)
	writer := newScripted(t, "writer", 0, nil)
	before := lidrtest.Hashes(t, run.Dir)
	refused := func(want, suite string, prompts []datasets.Prompt, s lidr.GenerateSettings) {
		t.Helper()
		_, err := judge.Answer(t.Context(), run, writer.model(t), suite, datasets.Frame(prompts), s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for _, suite := range []string{"", "..", "../x", ".x", "a/b", "problems", "MTBench", "scores.json"} {
		refused("the suite is named", suite, suitePrompts(), suiteSettings())
	}
	refused("there are no prompts", "x", nil, suiteSettings())
	for want, change := range map[string]func(*datasets.Prompt){
		`prompt 2 is in "xx", expected one of the run's languages, en,`: func(p *datasets.Prompt) { p.Lang = "xx" },
		"row 4: prompt 2 in de is empty":                                func(p *datasets.Prompt) { p.Text = " \n" },
		"row 4: prompt 1 in de is there twice":                          func(p *datasets.Prompt) { p.ID = "1" },
	} {
		prompts := suitePrompts()
		change(&prompts[3])
		refused(want, "x", prompts, suiteSettings())
	}
	s := suiteSettings()
	s.Template = "{{.Language}}"
	refused("field generate.template never uses {{.Prompt}}", "x", suitePrompts(), s)
	s = suiteSettings()
	s.Sampling.MaxTokens = 0
	refused("field max_tokens is 0", "x", suitePrompts(), s)
	if writer.requests > 0 || fmt.Sprint(lidrtest.Hashes(t, run.Dir)) != fmt.Sprint(before) {
		t.Errorf("%d requests, or files, of what was refused", writer.requests)
	}
	if _, err := os.Stat(run.Path("M0")); err == nil {
		t.Error("a folder of what was refused")
	}
}
