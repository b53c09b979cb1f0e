package lidr

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Answers to problems from files, read as a person reads them and in the two ways of lm-evaluation-harness.
func TestVerdictOnFiles(t *testing.T) {
	for _, c := range []struct {
		response, gold string
		want           Verdict
	}{
		{"Zusammen sind das 50.000 und 30.000. Die Antwort lautet 80.000.", "80000",
			Verdict{Correct: true, Strict: true, Flexible: true, OnTarget: true, Language: "de"}},
		// the harness reads 1800
		{"Sie verdient also täglich 18,00 € auf dem Markt.", "18", Verdict{Correct: true, OnTarget: true, Language: "de"}},
		{"So she makes 18 dollars every day at the market.", "18", Verdict{Correct: true, Flexible: true, Language: "en"}},
		{"18", "18", Verdict{Correct: true, Flexible: true, OnTarget: true}}, // in no language: counted apart
		{"Das weiß ich leider nicht, es tut mir leid.", "18", Verdict{OnTarget: true, Language: "de"}},
	} {
		got, checked := fileTask{}.Check(Prompt{ID: "7", Lang: "de", Answer: c.gold}, c.response)
		if got != c.want || !checked {
			t.Errorf("%q is judged\n%+v, want\n%+v", c.response, got, c.want)
		}
	}
	if _, checked := (fileTask{}).Check(Prompt{ID: "7", Lang: "de"}, "18"); checked {
		t.Error("an answer is checked without a gold one")
	}
}

// A regional code is its language: identifiers know no regions.
func TestRegionalLanguages(t *testing.T) {
	prompt := Prompt{ID: "7", Lang: "pt-BR", Answer: "7"}
	v, _ := fileTask{}.Check(prompt, "Ela tem agora sete maçãs. A resposta é 7.")
	if !v.OnTarget || v.Language != "pt" || !v.Correct {
		t.Errorf("a Portuguese answer to a prompt in pt-BR is judged %+v", v)
	}
	s := small()
	s.Trained, s.Prompts.Source, s.Evaluate.Source, s.Evaluate.N = []string{"pt-BR"}, t.TempDir(), t.TempDir(), 0
	if _, err := Open(t.TempDir()+"/run", s); err != nil {
		t.Errorf("a run of pt-BR is refused: %v", err)
	}
}

// A problem without a number as its gold answer is refused by file, line and language before anything is asked.
func TestEvaluationNeedsNumbersAsGold(t *testing.T) {
	for answer, says := range map[string]string{
		``:                   "de.jsonl:2: prompt b in de has no gold answer",
		`,"answer":""`:       "de.jsonl:2: prompt b in de has no gold answer",
		`,"answer":"three"`:  `de.jsonl:2: prompt b in de: gold answer "three" is no number`,
		`,"answer":"50%"`:    `de.jsonl:2: gold answer "50%"`,
		`,"answer":"NaN"`:    `gold answer "NaN" is no number`,
		`,"answer":"3 or 4"`: "is no number",
		`,"answer":null`:     "de.jsonl:2: ",
		`,"answer":NaN`:      "de.jsonl:2: ",
		`,"answer":"-1,000"`: "",
		`,"answer":"$18.50"`: "",
	} {
		dir := t.TempDir()
		for _, lang := range []string{"en", "de"} {
			second := answer
			if lang == "en" && says != "" {
				second = `,"answer":"3"`
			}
			text := fmt.Sprintf(`{"id":"a","lang":%q,"prompt":"one"%s}`+"\n"+`{"id":"b","lang":%q,"prompt":"two"%s}`+"\n",
				lang, `,"answer":"3"`, lang, second)
			if err := os.WriteFile(filepath.Join(dir, lang+".jsonl"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s := small()
		s.Trained, s.Evaluate.Source, s.Evaluate.N = []string{"de"}, dir, 0
		_, err := newRun("", s, nil).Problems()
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, want an error with %q", answer, err, says)
		}
	}
	if _, checked := (fileTask{}).Check(Prompt{ID: "7", Lang: "de", Answer: "three"}, "3"); checked {
		t.Error("an answer is checked by a gold one that is no number")
	}
}

// Gold answers that the loader takes for equal, whatever separates their thousands, are equal as they are read here
// too, or refused: "1.000" is one, and no right answer of a thousand would count.
func TestGoldsReadAlikeInEveryLanguage(t *testing.T) {
	for german, says := range map[string]string{
		"1,000": "", "1000.0": "", "$1000": "", "2000/2": "",
		"1.000": `de.jsonl:1: prompt a in de: gold answer "1.000" is 1 and that in en (en.jsonl:1), "1000", is 1000; write`,
	} {
		dir := t.TempDir()
		for lang, answer := range map[string]string{"en": "1000", "de": german} {
			text := fmt.Sprintf(`{"id":"a","lang":%q,"prompt":"one","answer":%q}`+"\n", lang, answer) +
				fmt.Sprintf(`{"id":"b","lang":%q,"prompt":"two","answer":"2"}`+"\n", lang)
			if err := os.WriteFile(filepath.Join(dir, lang+".jsonl"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s := small()
		s.Trained, s.Evaluate.Source, s.Evaluate.N = []string{"de"}, dir, 0
		_, err := newRun("", s, nil).Problems()
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s beside 1000: %v, want an error with %q", german, err, says)
		}
	}
}
