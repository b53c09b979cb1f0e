package judge

import (
	"math"
	"strings"
	"testing"

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
