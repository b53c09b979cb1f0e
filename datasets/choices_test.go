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

// One item of each suite in Okapi's form.
const (
	mmluLine = `{"id": "anatomy/test/0", "instruction": " Was ist das?\n", "option_a": "ein Knochen", "option_b": "", ` +
		`"option_c": " C", "option_d": "D", "answer": "C"}`
	arcLine = `{"id": "Mercury_1", "instruction": "Which  one [sic] is it?", "option_a": "this ", "option_b": "that", ` +
		`"option_c": "both", "option_d": null, "option_e": "", "answer": "B"}`
	swagLine = `{"ind": 24, "activity_label": "Roof shingle removal", "ctx_a": "A man [header] sits [title] up.", ` +
		`"ctx_b": "he Is", "ctx": "", "endings": ["[step] x [substeps] y.", "b", "c", ""], ` +
		`"source_id": "s", "split": "val", "split_type": "indomain", "label": "3"}`
	hubARCLine = `{"id": "Mercury_1", "question": "Which?", ` +
		`"choices": {"text": ["this", "that"], "label": ["A", "B"]}, "answerKey": "B"}`
	truthLine = `{"question": "What is it?", "mc1_targets_choices": ["A [x]", "B"], "mc1_targets_labels": [1, 0], ` +
		`"mc2_targets_choices": ["A", "C", "B"], "mc2_targets_labels": [1, 0, 1]}`
)

// The prompts are those that the harness' own doc_to_text and process_docs make of the same items
// (lm-evaluation-harness at commit 4e7e0d4, run with Python 3.11).
func TestLoadChoices(t *testing.T) {
	dir := folder(t, "de_test.json", "["+mmluLine+"]", "de_dev.json", "["+mmluLine+"]",
		"ru_validation.json", "["+swagLine+"]", "es.jsonl", "\n"+arcLine, "fr_val.jsonl", truthLine)
	for lang, want := range map[string]ChoiceItem{
		"de": {ID: "anatomy/test/0", Suite: "m_mmlu", Context: "Was ist das?\nA. ein Knochen\nB. \nC.  C\nD. D\nAnswer:",
			Choices: []string{"A", "B", "C", "D"}, Gold: 2, Line: 1},
		"es": {ID: "Mercury_1", Suite: "m_arc", Context: "Question: Which one is it?\nAnswer:",
			Choices: []string{"this", "that", "both"}, Gold: 1, Line: 2},
		"ru": {ID: "24", Suite: "m_hellaswag", Context: "Roof shingle removal: A man sits. up. He is",
			Choices: []string{" x y.", "b", "c", ""}, Gold: 3, Line: 1},
		"fr": {ID: "m_truthfulqa-0", Suite: "m_truthfulqa", Context: truthfulPrimer + "\n\nQ: What is it?\nA:",
			Choices: []string{"A [x]", "B"}, Gold: 0,
			MC2: []string{"A", "C", "B"}, MC2Right: []bool{true, false, true}, Line: 1},
	} {
		want.Lang = lang
		got, err := LoadChoices(dir, want.Suite, lang)
		if err != nil {
			t.Errorf("%s: %v", lang, err)
			continue
		}
		if diff := cmp.Diff([]ChoiceItem{want}, got, cmpopts.IgnoreFields(ChoiceItem{}, "File")); diff != "" {
			t.Errorf("%s: -want +got\n%s", lang, diff)
		}
	}
	if got, err := LoadChoiceExamples(dir, "m_mmlu", "de"); err != nil || len(got) != 1 ||
		filepath.Base(got[0].File) != "de_dev.json" {
		t.Errorf("examples: %v, %v", got, err)
	}
	if _, err := LoadChoices(dir, "m_mmlu", "it"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a language without a file: %v, expected fs.ErrNotExist", err)
	}
}

