package view

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lidrlab/lidr"
)

// count is how many lines a query finds, as the page says it.
func count(t *testing.T, s *Server, query string) int {
	t.Helper()
	page := get(s, "/browse?"+query).Body.String()
	found := regexp.MustCompile(`of (\d+)</p>|(Nothing) is like that`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("%s says no number: %.600s", query, page)
	}
	n := 0
	fmt.Sscan(found[1], &n)
	return n
}

// Filters find exactly the lines that a reading of the files finds.
func TestFiltersFindWhatTheFilesHold(t *testing.T) {
	dir := runFolder(t)
	s := newServer(t, Options{}, dir)
	run, err := lidr.Reopen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	problems, err := run.Problems()
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]string{}
	for _, p := range problems {
		asked[p.ID+p.Lang] = p.Prompt
	}
	want := map[string]int{}
	before := map[string]lidr.Verdict{}
	for _, model := range []string{"M0", "M2"} {
		for _, lang := range run.Settings.AllLanguages() {
			verdicts, err := run.Verdicts(model, lang)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range verdicts {
				at := fmt.Sprint(lang, i)
				if model == "M0" {
					before[at] = v
					continue
				}
				add := func(query string, is bool) {
					if is {
						want["kind=verdicts&model=M2"+query]++
					}
				}
				add("", true)
				add("&lang=th&right=yes", lang == "th" && v.Correct)
				add("&right=no", !v.Correct)
				add("&target=off&lang=ar", lang == "ar" && !v.OnTarget)
				add("&beside=M0&change=better", v.Points() > before[at].Points())
				add("&beside=M0&change=worse&target=on", v.Points() < before[at].Points() && v.OnTarget)
				all := strings.ToLower(strings.Join([]string{v.ID, v.Response, v.Gold, asked[v.ID+v.Lang]}, "\n"))
				add("&text=APPLES+41", strings.Contains(all, "apples") && strings.Contains(all, "41"))
				add("&text=تفاحة", strings.Contains(all, "تفاحة")) // a word of the problems alone
				add("&text=ДЖАВОБ", false)
			}
		}
	}
	var pairs []lidr.Pair
	if err := run.ReadLines(run.Path("M0", "pairs.jsonl"), &pairs); err != nil {
		t.Fatal(err)
	}
	want["kind=pairs&model=M0"], want["kind=pairs&model=M0&lang=bn&text=AnSwEr"] = len(pairs), 0
	for _, p := range pairs {
		if p.Lang == "bn" && strings.Contains(strings.ToLower(p.Chosen+p.Rejected), "answer") {
			want["kind=pairs&model=M0&lang=bn&text=AnSwEr"]++
		}
	}
	want["kind=pairs&model=M0&right=chosen&target=rejected-off"] = 0
	for _, p := range pairs {
		prompt := lidr.Prompt{ID: p.ID, Lang: p.Lang, Prompt: p.Prompt, Answer: goldOf(t, run, p)}
		chosen, _ := run.Check(prompt, p.Chosen)
		rejected, _ := run.Check(prompt, p.Rejected)
		if chosen.Correct && !rejected.Correct && !rejected.OnTarget {
			want["kind=pairs&model=M0&right=chosen&target=rejected-off"]++
		}
	}
	all, dropped, err := run.Candidates("M0")
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if dropped[i] != "" {
			want["kind=pairs&model=M0&state=dropped"]++
		}
		if dropped[i] == "failed translation" {
			want["kind=pairs&model=M0&state=dropped&text=failed"]++
		}
	}
	for query, n := range want {
		if got := count(t, s, "run=hostile&"+query); got != n {
			t.Errorf("%s finds %d lines, expected %d", query, got, n)
		}
	}
	if want["kind=verdicts&model=M2&beside=M0&change=better"] == 0 || want["kind=pairs&model=M0&state=dropped"] == 0 ||
		want["kind=pairs&model=M0&right=chosen&target=rejected-off"] == 0 || want["kind=verdicts&model=M2&text=تفاحة"] == 0 {
		t.Errorf("the run has nothing to find: %v", want)
	}
}

func goldOf(t *testing.T, run *lidr.Run, p lidr.Pair) string {
	t.Helper()
	var prompts []lidr.Prompt
	if err := run.ReadLines(run.Path("M0", "prompts.jsonl"), &prompts); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(prompts, func(q lidr.Prompt) bool { return q.ID == p.ID && q.Lang == p.Lang })
	return prompts[i].Answer
}

