package judge

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lidrlab/lidr/lm"
)

// Whatever a judge says is a preference from 1 to 2, or none.
func FuzzVerdict(f *testing.F) {
	f.Add("m", "m", -0.1, "M", -2.3, true, lm.FinishStop)
	f.Add("M.", "", 0.0, "", 0.0, false, lm.FinishLength)
	f.Add("**m** or M", " M", math.Inf(-1), "m", math.NaN(), true, lm.FinishFilter)
	f.Add("<think>m</think>M", "<think>", 0.0, "m", -9.0, true, lm.FinishStop)
	f.Fuzz(func(t *testing.T, text, first string, p float64, second string, q float64, weighted bool, reason string) {
		a := lm.Answer{Completion: lm.Completion{Text: text, FinishReason: reason}}
		if weighted {
			a.TopLogprobs = []lm.TokenLogprob{{Token: first, Logprob: p}, {Token: second, Logprob: q}}
		}
		v := parseVerdict(a)
		if none := math.IsNaN(v.preference); !none && (v.preference < 1 || v.preference > 2) || none != (v.fault != "") ||
			v.kind.weighted+v.kind.words > 1 || !none && v.kind == (kinds{}) {
			t.Errorf("%+v is read as %+v", a, v)
		}
	})
}

func TestParseRating(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[string]float64{
		"[[7]]": 7, "Good, but short.\n\nRating: [[7.5]].": 7.5, "[[0]]": 0, "[[10]]": 10, "**[[10.0]]**": 10,
	} {
		if got := parseRating(verdict); float64(got) != want {
			t.Errorf("%q is read as %v, want %v", verdict, got, want)
		}
	}
	for _, verdict := range []string{
		"", "7", "[7]", "[[11]]", "[[10.5]]", "[[-1]]", "[[7/10]]", "[[ 7 ]]", "[[seven]]", "[[7", "[[7,5]]", "[[1e1]]",
		"[[NaN]]", "[[.5]]", "[[٧]]",
		"It says of itself [[10]]; I say [[3]].", "[[3]] [[3]]", "[[rating]]: [[3]]",
	} {
		if got := parseRating(verdict); !math.IsNaN(float64(got)) {
			t.Errorf("%q is read as %v, want a failed judge", verdict, got)
		}
	}
}

func FuzzParseRating(f *testing.F) {
	for _, seed := range []string{
		"[[7]]", "[[7.5]] and", "[[[[8]]]]", "[[10]][[", "[[99999999999999999999]]", "\xff[[3]]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, verdict string) {
		r := float64(parseRating(verdict))
		if !math.IsNaN(r) && (r < 0 || r > 10 || strings.Count(verdict, "[[") == 0) {
			t.Errorf("%q is read as %v", verdict, r)
		}
	})
}

// A verdict is weighed where the first token's probabilities are known and are not a thought's, read off the word where
// they are not, and none where the answer is none.
func TestParseVerdict(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	top := func(m, M float64) []lm.TokenLogprob {
		return []lm.TokenLogprob{{Token: "m", Logprob: m}, {Token: " M", Logprob: M}}
	}
	even := top(-1, -1)
	weighted, word := kinds{weighted: 1}, kinds{words: 1}
	for name, c := range map[string]struct {
		text, reason string
		top          []lm.TokenLogprob
		want         verdict
	}{
		"weighed":         {"m", lm.FinishLength, even, verdict{1.5, weighted, ""}},
		"impossible":      {"m", lm.FinishStop, top(-0.1, -9999), verdict{1, weighted, ""}},
		"both impossible": {"m", lm.FinishStop, top(-9999, math.Inf(-1)), verdict{none, weighted, noChoice}},
		"missing":         {"M", lm.FinishStop, even[1:], verdict{2, weighted, ""}},
		"what was said is not listed": {"M", lm.FinishStop, []lm.TokenLogprob{{Token: "m", Logprob: -1}, {Token: "I"}},
			verdict{2, word, ""}},
		"null": {"m", lm.FinishStop, top(none, -4.6), verdict{1, word, ""}},
		"null of another": {"m", lm.FinishStop, append(top(-1, -1), lm.TokenLogprob{Token: "x", Logprob: none}),
			verdict{1.5, weighted, ""}},
		"no list":      {"**M**", lm.FinishStop, nil, verdict{2, word, ""}},
		"both words":   {"m or M", lm.FinishStop, nil, verdict{none, word, noChoice}},
		"cut words":    {"The better", lm.FinishLength, nil, verdict{none, word, lm.FaultCut}},
		"other tokens": {"I", lm.FinishStop, []lm.TokenLogprob{{Token: "I"}}, verdict{none, weighted, noChoice}},
		"unlikely": {"I", lm.FinishStop, []lm.TokenLogprob{{Token: "I"}, {Token: "M", Logprob: -12}},
			verdict{none, weighted, noChoice}},
		"a thought":     {"<think>M?</think>m", lm.FinishStop, even, verdict{1, word, ""}},
		"half of one":   {"<think>M", lm.FinishLength, even, verdict{none, kinds{}, lm.FaultThought}},
		"begun":         {"<think>", lm.FinishLength, even, verdict{none, kinds{}, lm.FaultThought}},
		"withheld":      {"m", lm.FinishFilter, even, verdict{none, kinds{}, lm.FaultWithheld}},
		"refused":       {"", lm.FinishFailed, nil, verdict{none, kinds{}, lm.FaultFailed}},
		"declined":      {"m", lm.FinishRefusal, even, verdict{none, kinds{}, lm.FaultRefusal}},
		"empty":         {" ", lm.FinishStop, even, verdict{none, kinds{}, lm.FaultEmpty}},
		"another model": {"m", "by another", even, verdict{none, kinds{}, lm.FaultModel}},
	} {
		a := lm.Answer{Completion: lm.Completion{Text: c.text, FinishReason: c.reason}, TopLogprobs: c.top}
		if c.reason == "by another" {
			a.FinishReason, a.By = lm.FinishStop, "cheap"
		}
		if got := parseVerdict(a); !cmp.Equal(c.want, got, cmp.AllowUnexported(verdict{}, kinds{}), cmpopts.EquateNaNs()) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
