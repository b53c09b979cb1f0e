package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets"
)

// glmFit is what scikit-learn found: testdata/glm.py.
type glmFit struct {
	Weights []float64 `json:"weights"`
	WinRate float64   `json:"win_rate"`
	SE      float64   `json:"lc_standard_error"`
}

type glmGolden struct {
	C float64 `json:"c"`
	// Default is liblinear with its own stopping rule, as alpaca_eval runs it, and Tight with a stricter one.
	Default glmFit `json:"default"`
	Tight   glmFit `json:"tight"`
}

type glmCase struct {
	glmGolden
	Name       string    `json:"name"`
	Len1       []int     `json:"len_1"`
	Len2       []int     `json:"len_2"`
	Preference []float64 `json:"preference"`
	Difficulty []float64 `json:"difficulty"`
}

func (c glmCase) verdicts() ([]datasets.Annotation, map[string]float64) {
	annotations := verdicts(c.Preference...)
	var difficulty map[string]float64
	if c.Difficulty != nil {
		difficulty = map[string]float64{}
	}
	for i := range annotations {
		annotations[i].Output1, annotations[i].Output2 = strings.Repeat("ä", c.Len1[i]), strings.Repeat("x", c.Len2[i])
		if difficulty != nil {
			difficulty[annotations[i].Instruction] = c.Difficulty[i]
		}
	}
	return annotations, difficulty
}

func golden(t *testing.T) (g struct {
	Cases     []glmCase `json:"cases"`
	Published glmGolden `json:"published"`
}) {
	t.Helper()
	data, err := os.ReadFile("testdata/glm.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g glmGolden) check(t *testing.T, lc LengthControlled) {
	t.Helper()
	weights := []float64{lc.Length, lc.Base}
	if lc.Form == FullForm {
		weights = []float64{lc.Length, lc.Difficulty, lc.Base}
	}
	near(t, "C", math.Log(lc.C), math.Log(g.C), 1e-9)
	near(t, "win rate", lc.Rate.Mean, g.Default.WinRate, 1e-12)
	near(t, "win rate, stricter", lc.Rate.Mean, g.Tight.WinRate, 2e-5)
	near(t, "spread", lc.LeaderboardSE, g.Default.SE, 1e-12)
	for j, w := range weights {
		near(t, fmt.Sprint("weight ", j), w, g.Default.Weights[j], 1e-11)
		near(t, fmt.Sprint("weight, stricter ", j), w, g.Tight.Weights[j], 2e-4)
	}
}

// Synthetic verdicts of both forms give scikit-learn's weights, C and win rate.
func TestLengthControlledGolden(t *testing.T) {
	for _, c := range golden(t).Cases {
		t.Run(c.Name, func(t *testing.T) {
			annotations, difficulty := c.verdicts()
			lc, err := LengthControlledWinRate(annotations, difficulty)
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, lc)
			if zero := lc.Base == 0; zero != strings.Contains(strings.Join(lc.Warnings, " "), "by construction") {
				t.Errorf("base %v with the warnings %q", lc.Base, lc.Warnings)
			}
		})
	}
}

// In the excerpt length says nothing about the preference (see its README.md): at 0 the gradient of its weight is 0
// whatever the other weight is, and so it stays 0. The other one, b, then minimises |b| + C·Σ cross-entropy over n
// items, where n·C·(σ(b) − 0.625) = −1. Each fifth item is put into one fold: all folds then have the mean 0.625, so
// that the greatest C, 10⁴, predicts them best.
func TestLengthControlledExcerpt(t *testing.T) {
	published, row := leaderboard(t, excerpts, "model")
	annotations := make([]datasets.Annotation, len(published))
	var taken [folds]int
	for i, fold := range groupFolds(len(published), folds) {
		annotations[i] = published[fold+folds*taken[fold]]
		taken[fold]++
	}
	lc, err := LengthControlledWinRate(annotations, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "weight of length", lc.Length, 0, 0)
	near(t, "C", lc.C, 1e4, 1e-6)
	features, err := lengthFeatures(annotations, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := judged(annotations, features).fit(lc.C)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "win rate", sigmoid(w[1]), 0.625-1/(20*1e4), 1e-9)
	near(t, "win rate of the row", 100*sigmoid(w[1]), row["length_controlled_winrate"], 1e-7)
	near(t, "win rate where liblinear stops", lc.Rate.Mean, 0.625-1/(20*1e4), 1e-5)
	near(t, "spread", 100*lc.LeaderboardSE, row["lc_standard_error"], 1e-9)
}

