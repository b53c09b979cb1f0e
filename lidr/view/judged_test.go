package view

import (
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr"
)

// A judge's verdicts, the samples of an evaluation and the answers to MT-bench are browsed as what else lies in a run.
func TestWhatJudgesSaid(t *testing.T) {
	dir := runFolder(t)
	s := newServer(t, Options{}, dir)
	for query, want := range map[string]int{
		"kind=judged": 20, "kind=judged&model=M1-M0&state=win": 5, "kind=judged&state=tie&lang=th": 5,
		"kind=judged&state=failed": 5, "kind=judged&lang=bn": 0, "kind=judged&text=แอปเปิ้ล": 20,
		"kind=judged&text=яблоко": 0, "kind=samples": 30,
		"kind=samples&right=yes": 10, "kind=samples&model=M0": 0, "kind=samples&text=apples-001": 3,
		"kind=mtbench": 16, "kind=mtbench&state=faulty": 2, "kind=mtbench&id=82": 4, "kind=mtbench&model=M1&lang=th": 8,
	} {
		if got := count(t, s, query); got != want {
			t.Errorf("%s finds %d, expected %d", query, got, want)
		}
	}
	page := get(s, "/browse?kind=judged&state=win").Body.String()
	for _, want := range []string{"M1 preferred", "a preference of 1.9", "M is better", "The judge, order 2", "M1-M0",
		"judged/M1-M0/annotations/th.json:1<"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of wins lacks %q", want)
		}
	}
	best := get(s, "/browse?kind=mtbench&sort=-judge").Body.String()
	if i, j := strings.Index(best, "rated 7"), strings.Index(best, "rated 6"); i < 0 || j < i {
		t.Error("the answers to MT-bench are not in the order of their ratings")
	}
	pairs := get(s, "/browse?kind=pairs&model=M1&id=apples-001").Body.String()
	if strings.Contains(pairs, "kind=judged&amp;model=M1") {
		t.Error("the tab of judged answers asks for a model where comparisons are meant")
	}
	path := filepath.Join(dir, "judged", "M1-M0", "annotations", "th.json")
	if err := os.WriteFile(path, []byte("[]"), 0o644); err != nil {
		t.Fatal(err)
	}
	if page := get(s, "/browse?kind=judged").Body.String(); !strings.Contains(page, "is not what the run wrote") {
		t.Error("an edited file of verdicts has no note")
	}
	if err := os.RemoveAll(filepath.Join(dir, "judged")); err != nil {
		t.Fatal(err)
	}
	if page := get(s, "/browse?kind=pairs").Body.String(); strings.Contains(page, "kind=judged") ||
		!strings.Contains(page, "kind=samples") {
		t.Error("the tabs are not those that there are files of")
	}
}

// The verdicts of a panel and on pairs of MT-bench are browsed with the answers that they are on, whose files are the
// models' own.
func TestWhatIsCompared(t *testing.T) {
	s := newServer(t, Options{}, runFolder(t))
	for query, want := range map[string]int{
		"kind=panel": 4, "kind=panel&model=M1-M0&state=win": 1, "kind=panel&state=lose&lang=th": 1,
		"kind=panel&state=tie": 1, "kind=panel&state=failed": 1, "kind=panel&id=apples-003": 1, "kind=panel&lang=bn": 0,
		"kind=mtpairs": 4, "kind=mtpairs&state=tie": 1, "kind=mtpairs&state=failed": 1, "kind=mtpairs&id=82": 2,
		"kind=mtpairs&text=harmed": 4, "kind=mtpairs&text=apples": 0,
	} {
		if got := count(t, s, query); got != want {
			t.Errorf("%s finds %d, expected %d", query, got, want)
		}
	}
	after, _, _ := answered(1, "th", 0)
	for query, want := range map[string][]string{
		"kind=panel&state=win": {"M1 preferred", "a preference of 1.9", "judge/one: M1 preferred",
			hostile[0] + ": M1 preferred",
			promptOf("th", 0), after, "judged/M1-M0/panel.jsonl:1<",
			`<div class="side good"><h3>M1</h3>`, `<div class="side bad"><h3>M0</h3>`},
		"kind=mtpairs&state=lose": {"M0 preferred", "turn 2", "shown M1 first: M0 preferred",
			"shown M0 first: M0 preferred", "[[A]]",
			answerOf("th", 1, 0), "judged/M1-M0/mtbench/th.jsonl:2<"},
		"kind=mtpairs&state=failed": {"the judge says none", "shown M1 first: no verdict"},
	} {
		page := html.UnescapeString(get(s, "/browse?"+query).Body.String())
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("the page of %s lacks %q", query, text)
			}
		}
	}
	for _, kind := range []string{"panel", "mtpairs"} {
		_, page, _ := strings.Cut(get(s, "/browse?kind="+kind+"&sort=-judge").Body.String(), `class="items"`)
		at := -1
		for _, verdict := range []string{"M1 preferred", "a tie", "M0 preferred", ">no verdict<"} {
			i := strings.Index(page, verdict)
			if i <= at {
				t.Errorf("%s by preference: %s stands at %d, expected it after %d", kind, verdict, i, at)
			}
			at = i
		}
	}
}

