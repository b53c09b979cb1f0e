package lidr

import (
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/langid"
)

// Answers to problems from files, read as a person reads them and in the two ways of lm-evaluation-harness.
func TestVerdictOnFiles(t *testing.T) {
	for _, c := range []struct {
		response, gold string
		want           Verdict
	}{
		{"Zusammen sind das 50.000 und 30.000. Die Antwort lautet 80.000.", "80000", Verdict{Correct: true, Strict: true, Flexible: true, OnTarget: true, Language: "de"}},
		{"Sie verdient also täglich 18,00 € auf dem Markt.", "18", Verdict{Correct: true, OnTarget: true, Language: "de"}}, // the harness reads 1800
		{"So she makes 18 dollars every day at the market.", "18", Verdict{Correct: true, Flexible: true, Language: "en"}},
		{"18", "18", Verdict{Correct: true, Flexible: true, OnTarget: true}}, // in no language: counted apart
		{"Das weiß ich leider nicht, es tut mir leid.", "18", Verdict{OnTarget: true, Language: "de"}},
	} {
		got := judge(datasets.Response{ID: "7", Lang: "de", Response: c.response}, c.gold, langid.Default())
		c.want.ID, c.want.Lang, c.want.Response, c.want.Gold = "7", "de", c.response, c.gold
		if got != c.want {
			t.Errorf("%q is judged\n%+v, want\n%+v", c.response, got, c.want)
		}
	}
}
