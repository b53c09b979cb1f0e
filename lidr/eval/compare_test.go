package eval

import (
	"math"
	"strings"
	"testing"
)

func TestHeadToHead(t *testing.T) {
	m, err := HeadToHead([]float64{3, 2, 2, 5}, []float64{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	if m.Win.Mean != 0.5 || m.Tie.Mean != 0.25 || m.Lose.Mean != 0.25 || m.Net.Mean != 0.25 {
		t.Errorf("%+v, expected two wins, a tie and a loss", m)
	}
	near(t, "SE of the net", m.Net.SE, math.Sqrt(11.0/48), 1e-15) // outcomes 1, 0, −1, 1
	if _, err := HeadToHead([]float64{math.NaN()}, []float64{0}); err == nil {
		t.Error("a score that is no number was compared")
	}
}

// The same pairs by two definitions: two names for two quantities.
func TestRewardAccuracies(t *testing.T) {
	j, err := JudgedRewardAccuracy([]float64{9, 5, 7, 7}, []float64{3, 8, 7, 7})
	if err != nil || j.Accuracy.Mean != 0.5 || j.Ties != 2 {
		t.Errorf("%+v, %v: expected one higher, one lower and two ties at a half each", j, err)
	}
	o, err := OracleRewardAccuracy([]bool{true, true, true, false, false}, []bool{false, false, true, true, false})
	if err != nil || o.Accuracy.N != 3 || o.BothRight != 1 || o.BothWrong != 1 {
		t.Fatalf("%+v, %v: expected three decided pairs", o, err)
	}
	near(t, "oracle accuracy", o.Accuracy.Mean, 2.0/3, 1e-15)
}

func TestFilters(t *testing.T) {
	if RepeatsLines(strings.Repeat("a\n\n", 4) + "b\n\n\n\n\n\n") {
		t.Error("four equal lines and blank ones were taken for a loop")
	}
	if !RepeatsLines(strings.Repeat("x\n a \n", 4) + "a") {
		t.Error("five equal lines were not seen")
	}
	if r := LengthRatio("Äpfel", "привет мир"); r != 2 {
		t.Errorf("ratio %v, expected 2: characters count, not bytes", r)
	}
	if r := LengthRatio("", "abc"); r != 3 {
		t.Errorf("ratio to nothing %v, expected 3", r)
	}
	const source = "Anna sold 20 candy bars. What is the total? \\frac{number}{2}"
	for text, want := range map[string]float64{
		"":                                   0,
		"Anna verkaufte 20 Schokoriegel.":    0,      // a name is no copied word
		"Anna sold 20 candy bars, in all":    3. / 4, // of Anna, sold, candy, bars
		"Die Total-Summe, Candy und `sold`.": 1. / 2, // of Total-Summe and Candy, and no code
		"El total de barras de chocolate":    1. / 3,
		"Анна продала 20 candy bars":         2. / 4,
		"\\frac{número}{2} es la suma":       0,
	} {
		if got := Copied(text, source); got != want {
			t.Errorf("%q has %v of its words from the source, want %v", text, got, want)
		}
	}
}