// Pairs are put in the order of a judge's ratings, and of a scorer's scores of the samples that they were chosen from:
// by how much the chosen side is above the rejected one; what has no number comes last, either way.
func TestPairsByWorth(t *testing.T) {
	f, err := openFolder("hostile", runFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	differences := func(q Query) []float64 {
		t.Helper()
		list, err := f.find(q)
		if err != nil {
			t.Fatal(err)
		}
		w, known, err := f.worth(list.x, strings.TrimPrefix(q.Sort, "-"))
		if err != nil || !known {
			t.Fatalf("nothing is known by %s: %v", q.Sort, err)
		}
		var all []float64
		for _, i := range list.rows {
			all = append(all, w.chosen[i]-w.rejected[i])
		}
		return all
	}
	up, down := differences(Query{Kind: "pairs", Sort: "judge"}), differences(Query{Kind: "pairs", Sort: "-judge"})
	n := len(up) - 2 // one pair a round has no rating
	slices.Reverse(down[:n])
	if n < 50 || !slices.IsSorted(up[:n]) || !slices.IsSorted(down[:n]) || !math.IsNaN(up[n]) || !math.IsNaN(down[n+1]) {
		t.Errorf("by the judge the differences are %v, and the other way %v", up, down)
	}
	if page, _, err := f.page(Query{Kind: "pairs", Sort: "-judge"}, f.models()); err != nil ||
		page.Items[0].Chips[1].Text != "judge: 8 and 1" { // of i modulo 11 and 7 i modulo 11
		t.Errorf("the first pair says %v, %v", page.Items[0].Chips, err)
	}
	torn := filepath.Join(f.Dir, "M1", "pairs.ratings.jsonl")
	whole, err := os.ReadFile(torn)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(torn, whole[:len(whole)-3], 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was read of it is not taken for all of it
		page, notes, err := f.page(Query{Kind: "pairs"}, f.models())
		said := strings.Contains(fmt.Sprint(notes), "M1/pairs.ratings.jsonl: unexpected end")
		if err != nil || len(page.Items) == 0 || !said {
			t.Errorf("beside torn ratings %d pairs are shown, with notes %q and %v", len(page.Items), notes, err)
		}
		if _, _, err := f.page(Query{Kind: "prompts", Sort: "judge"}, f.models()); err != nil {
			t.Errorf("prompts, which have no ratings, are not shown for those of pairs: %v", err)
		}
	}

	dir := filepath.Join(t.TempDir(), "scored")
	write := func(name string, rows ...any) {
		t.Helper()
		data := ""
		for _, row := range rows {
			line, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			data += string(line) + "\n"
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("settings.json", lidr.MiniatureSettings())
	pair := func(chosen, rejected string) lidr.Pair {
		return lidr.Pair{ID: "a", Lang: "ru", Chosen: chosen, Rejected: rejected, Source: "ru"}
	}
	write("M0/pairs.jsonl", pair("x", "y"), pair("z", "x"), pair("z", "unscored"), pair("z", "y"))
	for i, text := range []string{"x", "y", "z"} {
		write("M0/responses/"+fmt.Sprint(i)+".jsonl", map[string]any{"id": "a", "lang": "ru", "sample": i, "response": text})
	}
	score := func(sample int, score float64) any {
		return lidr.SampleScore{ID: "a", Lang: "ru", Sample: sample, Score: score}
	}
	write("M0/scores/own.jsonl", score(0, -1), score(1, 2), score(2, 3))
	if f, err = openFolder("scored", dir); err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	if got := differences(Query{Kind: "pairs", Sort: "-margin"}); len(got) != 4 || !slices.Equal(got[:3],
		[]float64{4, 1, -3}) || !math.IsNaN(got[3]) {
		t.Errorf("by the scorer the differences are %v, expected 4, 1, −3 and none", got)
	}
	write("M0/scores/own.jsonl", score(0, 5), score(1, 2), score(2, 3))
	if got := differences(Query{Kind: "pairs", Sort: "-margin"}); !slices.Equal(got[:3], []float64{3, 1, -2}) {
		t.Errorf("by other scores the differences are %v, expected 3, 1 and −2", got)
	}
}
