package eval

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: %.10g, expected %.10g", what, got, want)
	}
}

func TestMeanAndProportion(t *testing.T) {
	// 1, 2, 3, 4: sd² = 5/3 by hand, SE = √(5/12).
	e := MeanSE([]float64{1, 2, 3, 4})
	near(t, "mean", e.Mean, 2.5, 1e-15)
	near(t, "SE", e.SE, math.Sqrt(5.0/12), 1e-15)
	p, m := Proportion(3, 4), MeanSE([]float64{1, 1, 1, 0})
	near(t, "share", p.Mean, m.Mean, 1e-15)
	near(t, "SE of a share", p.SE, m.SE, 1e-15)
	near(t, "MGSM at one half", Proportion(125, 250).SE, 0.032, 0.0005)
	if e := MeanSE([]float64{7}); e.Mean != 7 || !math.IsNaN(e.SE) {
		t.Errorf("one item: %v, expected an unknown error", e)
	}
}

func TestEstimateJSON(t *testing.T) {
	for _, e := range []Estimate{{0.5, 0.1, 10}, {1, math.NaN(), 1}, {math.NaN(), math.NaN(), 0}} {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back Estimate
		if err := json.Unmarshal(data, &back); err != nil || back.String() != e.String() || back.N != e.N {
			t.Errorf("%s came back as %v, error %v", data, back, err)
		}
	}
}

// The interval holds its share to the last bit, where all items or none succeeded too: a figure draws it around that.
func TestWilsonHoldsItsShare(t *testing.T) {
	for n := 1; n <= 300; n++ {
		for k := range n + 1 {
			share := float64(k) / float64(n)
			if low, high := Wilson(k, n, Z95); low < 0 || low > share || high < share || high > 1 {
				t.Fatalf("%d of %d: %g to %g", k, n, low, high)
			}
		}
	}
}

// 81 of 263 is Newcombe's example (Statistics in Medicine 17, 1998: 0.2553 to 0.3662); of none the upper end is
// z²/(n+z²).
func TestWilson(t *testing.T) {
	low, high := Wilson(81, 263, Z95)
	near(t, "low", low, 0.2553, 5e-5)
	near(t, "high", high, 0.3662, 5e-5)
	low, high = Wilson(0, 10, Z95)
	near(t, "low of none", low, 0, 0)
	near(t, "high of none", high, Z95*Z95/(10+Z95*Z95), 1e-12)
}

func TestPaired(t *testing.T) {
	a, b := []float64{1, 1, 0, 1}, []float64{0, 1, 0, 0}
	d, err := PairedDifference(a, b) // 1, 0, 0, 1
	if err != nil {
		t.Fatal(err)
	}
	near(t, "difference", d.Mean, 0.5, 1e-15)
	near(t, "SE", d.SE, math.Sqrt(1.0/12), 1e-15)
	if _, err := PairedDifference(a, b[:3]); err == nil {
		t.Error("four scores against three were compared")
	}
}

// On many items the percentile interval comes to mean ± z·SE, and the seed settles it.
func TestPairedBootstrap(t *testing.T) {
	a, b := make([]float64, 400), make([]float64, 400)
	for i := range a {
		a[i], b[i] = math.Sin(float64(i))+0.1, math.Cos(3*float64(i))
	}
	d, _ := PairedDifference(a, b)
	boot, err := PairedBootstrap(a, b, 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "low", boot.Low, d.Mean-Z95*d.SE, 0.1*d.SE)
	near(t, "high", boot.High, d.Mean+Z95*d.SE, 0.1*d.SE)
	near(t, "p", boot.P, math.Erfc(d.Mean/d.SE/math.Sqrt2), 0.02)
	if again, _ := PairedBootstrap(a, b, 4000, 1); again != boot {
		t.Error("the same seed gave another interval")
	}
	if same, _ := PairedBootstrap(a, a, 100, 1); same.P != 1 || same.Low != 0 || same.High != 0 {
		t.Errorf("a model against itself: %+v", same)
	}
}

func TestMcNemar(t *testing.T) {
	var a, b []bool
	add := func(x, y bool, n int) {
		for range n {
			a, b = append(a, x), append(b, y)
		}
	}
	add(true, true, 50)
	add(true, false, 8)
	add(false, true, 2)
	m, err := McNemar(a, b)
	if err != nil || m.OnlyA != 8 || m.OnlyB != 2 {
		t.Fatalf("%+v, %v", m, err)
	}
	near(t, "p of 8 against 2", m.P, 2*(1+10+45)/1024.0, 1e-12) // the binomial tail by hand
	if m, _ := McNemar(a[:50], b[:50]); m.P != 1 {
		t.Errorf("p without discordant items: %v, expected 1", m.P)
	}
}

// rawWinRate is what a file of annotations must come to.
type rawWinRate struct {
	percent, se         float64
	wins, draws, losses int
}

// The excerpt's mean and its error are worked out in its README.md.
func TestWinRateOfExcerpt(t *testing.T) {
	path := filepath.Join(excerpts, "alpaca_eval", "model.annotations.json")
	checkWinRate(t, path, rawWinRate{percent: 62.5, se: 125 / math.Sqrt(20*19), wins: 10, draws: 5, losses: 5})
}

// The published annotations of one model give its published row of the AlpacaEval 2 leaderboard to ten digits.
func TestPublishedWinRate(t *testing.T) {
	path := filepath.Join(dataFolder(t), "alpaca_eval", "FuseChat-Llama-3.1-8B-Instruct.annotations.json")
	checkWinRate(t, path, rawWinRate{63.33158292362734, 1.4225069834256892, 518, 1, 286})
}

func checkWinRate(t *testing.T, path string, want rawWinRate) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var annotations []struct{ Preference float64 }
	if err := json.Unmarshal(data, &annotations); err != nil {
		t.Fatal(err)
	}
	wins, even := make([]float64, len(annotations)), make([]float64, len(annotations))
	for i, a := range annotations { // preference 1 to 2 is the probability that the model's answer is better, plus 1
		wins[i], even[i] = a.Preference-1, 0.5
	}
	e := MeanSE(wins)
	near(t, "win rate", 100*e.Mean, want.percent, 1e-10)
	near(t, "standard error", 100*e.SE, want.se, 1e-10)
	m, err := HeadToHead(wins, even)
	if err != nil {
		t.Fatal(err)
	}
	n := float64(want.wins + want.draws + want.losses)
	near(t, "wins", m.Win.Mean*n, float64(want.wins), 1e-9)
	near(t, "draws", m.Tie.Mean*n, float64(want.draws), 1e-9)
	near(t, "losses", m.Lose.Mean*n, float64(want.losses), 1e-9)
}
