package eval

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// The example of sacreBLEU's README.md, which its test/test_bleu.py uses too.
var (
	dogHypotheses = []string{"The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."}
	dogReferences = [][]string{
		{"The dog bit the man.", "The dog had bit the man."},
		{"It was not unexpected.", "No one was surprised."},
		{"The man bit him first.", "The man had bitten the dog."},
	}
)

// Values of sacreBLEU's test/test_bleu.py and test/test_sentence_bleu.py, and the line of its README.md, at commit
// f615c72.
func TestBLEUPublished(t *testing.T) {
	s, err := BLEU(dogHypotheses, dogReferences)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "corpus", s.Score, 48.530827, 1e-6)
	const parts = "[82.4 50.0 45.5 37.5] BP = 0.943 hyp_len = 17 ref_len = 18"
	if got := fmt.Sprintf("%.1f BP = %.3f hyp_len = %d ref_len = %d",
		s.Precisions, s.BrevityPenalty, s.HypothesisLength, s.ReferenceLength); got != parts {
		t.Errorf("%s, expected %s", got, parts)
	}
	if got := s.String(); got != "BLEU|nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:lidr = 48.53" {
		t.Error(got)
	}
	varied := [][]string{dogReferences[0][1:], dogReferences[1], dogReferences[2]}
	s, err = BLEU(dogHypotheses, varied)
	if err != nil || s.Signature != "nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:lidr" {
		t.Errorf("%q, %v", s.Signature, err)
	}
	empty, _ := BLEU([]string{"", "", ""}, dogReferences)
	near(t, "empty hypotheses", empty.Score, 0, 0)
	for _, c := range []struct {
		hypothesis, reference string
		score                 float64
	}{
		{"Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;",
			"producţia de zahăr brut se exprimă în zahăr alb;", 8.493},
		{"this is a cat", "okay thanks", 0},
		{"this is a test", "this is a test", 100},
		{"test", "a test", 36.78794411714425},
		{"a test", "a test", 100},
	} {
		s, err := SentenceBLEU(c.hypothesis, []string{c.reference})
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.hypothesis, s.Score, c.score, 1e-3)
	}
}

// Values of sacreBLEU's test/test_chrf.py (effective order, β 3, no words) and the chrF2 of its README.md.
func TestChrFPublished(t *testing.T) {
	plain := chrF{characters: 6, beta: 3}
	for _, c := range []struct {
		hypotheses, references []string
		score                  float64
	}{
		{[]string{"a"}, []string{"a"}, 100},
		{[]string{""}, []string{"reference"}, 0},
		{[]string{"a b c"}, []string{"a b c"}, 100},
		{[]string{"a b c"}, []string{"abc"}, 100},
		{[]string{""}, []string{"c"}, 0},
		{[]string{"a", "b"}, []string{"a", "c"}, 50},
		{[]string{"aa"}, []string{"ab"}, 25},
	} {
		var references [][]string
		for _, r := range c.references {
			references = append(references, []string{r})
		}
		near(t, fmt.Sprint(c.hypotheses, c.references), plain.corpus(c.hypotheses, references), c.score, 1e-4)
	}
	near(t, "chrF2", chrF{characters: 6, beta: 2}.corpus(dogHypotheses, dogReferences), 59.73, 0.005)
}

// What sacreBLEU itself gave on random text: testdata/translation.py.
func TestAgainstSacreBLEU(t *testing.T) {
	data, err := os.ReadFile("testdata/translation.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Hypotheses []string   `json:"hypotheses"`
		References [][]string `json:"references"`
		BLEU       float64    `json:"bleu"`
		ChrF       float64    `json:"chrf"`
		OneBLEU    float64    `json:"sentence_bleu"`
		OneChrF    float64    `json:"sentence_chrf"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		bleu, err := BLEU(c.Hypotheses, c.References)
		if err != nil {
			t.Fatal(err)
		}
		chrf, _ := ChrF(c.Hypotheses, c.References)
		oneBLEU, _ := SentenceBLEU(c.Hypotheses[0], c.References[0])
		oneChrF, _ := SentenceChrF(c.Hypotheses[0], c.References[0])
		for what, got := range map[string][2]float64{
			"BLEU": {bleu.Score, c.BLEU}, "chrF++": {chrf.Score, c.ChrF},
			"sentence BLEU": {oneBLEU.Score, c.OneBLEU}, "sentence chrF++": {oneChrF.Score, c.OneChrF},
		} {
			near(t, fmt.Sprintf("case %d, %s", i, what), got[0], got[1], 1e-9)
		}
	}
}

func TestTranslationScoresOfNothing(t *testing.T) {
	for name, references := range map[string][][]string{"none": nil, "too few": {{"a"}}, "an empty set": {{"a"}, {}}} {
		if _, err := BLEU([]string{"a", "b"}, references); err == nil {
			t.Errorf("%s: BLEU gave a score", name)
		}
		if _, err := ChrF([]string{"a", "b"}, references); err == nil {
			t.Errorf("%s: chrF gave a score", name)
		}
	}
	if _, err := SentenceBLEU("a", nil); err == nil {
		t.Error("no reference: a sentence was scored")
	}
}