func TestPublishedLengthControlled(t *testing.T) {
	annotations, row := leaderboard(t, dataFolder(t), publishedModel)
	lc, err := LengthControlledWinRate(annotations, nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t).Published.check(t, lc)
	// The leaderboard's number is of another regression (difficulty, and weights pulled to those of gamed models).
	near(t, "beside the leaderboard's", 100*lc.Rate.Mean, row["length_controlled_winrate"], 3)
}

// The sandwich error is that of a bootstrap over the items at the same C.
func TestLengthControlledError(t *testing.T) {
	c := golden(t).Cases[1]
	annotations, difficulty := c.verdicts()
	lc, err := LengthControlledWinRate(annotations, difficulty)
	if err != nil {
		t.Fatal(err)
	}
	features, err := lengthFeatures(annotations, c.Difficulty)
	if err != nil {
		t.Fatal(err)
	}
	var rates []float64
	for b := range 200 {
		var again softLogistic
		for i := range features {
			j := int(splitmix(uint64(b*len(features)+i)) % uint64(len(features)))
			again.x, again.p = append(again.x, features[j]), append(again.p, c.Preference[j]-1)
		}
		w, err := again.fit(lc.C)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, x := range features {
			sum += sigmoid(x[1]*w[1] + w[2])
		}
		rates = append(rates, sum/float64(len(features)))
	}
	near(t, "SE", lc.Rate.SE, MeanSE(rates).SE*math.Sqrt(float64(len(rates))), 0.15*lc.Rate.SE)
}

// splitmix is a hash of x (Steele, Lea and Flood, OOPSLA 2014).
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func TestLengthControlledFailures(t *testing.T) {
	sized := func(length func(i int) int, preferences ...float64) []datasets.Annotation {
		annotations := verdicts(preferences...)
		for i := range annotations {
			annotations[i].Output2 = strings.Repeat("x", length(i))
		}
		return annotations
	}
	varied := func(i int) int { return 10 + i*i%7 }
	nan := math.NaN()
	for name, c := range map[string]struct {
		annotations []datasets.Annotation
		difficulty  map[string]float64
		says        string
	}{
		"equal lengths":  {sized(func(int) int { return 3 }, 1, 2, 1.5, 1.2, 2), nil, "by -3 characters each"},
		"all won":        {sized(varied, 2, 2, 2, 2, 2, 2), nil, "no finite solution"},
		"told by length": {sized(func(i int) int { return 100 * (i % 2) }, 1, 2, 1, 2, 1, 2), nil, "no finite solution"},
		"too few":        {sized(varied, 1, 2, 1, nan, 2), nil, "of 4 verdicts, expected at least 5"},
		"no difficulty": {sized(varied, 1, 2, 1, 2, 2), map[string]float64{"0": 1},
			`annotation 1: instruction "1" has no difficulty`},
		"same difficulty": {sized(varied, 1, 2, 1, 2, 2), map[string]float64{"0": 1, "1": 1, "2": 1, "3": 1, "4": 1},
			"the same difficulty"},
		"none": {nil, nil, "no annotations"},
	} {
		lc, err := LengthControlledWinRate(c.annotations, c.difficulty)
		if err == nil || !strings.Contains(err.Error(), c.says) || lc.C != 0 {
			t.Errorf("%s: %+v, %v; expected an error with %q", name, lc, err, c.says)
		}
	}
}

