package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// One row of each newer benchmark in its form, in words of our own.
const (
	arenaLine = `{"question_id": "q7", "category": "arena-hard-v0.1", "cluster": "Tea", "prompt": "How long?"}`
	arena2    = `{"question_id": "q7", "category": "hard_prompt", "subcategory": "coding", "prompt": "How long?", ` +
		`"language": "en"}`
	polyLine  = `{"id": "top-en-0", "question": "What is $1+1$?", "answer": "$2$"}`
	lightLine = `{"sample_id": "anatomy/test/0", "subject": "anatomy", "subject_category": "STEM", ` +
		`"question": " Was?\n", "option_a": "a", "option_b": "b", "option_c": "c", "option_d": "d", ` +
		`"answer": "D", "required_knowledge": "[]", ` +
		`"cultural_sensitivity_label": "CA", "is_annotated": true}`
	belebeleLine = `{"link": "https://example.org/tea", "question_number": 2, "flores_passage": "Tea is hot.", ` +
		`"question": "How is tea? ", "mc_answer1": "cold", "mc_answer2": "red", "mc_answer3": "hot", "mc_answer4": "old", ` +
		`"correct_answer_num": "3", "dialect": "eng_Latn", "ds": "2023-05-03"}`
)

func TestBenchmarkPrompts(t *testing.T) {
	for name, c := range map[string]struct {
		english, german string
		want            []Prompt
	}{
		"M-ArenaHard": {arenaLine, strings.Replace(arenaLine, "How long?", "Wie lange?", 1),
			[]Prompt{{ID: "q7", Lang: "en", Text: "How long?", Line: 1}, {ID: "q7", Lang: "de", Text: "Wie lange?", Line: 1}}},
		"M-ArenaHard 2.0": {arena2, strings.NewReplacer("How long?", "Wie lange?", `"en"`, `"de"`).Replace(arena2),
			[]Prompt{{ID: "q7", Lang: "en", Text: "How long?", Line: 1}, {ID: "q7", Lang: "de", Text: "Wie lange?", Line: 1}}},
		"MSVAMP": {`{"m_query": "How many?", "equation": "- number0 number1", "response": "145.0"}`,
			`{"query": "how many ?", "equation": "- number0 number1", "response": "145.0", "m_query": "Wie viele?"}`,
			[]Prompt{{ID: "msvamp-0", Lang: "en", Text: "How many?", Answer: "145", Line: 1},
				{ID: "msvamp-0", Lang: "de", Text: "Wie viele?", Answer: "145", Line: 1}}},
		"PolyMath": {polyLine, strings.ReplaceAll(polyLine, "top-en-0", "top-de-0"),
			[]Prompt{{ID: "top-0", Lang: "en", Text: "What is $1+1$?", Answer: "$2$", Line: 1},
				{ID: "top-0", Lang: "de", Text: "What is $1+1$?", Answer: "$2$", Line: 1}}},
		"GSM8K of the hub with ids": {`{"id": "7", "question": "1+1?", "answer": "so\n#### 2"}`,
			`{"id": "7", "question": "1+1?", "answer": "also\n#### 2"}`,
			[]Prompt{{ID: "7", Lang: "en", Text: "1+1?", Answer: "2", Line: 1},
				{ID: "7", Lang: "de", Text: "1+1?", Answer: "2", Line: 1}}},
	} {
		got, err := LoadPrompts(folder(t, "en.jsonl", c.english, "de.jsonl", c.german), []string{"en", "de"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(Prompt{}, "File")); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	_, err := LoadPrompts(folder(t, "en.jsonl", arena2, "de.jsonl", arena2), []string{"en", "de"})
	if err == nil || !strings.Contains(err.Error(), `jsonl:1: field "language": "en", expected that of the file, "de"`) {
		t.Errorf("M-ArenaHard of another language: %v", err)
	}
	_, err = LoadPrompts(folder(t, "en.jsonl", polyLine, "de.jsonl", polyLine), []string{"en", "de"})
	if err == nil || !strings.Contains(err.Error(), `de.jsonl:1: field "id": "top-en-0" names language "en"`) {
		t.Errorf("PolyMath of another language: %v", err)
	}
}

// The prompts are those of lm-evaluation-harness' templates global_mmlu and belebele, and the files lie as on the hub.
func TestBenchmarkChoices(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"global_mmlu_lite/en/test-00000-of-00001.jsonl": lightLine, "belebele/data/eng_Latn.jsonl": belebeleLine,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	letters := []string{"A", "B", "C", "D"}
	for _, want := range []ChoiceItem{
		{ID: "anatomy/test/0", Suite: "global_mmlu_lite", Context: "Was?\nA. a\nB. b\nC. c\nD. d\nAnswer:", Gold: 3},
		{ID: "https://example.org/tea#2", Suite: "belebele", Gold: 2,
			Context: "P: Tea is hot.\nQ: How is tea?\nA: cold\nB: red\nC: hot\nD: old\nAnswer:"},
	} {
		want.Lang, want.Choices, want.Line = "en", letters, 1
		got, err := LoadChoices(filepath.Join(dir, want.Suite), want.Suite, "en")
		if err != nil {
			t.Errorf("%s: %v", want.Suite, err)
			continue
		}
		if diff := cmp.Diff([]ChoiceItem{want}, got, cmpopts.IgnoreFields(ChoiceItem{}, "File")); diff != "" {
			t.Errorf("%s: -want +got\n%s", want.Suite, diff)
		}
	}
	for suite, bad := range map[string][3]string{
		"belebele":         {belebeleLine, `"correct_answer_num": "3"`, `"correct_answer_num": "5"`},
		"global_mmlu_lite": {lightLine, `"answer": "D"`, `"answer": "d"`},
	} {
		path := filepath.Join(folder(t, "en.jsonl", strings.Replace(bad[0], bad[1], bad[2], 1)), "en.jsonl")
		if _, err := LoadChoices(path, suite, "en"); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%s with %s: %v", suite, bad[2], err)
		}
	}
}
