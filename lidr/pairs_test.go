package lidr

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/datasets"
)

// small are settings for two trained languages; tests change fields.
func small() Settings {
	s := MiniatureSettings()
	s.Trained, s.Unseen = []string{"de", "fr"}, nil
	return s
}

// answersOf two prompts in three languages; the second asks for a translation.
func answersOf() []datasets.Response {
	var rows []datasets.Response
	for _, lang := range []string{"en", "de", "fr"} {
		rows = append(rows,
			datasets.Response{ID: "a", Lang: lang, Prompt: "Name a colour. (" + lang + ")", Response: "own " + lang},
			datasets.Response{ID: "b", Lang: lang, Prompt: "Translate this into French: red. (" + lang + ")",
				Response: "rouge " + lang})
	}
	return rows
}

func translationsOf(failed string) []datasets.Translation {
	var rows []datasets.Translation
	for _, id := range []string{"a", "b"} {
		for _, direction := range [][2]string{{"en", "de"}, {"en", "fr"}, {"de", "en"}, {"fr", "en"}} {
			row := datasets.Translation{ID: id, From: direction[0], To: direction[1], Text: direction[0] + " in " + direction[1],
				OK: true}
			if id+" "+direction[0]+"-"+direction[1] == failed {
				row.Text, row.OK, row.Reason = "", false, "no closing tag"
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func pairsOf(t *testing.T, s Settings, failed string, more ...Filter) ([]Pair, []PairCount) {
	t.Helper()
	all, err := candidates(s, answersOf(), translationsOf(failed))
	if err != nil {
		t.Fatal(err)
	}
	return sift(s, miniatureTask{}, all, more)
}

// The table of the method (arXiv 2410.08964, §3): x_l → y_en→l over y_l, x_en → y_en over y_l→en.
func TestPairsFollowTheTable(t *testing.T) {
	s := small()
	back := rejectedFrom(s, "a")
	got, _ := pairsOf(t, s, "")
	want := []Pair{
		{"a", "en", "Name a colour. (en)", "own en", back + " in en", back + ">en"},
		{"b", "en", "Translate this into French: red. (en)", "rouge en", rejectedFrom(s, "b") + " in en",
			rejectedFrom(s, "b") + ">en"},
		{"a", "de", "Name a colour. (de)", "en in de", "own de", "en>de"},
		{"b", "de", "Translate this into French: red. (de)", "rouge en", "rouge de", "en"}, // the English answer itself
		{"a", "fr", "Name a colour. (fr)", "en in fr", "own fr", "en>fr"},
		{"b", "fr", "Translate this into French: red. (fr)", "rouge en", "rouge fr", "en"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}

	s.Pairs.Mode = "released"
	got, _ = pairsOf(t, s, "")
	if got[0].Source != "fr>en" || got[1].Source != "fr>en" {
		t.Errorf("released mode takes the English rejected sides from %s and %s, want the last language, fr", got[0].Source,
			got[1].Source)
	}
}

func TestEnglishRejectedIsDrawnFromEveryLanguage(t *testing.T) {
	s, drawn := MiniatureSettings(), map[string]int{}
	for i := range 1000 {
		drawn[rejectedFrom(s, string(rune('a'+i%26))+strings.Repeat("x", i))]++
	}
	for _, lang := range s.Trained {
		if drawn[lang] < 200 || drawn[lang] > 300 { // 250 ± 3.7 standard deviations
			t.Errorf("%s is drawn %d times of 1000, want about 250", lang, drawn[lang])
		}
	}
}

func TestFiltersCountWhatTheyDrop(t *testing.T) {
	s := small()
	s.Pairs.DropIdentical, s.Pairs.DropTranslationPrompts, s.Pairs.MaxLengthRatio = true, true, 1.5
	noFrench := Filter{"no French", func(p Pair) bool { return p.Lang != "fr" }}
	pairs, counts := pairsOf(t, s, "a en-de", noFrench)
	if len(pairs) != 1 || pairs[0].Lang != "en" {
		t.Errorf("kept %v, want the English pair of prompt a alone", pairs)
	}
	got := map[string]int{}
	for _, c := range counts {
		got[strings.TrimSpace(c.Lang+" "+c.Count+" "+c.Filter)] = c.N
	}
	for name, want := range map[string]int{
		"en candidates": 2, "en dropped translation prompt": 1, "en pairs": 1,
		"de dropped failed translation": 1, "de dropped translation prompt": 1, "de pairs": 0,
		"fr dropped no French": 1, "fr dropped translation prompt": 1, "fr dropped identical sides": 0, "fr pairs": 0,
	} {
		if n, ok := got[name]; !ok || n != want {
			t.Errorf("%s: %d (counted: %t), want %d", name, n, ok, want)
		}
	}
}

// A pair with a translation that keeps words of its source is dropped, on whichever side it is.
func TestCopiedWords(t *testing.T) {
	s := small()
	s.Pairs.MaxCopied = 0.15
	translated := translationsOf("")
	for i := range translated {
		translated[i].Source, translated[i].Text = "The answer is seven candy bars.", "Sieben Schokoriegel sind es."
		if translated[i].ID == "a" && translated[i].To != "fr" {
			translated[i].Text = "Es sind sieben candy bars."
		}
	}
	all, err := candidates(s, answersOf(), translated)
	if err != nil {
		t.Fatal(err)
	}
	_, counts := sift(s, miniatureTask{}, all, nil)
	for _, c := range counts {
		want, ok := map[string]int{"de": 1, "en": 1, "fr": 0}[c.Lang]
		if c.Filter == "copied words" && (!ok || c.N != want) {
			t.Errorf("%+v, want %d", c, want)
		}
	}
	if len(counts) != 12 {
		t.Errorf("%v: expected the filter among the reasons", counts)
	}
}

func TestRandomLabelsSwapHalf(t *testing.T) {
	s := MiniatureSettings()
	s.Train.Labels = "random"
	var rows []Pair
	for i := range 1000 {
		rows = append(rows, Pair{ID: strings.Repeat("i", i), Lang: "de", Chosen: "c", Rejected: "r"})
	}
	swapped := 0
	for _, p := range s.Relabel(rows) {
		if p.Chosen == "r" {
			swapped++
		}
	}
	if swapped < 440 || swapped > 560 { // 500 ± 3.8 standard deviations
		t.Errorf("%d of 1000 pairs are swapped, want about 500", swapped)
	}
	s.Train.Labels = "own"
	own := s.Relabel([]Pair{{Lang: "de", Chosen: "c", Rejected: "r"}, {Lang: "en", Chosen: "c", Rejected: "r"}})
	if own[0].Chosen != "r" || own[1].Chosen != "c" {
		t.Errorf("own answers: %+v, want the German chosen side replaced and the English one kept", own)
	}
}

// The published answers of Llama-3-8B-Instruct and their French translations, of which 78 of 1,000 failed, and 3 of the
// 20 in the excerpts.
func TestPairsOfPublishedAnswers(t *testing.T) {
	onFiles(t, func(t *testing.T, dir, prompts string) {
		n, failed := 20, 3
		if filepath.Base(prompts) == "id_0_1000" {
			n, failed = 1000, 78
		}
		pairsOfAnswers(t, dir, prompts, n, failed)
	})
}

func pairsOfAnswers(t *testing.T, dir, promptFolder string, n, failed int) {
	t.Helper()
	english, err := datasets.LoadResponses(filepath.Join(dir, "llama3-m0", "en.jsonl"), "en")
	if err != nil {
		t.Fatal(err)
	}
	translations, err := datasets.LoadTranslations(filepath.Join(dir, "llama3-m0", "en.to_fr.jsonl"), "en", "fr")
	if err != nil {
		t.Fatal(err)
	}
	// The model's own French answers are not published: its prompts stand in for them, which no count depends on.
	prompts, err := datasets.LoadPrompts(promptFolder, []string{"fr"})
	if err != nil {
		t.Fatal(err)
	}
	s := small()
	s.Trained = []string{"fr"}
	responses := slices.Clone(english)
	for _, p := range prompts {
		responses = append(responses, datasets.Response{ID: p.ID, Lang: "fr", Prompt: p.Text, Response: p.Text})
	}
	for _, t := range english {
		translations = append(translations, datasets.Translation{ID: t.ID, From: "fr", To: "en", Text: t.Response, OK: true})
	}
	all, err := candidates(s, responses, translations)
	if err != nil {
		t.Fatal(err)
	}
	_, counts := sift(s, miniatureTask{}, all, nil)
	got := map[string]int{}
	for _, c := range counts {
		got[strings.TrimSpace(c.Lang+" "+c.Count+" "+c.Filter)] = c.N
	}
	// A prompt that asks for a translation keeps its English answer, so that its failure drops nothing.
	rescued := 0
	for _, c := range all {
		if c.Lang == "fr" && c.translation && !okTranslation(translations, c.ID) {
			rescued++
		}
	}
	if got["fr candidates"] != n || got["fr dropped failed translation"] != failed-rescued ||
		got["fr pairs"] != n-failed+rescued {
		t.Errorf("counts %v with %d failures rescued, want %d failures of %d", got, rescued, failed, n)
	}
}

func okTranslation(rows []datasets.Translation, id string) bool {
	i := slices.IndexFunc(rows, func(r datasets.Translation) bool { return r.ID == id && r.To == "fr" })
	return rows[i].OK
}

// onFiles runs a test on the excerpts of our own making, and on the published files that they are like where LIDR_DATA
// names their folder. prompts is the folder of the training prompts.
func onFiles(t *testing.T, test func(t *testing.T, dir, prompts string)) {
	t.Run("excerpts", func(t *testing.T) {
		dir := filepath.Join("..", "datasets", "testdata", "excerpts")
		test(t, dir, filepath.Join(dir, "alpagasus", "id_0_20"))
	})
	t.Run("published", func(t *testing.T) {
		dir := os.Getenv("LIDR_DATA")
		if dir == "" {
			t.Skip("LIDR_DATA names no folder of published files")
		}
		test(t, dir, filepath.Join(dir, "alpagasus", "id_0_1000"))
	})
}

// Candidates says of each pair of a round what dropped it, in the numbers that the counts have.
func TestCandidatesAreTheCounts(t *testing.T) {
	s := small()
	s.Pairs.DropIdentical = true
	run, m := openTest(t, s)
	if err := run.Enter(m); err != nil {
		t.Fatal(err)
	}
	answers, translated := answersOf(), translationsOf("a en-de")
	answers[4].Response = "en in fr" // equal to its translation
	for _, lang := range s.Languages() {
		if err := run.WriteLines(run.Path("M0", "responses", lang+".jsonl"), inLanguage(answers, lang)); err != nil {
			t.Fatal(err)
		}
	}
	for _, lang := range s.Trained {
		var to, from []datasets.Translation
		for _, row := range translated {
			if row.To == lang {
				to = append(to, row)
			} else if row.From == lang {
				from = append(from, row)
			}
		}
		if err := run.WriteLines(run.Path("M0", "translations", "en-"+lang+".jsonl"), to); err != nil {
			t.Fatal(err)
		}
		if err := run.WriteLines(run.Path("M0", "translations", lang+"-en.jsonl"), from); err != nil {
			t.Fatal(err)
		}
	}
	own := Filter{"no b in German", func(p Pair) bool { return p.ID != "b" || p.Lang != "de" }}
	_, counts, err := makePairs(t.Context(), run, m, answers, translated, []Filter{own})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, c := range counts {
		switch {
		case c.Count == "pairs" && c.N > 0:
			want[c.Lang] += c.N
		case c.Filter == own.Name && c.N > 0:
			want[c.Lang+" a filter of the run's own"] += c.N
		case c.Count == "dropped" && c.N > 0:
			want[c.Lang+" "+c.Filter] += c.N
		}
	}
	pairs, dropped, err := run.Candidates("M0")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for i, p := range pairs {
		got[strings.TrimSpace(p.Lang+" "+dropped[i])]++
	}
	if diff := cmp.Diff(want, got); diff != "" || want["fr identical sides"] != 1 {
		t.Errorf("candidates against counts:\n%s", diff)
	}
	// Scores choose from one answer and its translations too: a pair of theirs is none of these.
	chosen := []Pair{{ID: "a", Lang: "de", Prompt: "a in de", Chosen: "en in de", Rejected: "by score", Source: "en>de"}}
	if err := run.WriteLines(run.Path("M0", "pairs.jsonl"), chosen); err != nil {
		t.Fatal(err)
	}
	_, _, err = run.Candidates("M0")
	if err == nil || !strings.Contains(err.Error(), "were chosen by score, or changed since") {
		t.Errorf("pairs that scores have chosen: %v", err)
	}
}