// Lines are sorted by length and by change; pages follow each other without a gap.
func TestOrderAndPages(t *testing.T) {
	f, err := openFolder("hostile", runFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	for _, by := range []string{"length", "-length", "difference", "-difference"} {
		list, err := f.find(Query{Kind: "pairs", Sort: by})
		if err != nil {
			t.Fatal(err)
		}
		values := make([]int32, len(list.rows))
		for i, n := range list.rows {
			r := list.x.rows[n]
			values[i] = r.chars
			if strings.HasSuffix(by, "difference") {
				values[i] = r.differ
			}
			if by[0] == '-' {
				values[i] = -values[i]
			}
		}
		if len(values) < 50 || !slices.IsSorted(values) {
			t.Errorf("%d pairs by %s are not in order", len(values), by)
		}
	}
	seen := map[string]bool{}
	q := Query{Run: "hostile", Kind: "verdicts", Model: "M2", Beside: "M0", Sort: "-change"}
	last := int32(100)
	for n := 0; ; n++ {
		b, _, err := f.page(q, f.models())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range b.Items {
			seen[it.File] = true
		}
		t2, _, err := f.findBeside(q)
		if err != nil {
			t.Fatal(err)
		}
		change := t2.x.rows[t2.rows[b.From-1]].differ - t2.beside.rows[t2.others[b.From-1]].differ
		if change > last {
			t.Errorf("page %d begins with a change of %d, after %d", n, change, last)
		}
		if last = change; b.Next == "" {
			break
		}
		if q, err = ParseQuery(strings.TrimPrefix(b.Next, "/browse?")); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 7*perLanguage {
		t.Errorf("the pages show %d verdicts, expected %d", len(seen), 7*perLanguage)
	}
}

// A file that a step writes anew is shown as it is now, on the next page.
func TestChangedFilesAreReadAnew(t *testing.T) {
	dir := runFolder(t)
	s := newServer(t, Options{}, dir)
	before := count(t, s, "kind=pairs&model=M1")
	path := filepath.Join(dir, "M1", "pairs.jsonl")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := `{"id":"new","lang":"th","prompt":"p","chosen":"a","rejected":"b","source":"en>th"}` + "\n"
	if err := os.WriteFile(path, append(data, line...), 0o644); err != nil {
		t.Fatal(err)
	}
	if after := count(t, s, "kind=pairs&model=M1"); after != before+1 {
		t.Errorf("%d pairs, expected %d", after, before+1)
	}

	dropped := "kind=pairs&model=M0&state=dropped"
	if count(t, s, dropped) == 0 {
		t.Fatal("no pair of M0 was dropped")
	}
	translations, err := filepath.Glob(filepath.Join(dir, "M0", "translations", "*.jsonl"))
	if err != nil || len(translations) == 0 {
		t.Fatalf("M0 has no translations: %v", err)
	}
	if err := os.Truncate(translations[0], 0); err != nil {
		t.Fatal(err)
	}
	if page := get(s, "/browse?"+dropped).Body.String(); !strings.Contains(page, "The dropped pairs of M0 are not known") {
		t.Error("pairs are still shown that were made of translations which have changed")
	}
}

// The leaderboard's changes within a run are [lidr.Compare]'s, and between two copies of a run the same ones; tables
// are had as CSV and LaTeX, where no cell is a formula or a command.
func TestLeaderboard(t *testing.T) {
	one, two := runFolder(t), runFolder(t)
	s := newServer(t, Options{}, one, two)
	read := func(base, table string) [][]string {
		w := get(s, "/leaderboard?metric=accuracy&as=csv&base="+base+"&table="+table)
		rows, err := csv.NewReader(w.Body).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	rows := read("hostile/M0", "changes")
	if len(rows) != 6 || !slices.Equal(rows[2][2:], rows[5][2:]) || slices.Contains(rows[5], "") ||
		rows[0][3] != "mean, trained se" || rows[2][2] != "+22.9" || rows[2][3] != "2.3" {
		t.Errorf("changes are %q, expected equal ones for both copies of M2", rows)
	}
	if scores := read("hostile/M0", "scores"); len(scores) != 7 || !strings.HasPrefix(scores[0][2], "mean, trained") {
		t.Errorf("scores are %q, expected six models", scores)
	}
	scores := filepath.Join(two, "M2", "eval", "scores.json")
	data, err := os.ReadFile(scores)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(scores, bytes.ReplaceAll(data, []byte(`"accuracy"`), []byte(`"other"`)), 0o644); err != nil {
		t.Fatal(err)
	}
	if rows := read("hostile/M0", "changes"); rows[5][2] != "" || rows[2][2] != "+22.9" { // unknown is no 0
		t.Errorf("changes are %q, expected none for a model without accuracy", rows)
	}
	bad := table{Caption: `\input{x}_%`, Columns: []column{{Head: "=1+1"}, {Head: "n", Numbers: true}},
		Rows: []tableRow{{Cells: []cell{{Text: "@cmd&#$"}, {Text: "−1.5"}}}}}
	data, err = bad.csv()
	if err != nil || string(data) != "'=1+1,n\n'@cmd&#$,-1.5\n" {
		t.Errorf("CSV is %q, %v", data, err)
	}
	tex := string(bad.latex())
	for _, want := range []string{`\textbackslash{}input\{x\}\_\%`, `@cmd\&\#\$ & $-$1.5 \\`} {
		if !strings.Contains(tex, want) {
			t.Errorf("LaTeX is %s, expected %s in it", tex, want)
		}
	}
}

// A run is done where its rule or its recipe ends it before its rounds are through.
func TestRunsThatEndEarly(t *testing.T) {
	dir := runFolder(t)
	f, err := openFolder("hostile", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	remove := func(names ...string) {
		for _, name := range names {
			if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	done := func(what string, want bool, models int) {
		t.Helper()
		if p, err := f.progress(time.Now()); err != nil || p.Done != want || len(p.Models) != models {
			t.Errorf("%s: done is %v with %d models, %v; expected %v with %d", what, p.Done, len(p.Models), err, want, models)
		}
	}
	remove("M0/translations")
	done("scorers chose the pairs", true, 3)
	remove("M2", "M1/prompts.jsonl", "M1/responses", "M1/translations", "M1/pairs.jsonl")
	done("killed after M1", false, 3)
	s, err := f.settings()
	if err != nil {
		t.Fatal(err)
	}
	s.StopWhenSaturated = true
	settings, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	write("settings.json", string(settings))
	write("M1/saturation.json", `{"model": "M1", "stop": true}`)
	done("saturated", true, 2)
	remove("M1")
	done("killed after M0", false, 3)
	write("recipe.yaml", "preset: paper\ntrainer: {program: none}\n")
	done("nothing is trained", true, 1)
}
