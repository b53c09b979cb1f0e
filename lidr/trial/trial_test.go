package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// What is run without flags is what the plan beside the script lists, arm by arm with its seeds and rounds.
func TestPlan(t *testing.T) {
	text, err := os.ReadFile("../../scripts/real_small/PLAN.md")
	if err != nil {
		t.Fatal(err)
	}
	want, row := map[string]string{}, regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([\\d ]+) \\| (\\d) ")
	for _, row := range row.FindAllStringSubmatch(string(text), -1) {
		want[row[1]] = row[2] + " | " + row[3]
	}
	s := Defaults()
	s.Translator = "http://localhost"
	got := map[string]string{}
	for _, c := range s.Plan() {
		a, err := c.arm()
		if err != nil {
			t.Fatal(err)
		}
		rounds := (&Trial{Settings: s}).settings(c, a).Rounds
		if c.Arm == "majority" {
			rounds = 0
		}
		seeds, _, _ := strings.Cut(got[c.Arm], " |")
		got[c.Arm] = fmt.Sprintf("%s | %d", strings.TrimSpace(fmt.Sprintf("%s %d", seeds, c.Seed)), rounds)
	}
	if !reflect.DeepEqual(got, want) || len(want) < 10 {
		t.Errorf("the plan lists %v, and run is %v", want, got)
	}
}

// The change of main beside random-labels is paired by item, language and seed: means over languages and seeds of each
// item first, then over items.
func TestCompareScope(t *testing.T) {
	accuracy := metricOf("accuracy")
	cell := func(values ...float64) table { // es and de of item a, then of item b, …
		items := table{}
		for i, v := range values {
			items[[3]string{"accuracy", []string{"es", "de"}[i%2], string(rune('a' + i/2))}] = v
		}
		return items
	}
	after := []table{cell(1, 1, 1, 0, 0, 0), cell(1, 0, 1, 0, 0, 0)}
	before := []table{cell(0, 1, 0, 0, 0, 0), cell(0, 0, 0, 0, 1, 1)}
	r, ok := compareScope(after, before, accuracy, []string{"es", "de"})
	// Items: a 3/4 − 1/4, b 2/4 − 0, c 0 − 2/4; seeds: (1+1+0−1)/6 = 2/6, (1+1−2)/6 = 0.
	if !ok || math.Abs(r.Difference-1.0/6) > 1e-12 || r.More != 2 || r.Fewer != 1 || r.N != 3 || r.Seeds != 2 || r.Same ||
		math.Abs(r.SeedSE-1.0/6) > 1e-12 || math.Abs(r.SE-1.0/3) > 1e-12 {
		t.Errorf("found %+v", r)
	}
	// In one language and seed it is McNemar's exact test: two items for, none against, p = 1/2.
	r, ok = compareScope(after[:1], before[:1], accuracy, []string{"es"})
	if !ok || r.P != 0.5 || r.Counts || !math.IsNaN(r.SeedSE) {
		t.Errorf("found %+v", r)
	}
	// A seed that was not measured in a language does not take it from the others.
	one := cell(1, 1, 1, 0, 0, 0)
	for _, id := range []string{"a", "b", "c"} {
		delete(one, [3]string{"accuracy", "de", id})
	}
	r, ok = compareScope([]table{after[0], one}, before, accuracy, []string{"de"})
	if !ok || r.Seeds != 1 || r.N != 3 {
		t.Errorf("of one seed of two: %+v", r)
	}
	delete(after[0], [3]string{"accuracy", "de", "c"})
	if r, _ = compareScope(after, before, accuracy, []string{"es", "de"}); r.N != 2 {
		t.Errorf("an item without a value in one language counts: %+v", r)
	}
}

