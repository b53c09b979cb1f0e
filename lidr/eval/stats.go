package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Z95 is the normal quantile of a two-sided 95 % interval.
const Z95 = 1.959963984540054

// Estimate is a mean over N items with its standard error, sd/√N with sd over N−1. With fewer than two items the
// standard error is unknown: NaN here, null in JSON.
type Estimate struct {
	Mean float64
	SE   float64
	N    int
}

// estimateJSON is Estimate's form in a file. JSON has no NaN.
type estimateJSON struct {
	Mean *float64 `json:"mean"`
	SE   *float64 `json:"se"`
	N    int      `json:"n"`
}

// MarshalJSON writes {"mean": …, "se": …, "n": …} with null for what is unknown.
func (e Estimate) MarshalJSON() ([]byte, error) {
	known := func(x float64) *float64 {
		if math.IsNaN(x) {
			return nil
		}
		return &x
	}
	return json.Marshal(estimateJSON{known(e.Mean), known(e.SE), e.N})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Estimate) UnmarshalJSON(data []byte) error {
	var j estimateJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	known := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	*e = Estimate{known(j.Mean), known(j.SE), j.N}
	return nil
}

// String returns the mean and its standard error, as in "0.712 ± 0.029".
func (e Estimate) String() string { return fmt.Sprintf("%.3f ± %.3f", e.Mean, e.SE) }

// MeanSE returns the mean of x with its standard error, NaN if x is empty.
func MeanSE(x []float64) Estimate {
	mean, sd := stat.MeanStdDev(x, nil)
	if len(x) < 2 {
		return Estimate{Mean: mean, SE: math.NaN(), N: len(x)}
	}
	return Estimate{Mean: mean, SE: sd / math.Sqrt(float64(len(x))), N: len(x)}
}

// Proportion returns the share of successes in n items, equal to [MeanSE] over their zeros and ones.
func Proportion(successes, n int) Estimate {
	p := float64(successes) / float64(n)
	if n < 2 {
		return Estimate{Mean: p, SE: math.NaN(), N: n}
	}
	return Estimate{Mean: p, SE: math.Sqrt(p * (1 - p) / float64(n-1)), N: n}
}

// Wilson returns the score interval of a share (E. B. Wilson, JASA 22, 1927). Unlike mean ± z·SE it stays within 0 and
// 1, and has a width above 0 if all items or none succeeded. z is a normal quantile, such as [Z95]. For no items it is
// 0 to 1.
func Wilson(successes, n int, z float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	k, m := float64(successes), float64(n)
	centre := (k + z*z/2) / (m + z*z)
	half := z / (m + z*z) * math.Sqrt(k*(m-k)/m+z*z/4)
	share := k / m // which rounding must not leave outside
	return max(0, min(share, centre-half)), min(1, max(share, centre+half))
}

// PairedDifference returns the mean of a[i] − b[i] with its standard error, for two models on the same items.
func PairedDifference(a, b []float64) (Estimate, error) {
	d, err := differences(a, b)
	return MeanSE(d), err
}

func differences(a, b []float64) ([]float64, error) {
	if len(a) != len(b) {
		return nil, fmt.Errorf("eval: %d and %d scores, expected the same items for both", len(a), len(b))
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d, nil
}

// Bootstrap is a paired bootstrap of a difference of means.
type Bootstrap struct {
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"`  // 2.5 % quantile of the resampled differences
	High       float64 `json:"high"` // 97.5 % quantile
	P          float64 `json:"p"`    // two-sided: 2·min(share ≤ 0, share ≥ 0), each counted with (k+1)/(B+1)
	Resamples  int     `json:"resamples"`
}

// PairedBootstrap returns the bootstrap of the mean of a[i] − b[i], whose items it resamples with replacement
// (percentile interval; Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). The same seed gives
// the same interval. P is never below 2/(resamples+1), since no number of resamples shows that an outcome is
// impossible.
func PairedBootstrap(a, b []float64, resamples int, seed int64) (Bootstrap, error) {
	d, err := differences(a, b)
	if err != nil {
		return Bootstrap{}, err
	}
	if len(d) == 0 || resamples < 1 {
		return Bootstrap{}, fmt.Errorf("eval: a bootstrap of %d items and %d resamples, expected at least one of each",
			len(d), resamples)
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	means := make([]float64, resamples)
	below, above := 1, 1
	for r := range means {
		sum := 0.0
		for range d {
			sum += d[random.IntN(len(d))]
		}
		means[r] = sum / float64(len(d))
		if means[r] <= 0 {
			below++
		}
		if means[r] >= 0 {
			above++
		}
	}
	sort.Float64s(means)
	return Bootstrap{
		Difference: stat.Mean(d, nil),
		Low:        stat.Quantile(0.025, stat.Empirical, means, nil),
		High:       stat.Quantile(0.975, stat.Empirical, means, nil),
		P:          min(1, 2*float64(min(below, above))/float64(resamples+1)),
		Resamples:  resamples,
	}, nil
}

// McNemarTest is the comparison of two models by the items on which only one of them is right.
type McNemarTest struct {
	OnlyA int     `json:"only_a"`
	OnlyB int     `json:"only_b"`
	P     float64 `json:"p"` // exact, two-sided
}

// SignTest returns the two-sided p-value of so many wins and losses, if either were a toss of a fair coin: min(1,
// 2·P(X ≤ min(wins, losses))). It is 1 where there is neither.
func SignTest(wins, losses int) float64 {
	n := wins + losses
	if n == 0 {
		return 1
	}
	coin := distuv.Binomial{N: float64(n), P: 0.5}
	return min(1, 2*coin.CDF(float64(min(wins, losses))))
}

// McNemar returns the exact test of two models' verdicts on the same items (McNemar, Psychometrika 12, 1947, with the
// binomial distribution instead of χ²): the [SignTest] of the items on which only one of them is right.
func McNemar(a, b []bool) (McNemarTest, error) {
	if len(a) != len(b) {
		return McNemarTest{}, fmt.Errorf("eval: %d and %d verdicts, expected the same items for both", len(a), len(b))
	}
	var t McNemarTest
	for i := range a {
		switch {
		case a[i] && !b[i]:
			t.OnlyA++
		case b[i] && !a[i]:
			t.OnlyB++
		}
	}
	t.P = SignTest(t.OnlyA, t.OnlyB)
	return t, nil
}
