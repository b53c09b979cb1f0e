package lidr

import (
	"path/filepath"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/report"
)

// Of a language the report shows a problem of each kind that there is, each once.
func TestShownProblems(t *testing.T) {
	v := func(id string, right, on bool) Verdict { return Verdict{ID: id, Correct: right, OnTarget: on} }
	m0 := []Verdict{v("a", true, true), v("b", true, false), v("c", false, true), v("d", false, true)}
	m1 := []Verdict{v("a", true, true), v("b", true, true), v("c", true, true), v("d", false, true)}
	for name, test := range map[string]struct {
		all  [][]Verdict
		want string
	}{
		"of each kind": {[][]Verdict{m0, m1}, "cdb"}, // mixed, wrong in the end, in another language
		"one model":    {[][]Verdict{m1}, "d"},
		"all the same": {[][]Verdict{m1[:1], m1[:1]}, "a"},
		"none":         {[][]Verdict{nil}, ""},
	} {
		got := ""
		for _, v := range shownProblems(test.all) {
			got += v.ID
		}
		if got != test.want {
			t.Errorf("%s: %q is shown, expected %q", name, got, test.want)
		}
	}
}

// An example of a pair says which side was translated, and shows the answer that it was translated from.
func TestExamplesShowWhatWasTranslated(t *testing.T) {
	run, err := Open(filepath.Join(t.TempDir(), "run"), smallMiniature())
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	for name, rows := range map[string]any{
		"prompts.jsonl": []Prompt{{ID: "a", Lang: "ru"}},
		"translations/en-ru.jsonl": []datasets.Translation{{ID: "b", From: "en", To: "ru", Source: "six", Text: "пять"},
			{ID: "a", From: "en", To: "ru", Source: "five", Text: "пять", OK: true}},
	} {
		if err := run.WriteLines(run.Path("M0", filepath.FromSlash(name)), rows); err != nil {
			t.Fatal(err)
		}
	}
	var data report.Data
	err = addExamples(run, &data, "M0 → M1", "M0", []Pair{
		{ID: "a", Lang: "ru", Chosen: "пять", Rejected: "five", Source: "en>ru"},
		{ID: "a", Lang: "en", Chosen: "five", Rejected: "six", Source: "en"},
	})
	if err != nil || len(data.Examples) != 2 {
		t.Fatalf("%v, %v: expected an example in English and one in Russian", data.Examples, err)
	}
	en, ru := data.Examples[0], data.Examples[1]
	if ru.Original != "five" || ru.OriginalLanguage != "en" || ru.ChosenFrom != "own English answer, translated" ||
		ru.RejectedFrom != "own answer" || en.Original != "" || en.ChosenFrom != "own English answer" {
		t.Errorf("the examples are %+v", data.Examples)
	}
}