// What is wrong with a file, and what the one-line error must say of it.
func TestBadChoices(t *testing.T) {
	edit := func(line, old, new string) string { return strings.Replace(line, old, new, 1) }
	for name, c := range map[string]struct {
		suite, text string
		says        []string
	}{
		"unknown suite": {"mmlu", mmluLine,
			[]string{`suite "mmlu" is not known`, "m_mmlu, m_hellaswag, m_arc, m_truthfulqa"}},
		"nothing":        {"m_mmlu", "\n", []string{"no questions"}},
		"another suite":  {"m_mmlu", swagLine, []string{":1", `"instruction" is missing`}},
		"empty question": {"m_mmlu", edit(mmluLine, ` Was ist das?\n`, " "), []string{":1", `"instruction" is empty`}},
		"option missing": {"m_mmlu", edit(mmluLine, "option_d", "option_e"), []string{":1", `"option_d" is missing`}},
		"option null": {"m_mmlu", edit(mmluLine, `"ein Knochen"`, "null"),
			[]string{`"option_a": expected a string, found null`}},
		"answer too far": {"m_mmlu", edit(mmluLine, `"answer": "C"`, `"answer": "E"`),
			[]string{`"answer": expected one of the letters "ABCD", found "E"`}},
		"answer two letters": {"m_mmlu", edit(mmluLine, `"answer": "C"`, `"answer": "BC"`), []string{`found "BC"`}},
		"answer empty":       {"m_mmlu", edit(mmluLine, `"answer": "C"`, `"answer": ""`), []string{`"answer"`}},
		"question twice":     {"m_mmlu", mmluLine + "\n" + mmluLine, []string{":2", "appears twice", "line 1"}},
		"answer without text": {"m_arc", edit(arcLine, `"answer": "B"`, `"answer": "D"`),
			[]string{`letters "ABC", found "D"`}},
		"gap in the options": {"m_arc", edit(arcLine, `"that"`, `""`),
			[]string{`"option_b" is empty and "option_c" is not`}},
		"three endings": {"m_hellaswag", edit(swagLine, `"b", "c", `, `"b", `),
			[]string{`"endings": expected 4 endings, found 3`}},
		"ending null": {"m_hellaswag", edit(swagLine, `"c"`, "null"),
			[]string{`"endings[2]": expected a string, found null`}},
		"endings no list": {"m_hellaswag", edit(swagLine, `"endings": [`, `"endings": "", "e": [`),
			[]string{`"endings": expected a list of strings, found a string`}},
		"label out of range": {"m_hellaswag", edit(swagLine, `"label": "3"`, `"label": 4`),
			[]string{`"label": expected 0 to 3, found "4"`}},
		"label empty": {"m_hellaswag", edit(swagLine, `"label": "3"`, `"label": ""`), []string{`"label" is empty`}},
		"labels too few": {"m_truthfulqa", edit(truthLine, "[1, 0]", "[1]"),
			[]string{`"mc1_targets_labels": 1 labels`, "2 choices"}},
		"label two": {"m_truthfulqa", edit(truthLine, "[1, 0]", "[1, 2]"), []string{"expected 0 or 1, found 2"}},
		"two right answers": {"m_truthfulqa", edit(truthLine, "[1, 0]", "[1, 1]"),
			[]string{`"mc1_targets_labels": expected a right answer (1) and a wrong one`}},
		"nothing right": {"m_truthfulqa", edit(truthLine, "[1, 0, 1]", "[0, 0, 0]"),
			[]string{`"mc2_targets_labels": expected a right answer`}},
		"question not there": {"m_truthfulqa", edit(truthLine, "question", "q"), []string{`"question" is missing`}},
		"half of a surrogate": {"m_truthfulqa", edit(truthLine, `"C"`, `"\ud83d"`),
			[]string{`"mc2_targets_choices[1]"`, "surrogate"}},
		"key is no label": {"m_arc", edit(hubARCLine, `"answerKey": "B"`, `"answerKey": "E"`),
			[]string{`"answerKey": expected one of the labels A, B, found "E"`}},
		"text without label": {"m_arc", edit(hubARCLine, `["A", "B"]`, `["A"]`),
			[]string{`"choices": 1 labels, expected one for each of the 2 texts`}},
		"choices are a list": {"m_arc", edit(hubARCLine, `"choices": {`, `"choices": [], "c": {`),
			[]string{`"choices": expected an object, found an array`}},
		"targets are null": {"m_truthfulqa", `{"question": "Q", "mc1_targets": null}`,
			[]string{`"mc1_targets": expected an object, found null`}},
		"targets without all": {"m_truthfulqa", `{"question": "Q", "mc1_targets": {"choices": ["A", "B"]}}`,
			[]string{`"mc1_targets_labels" is missing`}},
		"second line is wrong": {"m_truthfulqa", truthLine + "\n7", []string{":2", "expected a JSON object, found a number"}},
	} {
		_, err := LoadChoices(filepath.Join(folder(t, "en.jsonl", c.text), "en.jsonl"), c.suite, "en")
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
	if _, err := LoadChoiceExamples(t.TempDir(), "m_arc", "en"); err == nil ||
		!strings.Contains(err.Error(), "m_mmlu only") {
		t.Errorf("examples of m_arc: %v", err)
	}
	two := folder(t, "en.json", "[]", "en_test.jsonl", mmluLine)
	if _, err := LoadChoices(two, "m_mmlu", "en"); err == nil ||
		!strings.Contains(err.Error(), "en_test.jsonl and en.json are all files") {
		t.Errorf("two files of one language: %v", err)
	}
}

// Whatever a file holds: an error on one line, or questions whose right answers are there.
func FuzzLoadChoices(f *testing.F) {
	for suite, line := range []string{mmluLine, swagLine, arcLine, truthLine, lightLine, belebeleLine} {
		f.Add(suite, line)
		f.Add(suite, "["+line+", "+line+"]")
		f.Add(suite, strings.ReplaceAll(line, `"`, `"\u0130`))
	}
	f.Add(3, `{"question": null, "mc1_targets_choices": [], "mc1_targets_labels": []}`)
	f.Fuzz(func(t *testing.T, suite int, text string) {
		path := filepath.Join(t.TempDir(), "en.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		items, err := LoadChoices(path, ChoiceSuites()[uint(suite)%uint(len(ChoiceSuites()))], "en")
		if err != nil && (items != nil || strings.Contains(strings.TrimPrefix(err.Error(), path), "\n")) {
			t.Fatalf("%d items with error %q", len(items), err)
		}
		for _, p := range items {
			if p.Gold < 0 || p.Gold >= len(p.Choices) || len(p.MC2) != len(p.MC2Right) || p.Context == "" || p.ID == "" {
				t.Fatalf("%+v", p)
			}
		}
	})
}