// Failed verdicts stay out of the fit, and their lengths in its unit, as in alpaca_eval.
func TestLengthControlledWithFailures(t *testing.T) {
	c := golden(t).Cases[0]
	annotations, _ := c.verdicts()
	for i := range 40 {
		annotations[5*i].Preference = math.NaN()
	}
	lc, err := LengthControlledWinRate(annotations, nil)
	if err != nil || lc.Rate.N != 160 || !strings.Contains(strings.Join(lc.Warnings, " "), "failed on 40 of 200") {
		t.Fatalf("%+v, %v", lc, err)
	}
	near(t, "win rate", lc.Rate.Mean, c.Default.WinRate, 3*lc.Rate.SE)
}

// A model beside itself is as good as itself, whatever a judge says and whatever the lengths.
func TestLengthControlledBaseline(t *testing.T) {
	annotations := verdicts(1, 2, 1.25)
	for i := range annotations {
		annotations[i].Generator2 = annotations[i].Generator1
	}
	for name, score := range map[string]func() (LengthControlled, error){
		"minimal":   func() (LengthControlled, error) { return LengthControlledWinRate(annotations, nil) },
		"published": func() (LengthControlled, error) { return PublishedLengthControlled(annotations, nil) },
	} {
		lc, err := score()
		if err != nil || lc.Rate.Mean != 0.5 || lc.Rate.SE != 0 || lc.Rate.N != 3 {
			t.Errorf("%s: %+v, %v; expected 50 %%", name, lc, err)
		}
	}
}

// Orders of equal keys by numpy's argsort, version 1.24.2.
func TestGroupFoldsAreNumpys(t *testing.T) {
	for n, want := range map[int][]int{
		5:  {4, 3, 2, 1, 0},
		16: {0, 4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 4, 3, 2, 1, 0},
		17: {1, 2, 3, 4, 0, 1, 2, 1, 3, 0, 1, 2, 3, 4, 0, 4, 0},
		40: {4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 4, 3, 2, 4, 0, 1, 1, 3, 2, 1, 0, 4, 3, 2, 0, 2, 4, 3, 2, 1, 0, 4, 3,
			1, 0},
	} {
		if got := groupFolds(n, 5); !slices.Equal(got, want) {
			t.Errorf("%d items: folds %v, want %v", n, got, want)
		}
	}
}

// The 28 fits that once had another C than scikit-learn's, where LIDR_CASES names the folder of the cases and
// LIDR_ALPACA_EVAL that of alpaca_eval's published annotations, MODEL.json each.
func TestLengthControlledBesideScikitLearn(t *testing.T) {
	cases, published := os.Getenv("LIDR_CASES"), os.Getenv("LIDR_ALPACA_EVAL")
	if cases == "" || published == "" {
		t.Skip("LIDR_CASES and LIDR_ALPACA_EVAL do not name the folders of cases and of published annotations")
	}
	data, err := os.ReadFile(filepath.Join(cases, "fidelity", "length_controlled.json"))
	if err != nil {
		t.Fatal(err)
	}
	var fits []struct {
		Model string
		Form  string
		C     float64 `json:"sklearn_c"`
		Rate  float64 `json:"sklearn_lc"`
	}
	if err := json.Unmarshal(data, &fits); err != nil {
		t.Fatal(err)
	}
	for _, f := range fits {
		if f.Form != "min" {
			continue // the difficulties are not published with the annotations
		}
		annotations, err := datasets.LoadAnnotations(filepath.Join(published, f.Model+".json"))
		if err != nil {
			t.Error(err)
			continue
		}
		lc, err := LengthControlledWinRate(annotations, nil)
		if err != nil {
			t.Errorf("%s: %v", f.Model, err)
			continue
		}
		near(t, f.Model+", C", math.Log(lc.C), math.Log(f.C), 1e-9)
		near(t, f.Model+", win rate", 100*lc.Rate.Mean, f.Rate, 1e-9)
	}
}
