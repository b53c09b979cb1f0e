package datasets

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Lines in the form of FastChat's question.jsonl, where a question may have a reference for its first turn only.
const (
	mtWriting   = `{"question_id": 81, "category": "writing", "turns": ["Schreib etwas.\n", "Kürzer!"]}`
	mtReasoning = `{"question_id": "103", "category": "reasoning", "turns": ["Warum?", "Wieso?"], ` +
		`"reference": ["Darum.", ""]}`
	mtExported = `{"question_id": 82, "category": "writing", "turns": ["a", "b"], "reference": []}`
)

func TestLoadMTBench(t *testing.T) {
	want := []MTQuestion{
		{ID: "81", Lang: "de", Category: "writing", Turns: [2]string{"Schreib etwas.\n", "Kürzer!"}, Line: 1},
		{ID: "103", Lang: "de", Category: "reasoning", Turns: [2]string{"Warum?", "Wieso?"},
			Reference: [2]string{"Darum.", ""}, Line: 3},
		{ID: "82", Lang: "de", Category: "writing", Turns: [2]string{"a", "b"}, Line: 4},
	}
	dir := folder(t, "de.jsonl", mtWriting+"\n\n"+mtReasoning+"\n"+mtExported)
	got, err := LoadMTBench(dir, "de")
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(MTQuestion{}, "File")); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	if err := os.Mkdir(filepath.Join(dir, "fr"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fr", "question.jsonl"), []byte(mtWriting), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := LoadMTBench(dir, "fr"); err != nil || len(got) != 1 || got[0].Lang != "fr" {
		t.Errorf("fr/question.jsonl: %v, %v", got, err)
	}
	if _, err := LoadMTBench(dir, "it"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a language without a file: %v, expected fs.ErrNotExist", err)
	}
}

// FastChat keeps the answers that its judge compares with in a file of their own.
func TestMTBenchReferenceAnswers(t *testing.T) {
	const choice = `{"index": 0, "turns": ["Etwas.", "Kurz."]}`
	const answer = `{"question_id": 81, "answer_id": "x", "model_id": "gpt-4", ` +
		`"choices": [` + choice + `], "tstamp": 1686286924.8}`
	edit := func(old, with string) string { return strings.Replace(answer, old, with, 1) }
	for answers, want := range map[string]string{
		answer:                                 "",
		strings.Replace(answer, "81", "99", 1): `:1: field "question_id": there is no question 99 in question.jsonl`,
		answer + "\n" + answer:                 `:2: id "81" appears twice`,
		edit(`, "Kurz."`, ""):                  `"turns": expected an answer to each of the 2 turns, found 1`,
		edit(choice, `{}, {}`):                 `"choices": expected one answer, found 2`,
		edit("["+choice+"]", `"Etwas. Kurz."`): `"choices": expected a list of objects, found a string`,
	} {
		dir := folder(t, "question.jsonl", mtWriting+"\n"+mtReasoning)
		if err := os.Mkdir(filepath.Join(dir, "reference_answer"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "reference_answer", "gpt-4.jsonl"), []byte(answers), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := LoadMTBench(filepath.Join(dir, "question.jsonl"), "de")
		switch {
		case want == "" &&
			(err != nil || got[0].Reference != [2]string{"Etwas.", "Kurz."} || got[1].Reference != [2]string{"Darum.", ""}):
			t.Errorf("%+v, %v", got, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%v, want an error with %s", err, want)
		}
	}
}

// What is wrong with a file, and what the one-line error must say of it.
func TestBadMTBench(t *testing.T) {
	edit := func(old, new string) string { return strings.Replace(mtReasoning, old, new, 1) }
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"nothing": {"\n", []string{"no questions"}},
		"another form": {`{"id": 1, "prompt": "x"}`,
			[]string{":1", "unknown field", "expected only question_id, category, turns, reference"}},
		"no id":         {edit(`"question_id": "103", `, ""), []string{`"question_id" is missing`}},
		"id twice":      {mtReasoning + "\n" + edit(`"103"`, "103"), []string{":2", `"103" appears twice`, "line 1"}},
		"no category":   {edit(`"reasoning"`, `" "`), []string{`"category" is empty`}},
		"one turn":      {edit(`, "Wieso?"`, ""), []string{`"turns": expected 2 turns, found 1`}},
		"turn empty":    {edit("Wieso?", " "), []string{`"turns[1]" is empty`}},
		"turn a number": {edit(`"Warum?"`, "7"), []string{`"turns[0]": expected a string, found a number`}},
		"turns no list": {edit(`["Warum?", "Wieso?"]`, `"Warum?"`),
			[]string{`"turns": expected a list of strings, found a string`}},
		"one reference":    {edit(`, ""]`, "]"), []string{`"reference": expected an answer to each of the 2 turns, found 1`}},
		"reference a text": {edit(`["Darum.", ""]`, `"Darum."`), []string{`"reference": expected a list of strings`}},
	} {
		_, err := LoadMTBench(filepath.Join(folder(t, "en.jsonl", c.text), "en.jsonl"), "en")
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q, expected one line with %q", name, err, s)
			}
		}
	}
}

// Whatever a file holds: an error on one line, or questions of two turns, each once.
func FuzzLoadMTBench(f *testing.F) {
	for _, line := range []string{mtWriting, mtReasoning, mtExported} {
		f.Add(line)
		f.Add("[" + line + ", " + mtWriting + "]")
		f.Add(strings.ReplaceAll(line, `"`, `"\u0130`))
	}
	f.Add(`{"question_id": null, "category": "", "turns": [null, []], "reference": null}`)
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "en.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		questions, err := LoadMTBench(path, "en")
		if err != nil && (questions != nil || strings.Contains(strings.TrimPrefix(err.Error(), path), "\n")) {
			t.Fatalf("%d questions with error %q", len(questions), err)
		}
		seen := map[string]bool{}
		for _, q := range questions {
			if seen[q.ID] || q.ID == "" || q.Category == "" || strings.TrimSpace(q.Turns[0]) == "" ||
				strings.TrimSpace(q.Turns[1]) == "" {
				t.Fatalf("%+v", q)
			}
			seen[q.ID] = true
		}
	})
}
