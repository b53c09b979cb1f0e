package lidr

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// sums is a task of one's own: "en: 3 + 4", answered in words of the language that it is asked in.
type sums struct{ name string }

func (s sums) Name() string { return s.name }

func (sums) Prompts(split string, langs []string, first, n int, _ int64) ([]Prompt, error) {
	var rows []Prompt
	for _, lang := range langs {
		for i := first; i < first+n; i++ {
			rows = append(rows, Prompt{
				ID: fmt.Sprintf("%s-%d", split, i), Lang: lang, Prompt: fmt.Sprintf("%s: %d + 4", lang, i),
				Answer: fmt.Sprint(i + 4), Source: "sums",
			})
		}
	}
	return rows, nil
}

func (s sums) Check(p Prompt, response string) (Verdict, bool) {
	if p.Answer == "" {
		return Verdict{}, false
	}
	words := strings.Fields(response)
	lang := s.Identify(response)
	return Verdict{Correct: words[len(words)-1] == p.Answer, Language: lang, OnTarget: lang == p.Lang}, true
}

func (sums) Identify(text string) string {
	return map[string]string{"equals": "en", "ergibt": "de", "fait": "fr"}[strings.Fields(text)[0]]
}

func (sums) Languages() []string { return []string{"en", "de", "fr"} }

var asked = regexp.MustCompile(`^(..): (\d+) \+ 4$`)

// A task of one's own is asked, checked, paired, measured and stopped by as the miniature is.
func TestOwnTask(t *testing.T) {
	// Right in English, wrong in German, right and in English where French is asked; translations keep the number.
	model := &scripted{reply: func(said string) string {
		var n int
		if m := asked.FindStringSubmatch(said); m != nil {
			fmt.Sscan(m[2], &n)
			switch m[1] {
			case "en", "fr":
				return fmt.Sprint("equals ", n+4)
			}
			return fmt.Sprint("ergibt ", n+5)
		}
		number := said[strings.LastIndex(strings.TrimSpace(said), " ")+1:]
		word := "fait "
		switch {
		case strings.Contains(said, "into German"):
			word = "ergibt "
		case strings.Contains(said, "into English"):
			word = "equals "
		}
		return word + strings.TrimSpace(number) + "</translated>"
	}}
	s := MiniatureSettings()
	s.Preset, s.Trained, s.Unseen, s.StopWhenSaturated = "own", []string{"de", "fr"}, nil, true
	s.Prompts.N, s.Evaluate.N = 10, 5
	s.Translate.Template = "Translate from {{.From}} into {{.To}}: {{.Text}}"
	dir := filepath.Join(t.TempDir(), "run")
	run, err := Open(dir, s, WithTask(sums{"sums/1"}))
	if err != nil {
		t.Fatal(err)
	}
	m0 := UseModel("scripted", model)
	scores, err := Evaluate(t.Context(), run, m0)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]float64{
		"accuracy en": 1, "accuracy de": 0, "accuracy fr": 1, "off_target fr": 1, "off_target de": 0,
		"correct_in_language trained": 0,
	} {
		metric, lang, _ := strings.Cut(key, " ")
		row := where(where(scores, "metric", metric), "lang", lang)
		if row.Nrow() != 1 || row.Col("value").Float()[0] != want {
			t.Errorf("%s: %v, want %g", key, row, want)
		}
		if by := row.Col("identifier").Records()[0]; (by == "sums/1") != (metric != "accuracy") {
			t.Errorf("%s: identifier %q", key, by)
		}
	}
	pairs, err := roundPairs(t.Context(), run, m0)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := pairsSaturated(t.Context(), run, "", m0, pairs)
	if err != nil || stop {
		t.Errorf("right pairs stop the run: %t, %v", stop, err)
	}
	rewards, err := run.rewards("M0", pairs)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rewards { // in English what came back from French is as right as the own answer
		if r.Pairs != 10 || r.Lang != "en" && (r.N != 10 || r.Value != 1) || r.N > 0 && r.Value != 1 {
			t.Errorf("reward accuracy %+v, want every deciding pair right", r)
		}
	}
	if data := readFile(t, run.Path("M0", "saturation.json")); !strings.Contains(data, `"reward_accuracy": {`) {
		t.Errorf("saturation.json holds no reward accuracy: %s", data)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, s, WithTask(sums{"sums/2"})); err == nil ||
		!strings.Contains(err.Error(), "sums/1 there, sums/2 now") {
		t.Errorf("another version of the task: %v", err)
	}
	if _, err := Reopen(dir, WithTask(sums{"sums/1"})); err != nil {
		t.Errorf("the same task again: %v", err)
	}
	s.Unseen = []string{"ru"}
	if _, err := Open(filepath.Join(t.TempDir(), "run"), s, WithTask(sums{"sums/1"})); err == nil ||
		!strings.Contains(err.Error(), `"ru"`) {
		t.Errorf("a language that the task does not know: %v", err)
	}
}

// broken is a task whose prompts are changed.
type broken struct {
	sums
	change func([]Prompt) []Prompt
}

func (b broken) Prompts(split string, langs []string, first, n int, seed int64) ([]Prompt, error) {
	rows, err := b.sums.Prompts(split, langs, first, n, seed)
	return b.change(rows), err
}

// A task's prompts are looked at as a file's are.
func TestBrokenTasks(t *testing.T) {
	type rows = []Prompt
	for want, change := range map[string]func(r rows) rows{
		"29 prompts in 3 languages, expected 10 in each":       func(r rows) rows { return r[:29] },
		"0 prompts in 3 languages":                             func(rows) rows { return nil },
		`row 12 is prompt "other"`:                             func(r rows) rows { r[11].ID = "other"; return r },
		`row 2 has the id "prompts-0"`:                         func(r rows) rows { r[1].ID = r[0].ID; return r },
		`row 11 is prompt "prompts-0" in "en", expected the s`: func(r rows) rows { r[10].Lang = "en"; return r },
	} {
		s := MiniatureSettings()
		s.Trained, s.Unseen, s.Prompts.N = []string{"de", "fr"}, nil, 10
		run, err := Open(filepath.Join(t.TempDir(), "run"), s, WithTask(broken{sums{"broken/1"}, change}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Prompts(t.Context(), run, UseModel("m", &scripted{})); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}

// Gold answers in files check pairs too; without them nothing is counted.
func TestRewardAccuracyOnFiles(t *testing.T) {
	run, _ := openTest(t, small())
	run.Settings.Prompts.Source = "files"
	gold := map[[2]string]string{{"1", "de"}: "7", {"2", "de"}: "9"}
	pairs := []Pair{
		{ID: "1", Lang: "de", Chosen: "Die Antwort lautet also 7.", Rejected: "Die Antwort lautet also 8."},
		{ID: "2", Lang: "de", Chosen: "Die Antwort lautet also 8.", Rejected: "Die Antwort lautet also 9."},
		{ID: "3", Lang: "de", Chosen: "ohne Lösung", Rejected: "auch ohne"},
	}
	accuracy, checked := run.oracle(pairs, "de", gold)
	if checked != 2 || accuracy.N != 2 || math.Abs(accuracy.Mean-0.5) > 1e-12 {
		t.Errorf("%d checked, accuracy %v, want one right of two", checked, accuracy)
	}
}

func where(frame dataframe.DataFrame, column, value string) dataframe.DataFrame {
	return frame.Filter(dataframe.F{Colname: column, Comparator: series.Eq, Comparando: value})
}
