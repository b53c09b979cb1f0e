package eval

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"lidrlab/datasets"
)

// The forms of the length-controlled win rate.
const (
	MinimalForm   = "minimal"   // tanh(Δlength/sd) and 1: alpaca_eval's length_controlled_minimal
	FullForm      = "full"      // and the instruction's difficulty: its length_controlled_noreg
	PublishedForm = "published" // and weights pulled to those of gamed models: its length_controlled_v1
)

// LengthControlled is the win rate that a model would have with answers as long as the reference's, estimated by a
// logistic regression of the preferences.
type LengthControlled struct {
	// Rate is the length-controlled win rate. Its error is that of the regression's weights (the sandwich estimator:
	// Huber 1967, White 1982) for the given penalty and C.
	Rate Estimate `json:"length_controlled_win_rate"`
	// LeaderboardSE is alpaca_eval's lc_standard_error over 100: the spread of the predictions over the instructions,
	// sd/√n. It is no error of the rate; in the minimal form it is 0.
	LeaderboardSE float64 `json:"lc_standard_error"`

	Form       string   `json:"form"`
	Length     float64  `json:"length"`     // weight of tanh(Δlength/sd), Δ = characters of the reference − of the model
	Difficulty float64  `json:"difficulty"` // weight of the difficulty, 0 in the minimal form
	Base       float64  `json:"base"`       // weight of 1
	C          float64  `json:"c"`          // inverse strength of the L1 penalty, by cross-validation
	Warnings   []string `json:"warnings,omitempty"`
}

// LengthControlledWinRate returns the length-controlled win rate of one model against one reference by one annotator.
// It is alpaca_eval's regression (metrics/glm_winrate.py; Dubois et al., arXiv 2404.04475): no intercept, L1 penalty, C
// by a cross-validation over items in 5 folds, solved with scikit-learn's steps and folds. difficulty has a number for
// each instruction (see [datasets.LoadDifficulties]); with nil the form is the minimal one. The leaderboard's column is
// [PublishedLengthControlled].
//
// Failed verdicts, NaN, are not part of the regression. A model beside itself has 50 % by definition. It is an error if
// there is nothing to control for (answers that all differ by the same length), or if the features predict all verdicts
// without an error (there is then no finite solution).
func LengthControlledWinRate(
	annotations []datasets.Annotation, difficulty map[string]float64,
) (LengthControlled, error) {
	raw, err := scorable(annotations)
	if err != nil {
		return LengthControlled{}, err
	}
	lc := LengthControlled{Form: MinimalForm}
	if difficulty != nil {
		lc.Form = FullForm
	}
	if raw.Model == raw.Reference {
		return lc.besideItself(raw), nil
	}
	var hard []float64
	for i, a := range annotations {
		d, ok := difficulty[a.Instruction]
		if difficulty != nil && (!ok || math.IsNaN(d) || math.IsInf(d, 0)) {
			return LengthControlled{}, fmt.Errorf("eval: annotation %d: instruction %.40q has no difficulty, "+
				"expected a number for each, or none at all for the minimal form", i, a.Instruction)
		}
		if difficulty != nil {
			hard = append(hard, d)
		}
	}
	features, err := lengthFeatures(annotations, hard)
	if err != nil {
		return LengthControlled{}, err
	}
	data := judged(annotations, features)
	if err := data.separable(); err != nil {
		return LengthControlled{}, err
	}
	return lc.fit(raw, data, len(data.x), features), nil
}

