package scorers

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// lidrData are two samples to three prompts in three languages with their translations, of which some failed; the last
// prompt asks for a translation, and an answer is refused.
func lidrData() (responses, translations dataframe.DataFrame) {
	var answers []datasets.Response
	var translated []datasets.Translation
	for _, lang := range []string{"en", "de", "es"} {
		for _, id := range []string{"a", "b", "c"} {
			for sample := range 2 {
				row := datasets.Response{ID: id, Lang: lang, Prompt: "Say " + id, Sample: sample, FinishReason: lm.FinishStop,
					Response: fmt.Sprintf("own %s %s %d", id, lang, sample)}
				if id == "c" {
					row.Prompt = "Translate this: " + lang
				}
				if id == "b" && lang == "es" && sample == 1 {
					row.Response, row.FinishReason, row.Fault = "", lm.FinishRefusal, lm.FaultRefusal
				}
				answers = append(answers, row)
				for _, to := range []string{"en", "de", "es"} {
					t := datasets.Translation{ID: id, From: lang, To: to, Sample: sample, Source: row.Response, OK: true,
						Text: fmt.Sprintf("%s to %s: %s", lang, to, row.Response)}
					if id == "a" && lang == "de" && sample == 0 || id == "a" && to == "es" && sample == 1 {
						t.OK, t.Text, t.Reason = false, "", "no closing </translated>"
					}
					if lang != to && (lang == "en" || to == "en") {
						translated = append(translated, t)
					}
				}
			}
		}
	}
	return datasets.Frame(answers), datasets.Frame(translated)
}

// The selection lidr makes the pairs and the counts of lidr.Pairs, in both modes; the scorer Translation chooses the
// same sides where a prompt has one answer in each language and asks for no translation.
func TestLIDRIsASelection(t *testing.T) {
	for _, mode := range []string{"paper", "released"} {
		for _, drop := range []bool{false, true} {
			s := settings()
			s.Generate.Samples = 2
			s.Pairs.Mode, s.Pairs.DropTranslationPrompts, s.Pairs.MaxLengthRatio = mode, drop, 2.5
			pairs, counts := [2]string{}, [2]string{}
			for k := range 2 {
				run, m0 := open(t, s)
				responses, translations := lidrData()
				var kept, stats dataframe.DataFrame
				var err error
				if k == 0 {
					kept, stats, err = lidr.Pairs(t.Context(), run, m0, responses, translations)
				} else {
					samples, failed := Candidates(responses, translations)
					if failed != nil {
						t.Fatal(failed)
					}
					kept, stats, err = lidr.PairsByScore(t.Context(), run, m0, samples, dataframe.DataFrame{},
						lidr.Selection{Rule: "lidr"})
				}
				if err != nil {
					t.Fatal(err)
				}
				pairs[k], counts[k] = fmt.Sprint(kept.Records()), fmt.Sprint(stats.Records())
			}
			if pairs[0] != pairs[1] || counts[0] != counts[1] || len(pairs[0]) < 200 {
				t.Errorf("%s, %t: Pairs makes\n%s\n%s\nand PairsByScore\n%s\n%s", mode, drop, pairs[0], counts[0], pairs[1],
					counts[1])
			}
		}
	}
	s := settings()
	s.Generate.Samples = 0
	run, m0 := open(t, s)
	prompts, err := lidr.Prompts(t.Context(), run, m0)
	if err != nil {
		t.Fatal(err)
	}
	responses, err := lidr.Generate(t.Context(), run, m0, prompts)
	if err != nil {
		t.Fatal(err)
	}
	translations, err := lidr.Translate(t.Context(), run, m0, responses)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := Candidates(responses, translations)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := lidr.ScoreSamples(t.Context(), run, m0, samples, Translation{})
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := lidr.Pairs(t.Context(), run, m0, responses, translations)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := lidr.PairsByScore(t.Context(), run, m0, samples, scores, lidr.Selection{Rule: "max-min"})
	if err != nil || want.Nrow() == 0 || !slices.EqualFunc(got.Records(), want.Records(), slices.Equal) {
		t.Errorf("by the scorer Translation\n%v\n%v, want\n%v", got, err, want)
	}
}

func open(t *testing.T, s lidr.Settings) (*lidr.Run, *lidr.Model) {
	t.Helper()
	run, err := lidr.Open(filepath.Join(t.TempDir(), "run"), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	return run, m0
}
