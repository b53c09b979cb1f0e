package eval

import "math"

// Score is one metric of one model in one language, or in the mean over several.
type Score struct {
	Model  string  `json:"model"`
	Metric string  `json:"metric"`
	Lang   string  `json:"lang"`
	Scope  string  `json:"scope"` // "language", or "mean": then Lang is "trained" or "unseen", the languages it is over
	Value  float64 `json:"value"`
	SE     float64 `json:"se"` // standard error, over the items
	N      int     `json:"n"`  // items
	// Identifier is the name and version of the identifier that labelled the answers' languages, where the metric
	// depends on them.
	Identifier string `json:"identifier,omitempty"`
}

// Change is the difference of one metric between two models on the same items, in one language or in the mean over
// several.
type Change struct {
	From       string  `json:"from"`
	To         string  `json:"to"`
	Metric     string  `json:"metric"`
	Lang       string  `json:"lang"`
	Scope      string  `json:"scope"`      // as of a [Score]
	Difference float64 `json:"difference"` // To − From
	SE         float64 `json:"se"`         // of the paired difference
	P          float64 `json:"p"`          // two-sided, by Test; NaN if not tested
	OnlyTo     int     `json:"only_to"`    // items that To's answers count more on
	OnlyFrom   int     `json:"only_from"`  // items that From's count more on
	N          int     `json:"n"`          // items
}

// Significance is the level of every test and mark: a change counts where P is below it, or, where none was tested,
// where its interval of 95 % does not hold 0.
const Significance = 0.05

// Significant reports whether the change is told from none, at the level [Significance].
func (c Change) Significant() bool {
	if !math.IsNaN(c.P) {
		return c.P < Significance
	}
	return c.SE > 0 && math.Abs(c.Difference) > Z95*c.SE
}

// Interval returns the score's interval of 95 %: Wilson's where the value is a share of N items that each count or not,
// else the normal one.
func (s Score) Interval() (low, high float64) {
	hits := s.Value * float64(s.N)
	whole := math.Round(hits)
	whether := math.Abs(s.SE*s.SE*float64(s.N-1)-s.Value*(1-s.Value)) < 1e-9 // each item is 0 or 1
	if s.Scope == "language" && s.N > 0 && whether && math.Abs(hits-whole) < 1e-6 {
		return Wilson(int(whole), s.N, Z95)
	}
	return s.Value - Z95*s.SE, s.Value + Z95*s.SE
}

// Test names the test that gives a change's P: "McNemar, exact" in a language, "paired bootstrap" for a mean.
func (c Change) Test() string {
	if c.Scope == "mean" {
		return "paired bootstrap"
	}
	return "McNemar, exact"
}

// comparisonResamples is how often [ComparePaired] resamples the items, enough for p-values down to 0.0002.
const comparisonResamples = 10_000

// ComparePaired returns the mean of after[i] − before[i] and its two-sided p-value: by [McNemar] where binary says that
// an item is right (above 0) or wrong, by [PairedBootstrap] with this seed where it is a mean.
func ComparePaired(after, before []float64, binary bool, seed int64) (difference Estimate, p float64, err error) {
	difference, err = PairedDifference(after, before)
	if err != nil {
		return Estimate{}, 0, err
	}
	if binary {
		test, err := McNemar(aboveZero(after), aboveZero(before))
		return difference, test.P, err
	}
	bootstrap, err := PairedBootstrap(after, before, comparisonResamples, seed)
	return difference, bootstrap.P, err
}

func aboveZero(x []float64) []bool {
	hits := make([]bool, len(x))
	for i := range x {
		hits[i] = x[i] > 0
	}
	return hits
}