// The claim takes three seeds of both arms, and both comparisons with one sign in every seed.
func TestClaim(t *testing.T) {
	row := Result{Arm: "main", Model: "M1", From: "M0", Metric: "correct_in_language", Lang: "trained", Difference: 0.1,
		Counts: true, Seeds: 3, Same: true}
	two, mixed, lower, other := row, row, row, row
	two.Seeds, mixed.Same, lower.Difference, other.From = 2, false, -0.1, "random-rounds"
	for _, c := range []struct {
		rows           []Result
		holds, decided bool
	}{
		{[]Result{row, row}, true, true}, {[]Result{row}, false, false}, {[]Result{row, two}, false, false},
		{[]Result{row, mixed}, false, true}, {[]Result{lower, row}, false, true}, {[]Result{row, row, other}, true, true},
	} {
		if _, holds, decided := (Results{Rows: c.rows}).Claim(); holds != c.holds || decided != c.decided {
			t.Errorf("%+v: holds %v, decided %v", c.rows, holds, decided)
		}
	}
}

func TestTexts(t *testing.T) {
	if got := numbers("1,000 ducks, 3.5 eggs and 12"); !reflect.DeepEqual(got, []string{"1000", "12", "35"}) {
		t.Errorf("numbers %q", got)
	}
	if got := numbers("1.000 patos"); !reflect.DeepEqual(got, []string{"1000"}) {
		t.Errorf("numbers %q", got)
	}
	for text, want := range map[string]float64{"": 0, "a b c": 0, "a b c d a b c d": 0.2, "a a a a a a": 2.0 / 3} {
		if got := repetition(text); math.Abs(got-want) > 1e-12 {
			t.Errorf("repetition of %q is %g, expected %g", text, got, want)
		}
	}
}

