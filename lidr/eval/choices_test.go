package eval

import (
	"math"
	"testing"
)

// Worked by hand. Per character the second question's choices have −4/2 = −2, −9/6 = −1.5 and −6/3 = −2; "Öl" and "日本語"
// are 2 and 3 characters, though 3 and 9 bytes: by bytes −4/3, −9/6 and −6/9 would make the last one the likeliest.
func TestAcc(t *testing.T) {
	for _, c := range []struct {
		logprobs  []float64
		choices   []string
		gold      int
		acc, norm float64
	}{
		{[]float64{-3, -1, -2}, []string{"a", "b", "c"}, 1, 1, 1},
		{[]float64{-4, -9, -6}, []string{"Öl", "liquid", "日本語"}, 1, 0, 1},
		{[]float64{-4, -9, -6}, []string{"Öl", "liquid", "日本語"}, 0, 1, 0},
		{[]float64{-2, -2}, []string{"ab", "cd"}, 0, 1, 1}, // the first of two equal ones
		{[]float64{-2, -2}, []string{"ab", "cd"}, 1, 0, 0},
		{[]float64{-0.1, -8}, []string{"", "long"}, 1, 0, 1}, // nothing to divide by
		{[]float64{math.Inf(-1), -700}, []string{"x", "y"}, 1, 1, 1},
	} {
		acc, err := Acc(c.logprobs, c.gold)
		norm, err2 := AccNorm(c.logprobs, c.choices, c.gold)
		if acc != c.acc || norm != c.norm || err != nil || err2 != nil {
			t.Errorf("%v: acc %v (%v), acc_norm %v (%v), expected %v and %v", c, acc, err, norm, err2, c.acc, c.norm)
		}
	}
}

// Probabilities 0.2, 0.1 and 0.1, of which the first and last are right: 0.3/0.4. The same 1,000 nats further down,
// where exp gives 0.
func TestMC2(t *testing.T) {
	for _, down := range []float64{0, 1000} {
		logprobs := []float64{math.Log(0.2) - down, math.Log(0.1) - down, math.Log(0.1) - down}
		got, err := MC2(logprobs, []bool{true, false, true})
		if err != nil || math.Abs(got-0.75) > 1e-12 {
			t.Errorf("%v nats down: MC2 is %v (%v), expected 0.75", down, got, err)
		}
	}
}

// Three questions, right, right, wrong: 2/3 ± sqrt(2/9 / 2) = 1/3. MC2 of 0.5, 0.75 and 1: 0.75 ± 0.25/√3.
func TestChoicesStandardErrors(t *testing.T) {
	var acc, mc2 []float64
	for i, logprobs := range [][]float64{{-1, -1}, {math.Log(0.6), math.Log(0.2)}, {-5, math.Inf(-1)}} {
		a, err := Acc(logprobs, []int{0, 0, 1}[i])
		m, err2 := MC2(logprobs, []bool{true, false})
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		acc, mc2 = append(acc, a), append(mc2, m)
	}
	for i, want := range []Estimate{{2. / 3, 1. / 3, 3}, {0.75, 0.25 / math.Sqrt(3), 3}} {
		got := MeanSE([][]float64{acc, mc2}[i])
		if math.Abs(got.Mean-want.Mean) > 1e-12 || math.Abs(got.SE-want.SE) > 1e-12 || got.N != 3 {
			t.Errorf("%v, expected %v", got, want)
		}
	}
}

func TestBadChoices(t *testing.T) {
	nan := math.NaN()
	for name, call := range map[string]func() (float64, error){
		"no choice":        func() (float64, error) { return Acc(nil, 0) },
		"gold beyond":      func() (float64, error) { return Acc([]float64{-1, -2}, 2) },
		"NaN":              func() (float64, error) { return Acc([]float64{-1, nan}, 0) },
		"probability 7.4":  func() (float64, error) { return Acc([]float64{-1, 2}, 0) },
		"one text too few": func() (float64, error) { return AccNorm([]float64{-1, -2}, []string{"a"}, 0) },
		"label missing":    func() (float64, error) { return MC2([]float64{-1, -2}, []bool{true}) },
		"impossible":       func() (float64, error) { return MC2([]float64{math.Inf(-1)}, []bool{true}) },
	} {
		if x, err := call(); err == nil {
			t.Errorf("%s: %v without an error", name, x)
		}
	}
}