// PublishedLengthControlled returns the win rate that alpaca_eval publishes as length_controlled_winrate (its
// length_controlled_v1): the full form, with weights pulled towards those of models whose answers were made short or
// long on purpose. gamed are the verdicts on them, which alpaca_eval downloads as df_gamed.csv ([datasets.LoadGamed]);
// they hold the difficulties too. The annotations are of AlpacaEval's instructions in AlpacaEval's order.
func PublishedLengthControlled(
	annotations []datasets.Annotation, gamed []datasets.GamedVerdict,
) (LengthControlled, error) {
	const pull = 0.2 / 2 // alpaca_eval's strength, of each of its two models
	raw, err := scorable(annotations)
	if err != nil {
		return LengthControlled{}, err
	}
	lc := LengthControlled{Form: PublishedForm}
	if raw.Model == raw.Reference {
		return lc.besideItself(raw), nil
	}
	known := map[int]float64{}
	for _, g := range gamed {
		if _, twice := known[g.Index]; !twice {
			known[g.Index] = g.Difficulty
		}
	}
	hard := make([]float64, len(annotations))
	for i := range annotations {
		d, ok := known[i]
		if !ok {
			return lc, fmt.Errorf("eval: instruction %d of %d has no difficulty among the %d gamed verdicts: expected "+
				"AlpacaEval's instructions in AlpacaEval's order", i, len(annotations), len(gamed))
		}
		hard[i] = d
	}
	features, err := lengthFeatures(annotations, hard)
	if err != nil {
		return LengthControlled{}, err
	}
	data := softLogistic{chained: true}
	for _, g := range gamed {
		if math.IsNaN(g.Preference) {
			continue
		}
		data.x = append(data.x, []float64{math.Tanh(g.DeltaLength), g.Difficulty, 0})
		data.p = append(data.p, g.Preference)
		data.weight = append(data.weight, pull)
	}
	own := judged(annotations, features)
	for i := range own.x {
		data.x = append(data.x, own.x[i])
		data.p = append(data.p, own.p[i])
		data.weight = append(data.weight, 1)
	}
	return lc.fit(raw, data, len(own.x), features), nil
}

// scorable is the raw win rate of annotations that are enough for a regression.
func scorable(annotations []datasets.Annotation) (WinRate, error) {
	raw, err := ScoreWinRate(annotations)
	if err == nil && raw.Total < folds && raw.Model != raw.Reference {
		err = fmt.Errorf("eval: a length-controlled win rate of %d verdicts, expected at least %d", raw.Total, folds)
	}
	return raw, err
}

// besideItself is the win rate of the baseline, 50 % by definition.
func (lc LengthControlled) besideItself(raw WinRate) LengthControlled {
	lc.Rate = Estimate{Mean: 0.5, N: raw.Total}
	lc.Warnings = raw.Warnings
	return lc
}

// judged are the verdicts that are none of a failed judge.
func judged(annotations []datasets.Annotation, features [][]float64) (data softLogistic) {
	for i, a := range annotations {
		if !math.IsNaN(a.Preference) {
			data.x = append(data.x, features[i])
			data.p = append(data.p, a.Preference-1)
		}
	}
	return data
}

// fit fills in what the regression finds. The last own rows of the data are the model's, features those of all
// instructions.
func (lc LengthControlled) fit(raw WinRate, data softLogistic, own int, features [][]float64) LengthControlled {
	w, c, converged := data.fitCV()
	lc.Length, lc.Base, lc.C = w[0], w[len(w)-1], c
	if lc.Form != MinimalForm {
		lc.Difficulty = w[1]
	}
	lc.predict(data, own, features, w)
	lc.Rate.N = raw.Total
	lc.Warnings = append(raw.Warnings, lc.doubts(raw.Rate.Mean)...)
	if !converged {
		lc.Warnings = append(lc.Warnings, "the regression stopped before it converged, as scikit-learn's would")
	}
	return lc
}

// lengthFeatures returns a row for each annotation: tanh(Δlength/sd), the difficulty if there are any, and 1.
func lengthFeatures(annotations []datasets.Annotation, hard []float64) ([][]float64, error) {
	delta := make([]float64, len(annotations))
	for i, a := range annotations {
		delta[i] = float64(utf8.RuneCountInString(a.Output1) - utf8.RuneCountInString(a.Output2))
	}
	sd := stat.StdDev(delta, nil)
	if sd == 0 {
		return nil, fmt.Errorf("eval: the answers differ from the reference's by %v characters each: "+
			"there is no length to control for, use the raw win rate", delta[0])
	}
	if hard != nil && stat.StdDev(hard, nil) == 0 {
		return nil, errors.New("eval: all instructions have the same difficulty, " +
			"which cannot be told from the model's strength: use the minimal form")
	}
	rows := make([][]float64, len(annotations))
	for i := range rows {
		rows[i] = []float64{math.Tanh(delta[i] / sd), 1}
		if hard != nil {
			rows[i] = []float64{rows[i][0], hard[i], 1}
		}
	}
	return rows, nil
}

