package eval

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
	Win        int     `json:"win"`        // answers of To that beat From's
	Tie        int     `json:"tie"`
	Lose       int     `json:"lose"`
	N          int     `json:"n"` // items
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