// data writes ten instructions and ten problems a language.
func data(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, lang := range []string{"en", "es", "de"} {
		for folder, answer := range map[string]bool{"alpagasus": false, "gsm8k": true, "mgsm": true} {
			var text strings.Builder
			for i := range 20 {
				fmt.Fprintf(&text, `{"id": "%s-%d", "lang": %q, "prompt": "%s %d + 1?"`, folder, i, lang, lang, i)
				if answer {
					fmt.Fprintf(&text, `, "answer": "%d"`, i+1)
				}
				text.WriteString("}\n")
			}
			path := filepath.Join(dir, folder, lang+".jsonl")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// Free prompts and the problems that settings are chosen on are in no seed's training; seeds have another order.
func TestPromptsApart(t *testing.T) {
	s := Defaults()
	s.Data, s.Trained, s.Unseen, s.FreeN = data(t), []string{"es"}, []string{"de"}, 4
	tr, err := Open(t.TempDir(), s, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.writePrompts([]Cell{{"main", 1}, {"main", 2}}); err != nil {
		t.Fatal(err)
	}
	held, order := map[string]bool{}, map[string]string{}
	for _, folder := range []string{"free", "dev", "prompts/1", "prompts/2", "prompts/gold-1"} {
		rows, err := readPrompts(tr.path(folder), tr.languages(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if strings.HasPrefix(folder, "prompts") && held[row.ID] {
				t.Errorf("%s has %s, which is held out", folder, row.ID)
			} else if !strings.HasPrefix(folder, "prompts") {
				held[row.ID] = true
			}
			order[folder] += row.ID + " "
		}
	}
	if len(held) != 8 || order["prompts/1"] == order["prompts/2"] || strings.Contains(order["prompts/gold-1"], "alpa") {
		t.Errorf("held out %v; %v", held, order)
	}
	s.FreeN = 5
	if other, err := Open(tr.Dir, s, io.Discard); err == nil {
		t.Errorf("the folder is opened with other settings: %+v", other.Settings)
	}
}

// A trial that is stopped at any of its steps ends, started again, with the bytes of one that was not; what is done is
// not forecast, and not done again.
func TestContinues(t *testing.T) {
	s := Defaults().Small()
	s.Rounds = 1
	cells := []Cell{{"main", 1}}
	results := map[string]string{}
	for _, stops := range [][]string{nil, {"M0 answers harm", "M0 train", "M1 texts"}} {
		dir := filepath.Join(t.TempDir(), "trial")
		run := func(stop string) error {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			told := stopper{at: stop, cancel: cancel}
			tr, err := Open(dir, s, told)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Run(ctx, cells[0]); err != nil {
				return err
			}
			_, err = tr.Translations(ctx)
			return err
		}
		for _, stop := range stops {
			if err := run(stop); !errors.Is(err, context.Canceled) {
				t.Fatalf("stopped after %s: %v", stop, err)
			}
		}
		if err := run("never"); err != nil {
			t.Fatal(err)
		}
		tr, err := Open(dir, s, failing{t})
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Run(t.Context(), cells[0]); err != nil {
			t.Fatal(err)
		}
		if f, err := tr.Forecast(t.Context(), cells); err != nil || len(f.Work) > 0 {
			t.Errorf("still to be done: %+v, %v", f.Work, err)
		}
		if _, err := tr.Results(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(tr.path("results.csv"))
		if err != nil {
			t.Fatal(err)
		}
		results[fmt.Sprint(stops == nil)] = string(text)
		more, err := tr.work([]Cell{{"main", 1}, {"sft", 1}, {"gold-template", 1}})
		if err != nil {
			t.Fatal(err)
		}
		var steps []string
		for _, w := range more {
			steps = append(steps, w.cell+" "+w.step)
		}
		want := []string{"sft-1 M0 measure", "sft-1 M0 train", "sft-1 M1 measure", "gold-template-1 M0 generate",
			"gold-template-1 M0 train",
			"gold-template-1 M1 measure"}
		if !reflect.DeepEqual(steps, want) {
			t.Errorf("further arms take %q, expected %q", steps, want)
		}
	}
	if results["true"] != results["false"] || results["true"] == "" {
		t.Errorf("undisturbed:\n%s\nstopped:\n%s", results["true"], results["false"])
	}
}

// stopper cancels at the end of a step.
type stopper struct {
	at     string
	cancel func()
}

func (s stopper) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.at) {
		s.cancel()
	}
	return len(p), nil
}

// failing is told nothing.
type failing struct{ t *testing.T }

func (f failing) Write(p []byte) (int, error) {
	f.t.Errorf("it worked again: %s", p)
	return len(p), nil
}

// A filled sheet is counted, and what is no kind is refused by its row.
func TestCount(t *testing.T) {
	sheet := "nr,kind,id,source,prompt,chosen,rejected\n1,Fine,a,en>es,p,c,r\n2,,b,en>es,p,c,r\n3,cut,c,en>es,p,c,r\n"
	reads, err := count([]byte(sheet), "es")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, r := range reads {
		got[r.Kind] = r.N
		if r.Unread != 1 || r.Low > r.Share || r.High < r.Share {
			t.Errorf("found %+v", r)
		}
	}
	if want := map[string]int{"wrong fact": 0, "untranslated": 0, "cut": 1, "same": 0, "fine": 1}; !reflect.DeepEqual(got,
		want) {
		t.Errorf("counted %v", got)
	}
	_, err = count([]byte(strings.Replace(sheet, "cut", "bad", 1)), "es")
	if err == nil || !strings.Contains(err.Error(), `row 4: field kind is "bad"`) {
		t.Errorf("a kind that is none: %v", err)
	}
}

// FuzzCount holds the reader of sheets to its counts: no more pairs than lines, none of a negative number.
func FuzzCount(f *testing.F) {
	f.Add("nr,kind,id,source,prompt,chosen,rejected\n1,fine,a,b,\"p\nq\",c,r\n")
	f.Add("nr;kind\n1;fine\n")
	f.Fuzz(func(t *testing.T, text string) {
		reads, err := count([]byte(text), "es")
		if err != nil {
			return
		}
		n := 0
		for _, r := range reads {
			n += r.N
		}
		if n+reads[0].Unread > strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
			t.Errorf("counted %+v of %q", reads, text)
		}
	})
}

// Rounds come in turn: the first of every cell, then the second of those that have one; until then the second is
// missing by name. Cells after main's first seed have no languages that are only measured.
func TestRoundsInTurn(t *testing.T) {
	s := Defaults().Small()
	tr, err := Open(filepath.Join(t.TempDir(), "trial"), s, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	cells := []Cell{{"main", 1}, {"no-english", 1}}
	for _, c := range cells {
		if err := tr.runTo(t.Context(), c, 1); err != nil {
			t.Fatal(err)
		}
	}
	results, err := tr.Results()
	if err != nil || !slices.Contains(results.Missing, "main-1 after M1") ||
		slices.Contains(results.Missing, "no-english-1") {
		t.Errorf("missing %q, %v", results.Missing, err)
	}
	work, err := tr.work(cells)
	if err != nil || len(work) != 5 { // of the second round, and human prompts that are translated
		t.Errorf("after one round %d steps are left, %v", len(work), err)
	}
	if err := tr.Run(t.Context(), cells...); err != nil {
		t.Fatal(err)
	}
	if results, err = tr.Results(); err != nil {
		t.Fatal(err)
	}
	checkRecords(t, tr, cells)
	langs := map[string]bool{}
	for _, row := range results.Rows {
		langs[row.Arm+" "+row.Model+" "+row.Lang] = true
	}
	if !langs["main M2 it"] || !langs["no-english M1 es"] || langs["no-english M1 it"] || langs["no-english M2 es"] {
		t.Errorf("compared %v", langs)
	}
	var made lidr.Training
	if err := ledger.ReadJSON(tr.path("cells", "no-english-1", "M1", "training.json"), &made); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(tr.path("cells", "no-english-1", "M0", "pairs.jsonl"))
	all, english := strings.Count(string(text), `"chosen"`), strings.Count(string(text), `"lang":"en"`)
	if err != nil || english == 0 || made.Pairs != all-english {
		t.Errorf("trained on %d of %d pairs, %d of them in English, %v", made.Pairs, all, english, err)
	}
}

// checkRecords copies the records of a trial's cells to another, which then has nothing left to do and the same
// results; in a trial of other settings or of another model they are refused.
func checkRecords(t *testing.T, from *Trial, cells []Cell) {
	t.Helper()
	elsewhere := func(s Settings) *Trial {
		to, err := Open(filepath.Join(t.TempDir(), "trial"), s, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(to.path("records"), os.DirFS(from.path("records"))); err != nil {
			t.Fatal(err)
		}
		return to
	}
	to := elsewhere(from.Settings)
	if err := to.Run(t.Context(), cells...); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(to.path("cells")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("cells were run again: %v", err)
	}
	work, err := to.work(cells)
	if err != nil || len(work) != 1 { // human prompts that are translated
		t.Errorf("with all records %d steps are left, %v", len(work), err)
	}
	a, errA := from.Results()
	b, errB := to.Results()
	if fmt.Sprint(a) != fmt.Sprint(b) || errA != nil || errB != nil { // NaN is not equal to itself
		t.Errorf("the results differ elsewhere: %v, %v\n%v\n%v", errA, errB, a, b)
	}
	other := from.Settings
	other.LR *= 2
	if _, err := elsewhere(other).Results(); err == nil || !strings.Contains(err.Error(), "other settings") {
		t.Errorf("records of other settings: %v", err)
	}
	r, err := to.record(cells[1])
	if err != nil {
		t.Fatal(err)
	}
	r.M0 = "another"
	if err := to.writeRecord(r); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Results(); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("a record of another model: %v", err)
	}
	to.m0 = nil
	if _, err := to.Results(); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("records of two models: %v", err)
	}
	text, err := os.ReadFile(from.recordFile(cells[1]))
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.SplitAfter(text, []byte("\n"))
	if err := ledger.WriteFile(to.recordFile(cells[1]), bytes.Join(cut[:5], nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Results(); err == nil || !strings.Contains(err.Error(), "4 lines after the first") {
		t.Errorf("a record that was cut: %v", err)
	}
}

// FuzzRecord holds the reader of records to models in order and metrics that it knows.
func FuzzRecord(f *testing.F) {
	f.Add(`{"cell":"main-1","m0":"x","models":["M0"],"lines":1}`,
		`{"model":"M0","metric":"accuracy","lang":"es","values":{"a":1}}`)
	f.Add(`{"models":["M1"]}`, `{"model":"M0","metric":"none"}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		r, err := parseRecord([]json.RawMessage{json.RawMessage(first), json.RawMessage(second)})
		if err != nil {
			return
		}
		for model, items := range r.items {
			if !slices.Contains(r.Models, model) {
				t.Errorf("items of %q", model)
			}
			for _, item := range items {
				metricOf(item.Metric) // panics at one that is not known
			}
		}
	})
}
