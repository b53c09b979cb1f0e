package lidr

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/datasets"
)

// releasedSides are the sides of each pair that is made, by "LANG ID".
func releasedSides(t *testing.T, s Settings, answers []datasets.Response,
	texts []datasets.Translation) map[string][2]string {
	t.Helper()
	all, err := candidates(s, answers, texts)
	if err != nil {
		t.Fatal(err)
	}
	pairs, _ := sift(s, miniatureTask{}, all, nil)
	sides := map[string][2]string{}
	for _, p := range pairs {
		sides[p.Lang+" "+p.ID] = [2]string{p.Chosen, p.Rejected}
	}
	return sides
}

// In released mode a failure in either direction drops both pairs of the prompt and language, as in the reference code,
// whose English file is that of the last language alone. A prompt about translation is no exception.
func TestReleasedModeDropsBothPairs(t *testing.T) {
	s := small()
	for _, c := range []struct {
		failed string
		lost   []string
	}{
		{"a en-de", []string{"de a"}},
		{"a de-en", []string{"de a"}},
		{"a fr-en", []string{"en a", "fr a"}},
		{"a en-fr", []string{"en a", "fr a"}},
		{"b en-de", []string{"de b"}},
		{"b en-fr", []string{"en b", "fr b"}},
		{"", nil},
	} {
		s.Pairs.Mode = "released"
		whole := releasedSides(t, s, answersOf(), translationsOf(""))
		got := releasedSides(t, s, answersOf(), translationsOf(c.failed))
		for _, name := range c.lost {
			delete(whole, name)
		}
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Errorf("with %q failed (-want +got):\n%s", c.failed, diff)
		}
	}
}

// Where it can be told which pairs the other direction drops, every one must have been asked for.
func TestReleasedModeTranslatesEveryAnswerBack(t *testing.T) {
	s := small()
	s.Pairs.Mode = "released"
	one := slices.DeleteFunc(translationsOf(""), func(r datasets.Translation) bool { return r.From == "de" })
	if _, err := candidates(s, answersOf(), one); err == nil {
		t.Error("no error without the translations from German, whose failures drop pairs")
	}
}

// A side without a text is dropped, and counted where that has happened.
func TestPairsHaveNoEmptySide(t *testing.T) {
	for _, empty := range []string{"", " \n", "\u00a0"} {
		answers := answersOf()
		answers[0].Response = empty // prompt a in English
		all, err := candidates(small(), answers, translationsOf("a en-de"))
		if err != nil {
			t.Fatal(err)
		}
		pairs, counts := sift(small(), miniatureTask{}, all, nil)
		for _, p := range pairs {
			if p.Lang == "en" && p.ID == "a" {
				t.Errorf("%q: the pair %+v has an empty chosen side", empty, p)
			}
		}
		if !slices.Contains(counts, PairCount{"en", "dropped", "empty answer", 1}) {
			t.Errorf("%q: the counts %v do not tell of the empty answer", empty, counts)
		}
	}
	_, counts := pairsOf(t, small(), "")
	if slices.ContainsFunc(counts, func(c PairCount) bool { return c.Filter == "empty answer" }) {
		t.Errorf("the counts %v tell of empty answers where there are none", counts)
	}
}

// What the reference code itself has written from files of its own form, where LIDR_CASES names the folder.
func TestReleasedModeBesideTheReferenceCode(t *testing.T) {
	cases := os.Getenv("LIDR_CASES")
	if cases == "" {
		t.Skip("LIDR_CASES names no folder of cases")
	}
	dir := filepath.Join(cases, "fidelity", "released")
	s := small()
	s.Trained, s.Pairs.Mode = []string{"es", "fr"}, "released"
	var answers []datasets.Response
	var texts []datasets.Translation
	for _, direction := range [][2]string{{"en", "es"}, {"en", "fr"}, {"es", "en"}, {"fr", "en"}} {
		from, to := direction[0], direction[1]
		file := filepath.Join(dir, from+".jsonl.to_"+to+".jsonl")
		rows, err := datasets.LoadTranslations(file, from, to)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, rows...)
		if direction == [2]string{"en", "fr"} {
			continue // the same English answers as in the file before
		}
		own, err := datasets.LoadResponses(file, from)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, own...)
	}
	want := map[string][2]string{}
	for _, lang := range s.Languages() {
		file, err := os.Open(filepath.Join(dir, "expected", lang+"_dpo.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(file); lines.Scan(); {
			var p Pair
			if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			want[lang+" "+p.ID] = [2]string{p.Chosen, p.Rejected}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := releasedSides(t, s, answers, texts)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 11 {
		t.Errorf("%d pairs, want %v (-want +got):\n%s", len(got), slices.Sorted(maps.Keys(want)), diff)
	}
}