// weakPenalty is the C of a fit that is hardly penalised, the greatest of the cross-validation.
const weakPenalty = 1e4

// separable is an error if every verdict is 0 or 1 and a fit with a weak penalty predicts them all: the weights then
// become as great as the penalty allows, and the win rate depends on C alone.
func (l softLogistic) separable() error {
	for _, p := range l.p {
		if p != 0 && p != 1 {
			return nil
		}
	}
	w, err := l.fit(weakPenalty)
	if err != nil {
		return err
	}
	for i, x := range l.x {
		if (2*l.p[i]-1)*floats.Dot(x, w) <= 0 {
			return nil
		}
	}
	return errors.New("eval: the features tell all the verdicts apart without an error, " +
		"so that the regression has no finite solution: " +
		"use the raw win rate, more items, or a judge that gives probabilities")
}

// predict fills in the win rate, the mean of σ(difficulty·w + base), and its errors. With H the Hessian of the mean
// loss over the items, M the mean of the squared gradients and a the rate's derivative by the weights, the squared
// error is aᵀH⁻¹MH⁻¹a/n. Only the last own rows are drawn anew in another sample of verdicts: those before are given.
func (lc *LengthControlled) predict(data softLogistic, own int, features [][]float64, w []float64) {
	n, d := float64(own), len(w)
	slope := mat.NewVecDense(d, nil)
	predictions := make([]float64, len(features))
	for i, row := range features {
		x := append([]float64{0}, row[1:]...)
		predictions[i] = sigmoid(floats.Dot(x, w))
		slope.AddScaledVec(slope, predictions[i]*(1-predictions[i])/float64(len(features)), mat.NewVecDense(d, x))
	}
	spread := MeanSE(predictions)
	lc.Rate.Mean = spread.Mean
	lc.LeaderboardSE = spread.SE
	hessian, squares := mat.NewSymDense(d, nil), mat.NewSymDense(d, nil)
	for i, row := range data.x {
		x, s := mat.NewVecDense(d, row), sigmoid(floats.Dot(row, w))
		weight := 1.0
		if data.weight != nil {
			weight = data.weight[i]
		}
		hessian.SymRankOne(hessian, weight*s*(1-s)/n, x)
		if i >= len(data.x)-own {
			squares.SymRankOne(squares, (s-data.p[i])*(s-data.p[i])/n, x)
		}
	}
	var factor mat.Cholesky
	var influence mat.VecDense
	lc.Rate.SE = math.NaN()
	if factor.Factorize(hessian) && factor.SolveVecTo(&influence, slope) == nil {
		lc.Rate.SE = math.Sqrt(mat.Inner(&influence, squares, &influence) / n)
	}
}

// doubts returns alpaca_eval's warning of an extreme change (10 points and a quarter of the possible change), and one
// of a penalty under which no weight but that of length is left.
func (lc LengthControlled) doubts(raw float64) []string {
	var doubts []string
	mean := lc.Rate.Mean
	if mean < min(raw-raw/4, raw-0.1) || mean > max(raw+(1-raw)/4, raw+0.1) {
		doubts = append(doubts, fmt.Sprintf("the length-controlled win rate %.1f %% is far from the raw one, %.1f %%: "+
			"the regression may have failed", 100*mean, 100*raw))
	}
	if lc.Base == 0 && lc.Difficulty == 0 {
		doubts = append(doubts, "the penalty left no weight but that of length, and a win rate of 50 % by construction: "+
			"too few items to say more")
	}
	return doubts
}
