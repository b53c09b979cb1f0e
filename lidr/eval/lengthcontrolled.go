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

// The two forms of the length-controlled win rate.
const (
	MinimalForm = "minimal" // tanh(Δlength/sd) and 1: alpaca_eval's length_controlled_minimal
	FullForm    = "full"    // and the instruction's difficulty: its length_controlled_noreg
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
// by a cross-validation over items in 5 folds. difficulty has a number for each instruction (see
// [datasets.LoadDifficulties]); with nil the form is the minimal one. alpaca_eval's published column also pulls the
// weights towards those of two models with answers of manipulated length, whose annotations it downloads: compare the
// numbers of this function with each other only.
//
// Failed verdicts, NaN, are not part of the regression. It is an error if there is nothing to control for (answers that
// all differ by the same length), if the features predict all verdicts without an error (there is then no finite
// solution), or if the regression does not converge.
func LengthControlledWinRate(
	annotations []datasets.Annotation, difficulty map[string]float64,
) (LengthControlled, error) {
	raw, err := ScoreWinRate(annotations)
	if err != nil {
		return LengthControlled{}, err
	}
	if raw.Total < folds {
		return LengthControlled{}, fmt.Errorf("eval: a length-controlled win rate of %d verdicts, expected at least %d",
			raw.Total, folds)
	}
	features, err := lengthFeatures(annotations, difficulty)
	if err != nil {
		return LengthControlled{}, err
	}
	var data softLogistic
	for i, a := range annotations {
		if !math.IsNaN(a.Preference) {
			data.x = append(data.x, features[i])
			data.p = append(data.p, a.Preference-1)
		}
	}
	if err := data.separable(); err != nil {
		return LengthControlled{}, err
	}
	w, c, err := data.fitCV()
	if err != nil {
		return LengthControlled{}, err
	}
	lc := LengthControlled{Form: MinimalForm, Length: w[0], Base: w[len(w)-1], C: c}
	if difficulty != nil {
		lc.Form, lc.Difficulty = FullForm, w[1]
	}
	lc.predict(data, features, w)
	lc.Rate.N = raw.Total
	lc.Warnings = append(raw.Warnings, lc.doubts(raw.Rate.Mean)...)
	return lc, nil
}

// lengthFeatures returns a row for each annotation: tanh(Δlength/sd), in the full form the difficulty, and 1.
func lengthFeatures(annotations []datasets.Annotation, difficulty map[string]float64) ([][]float64, error) {
	delta, hard := make([]float64, len(annotations)), make([]float64, len(annotations))
	for i, a := range annotations {
		delta[i] = float64(utf8.RuneCountInString(a.Output1) - utf8.RuneCountInString(a.Output2))
		d, ok := difficulty[a.Instruction]
		if difficulty != nil && (!ok || math.IsNaN(d) || math.IsInf(d, 0)) {
			return nil, fmt.Errorf("eval: annotation %d: instruction %.40q has no difficulty, "+
				"expected a number for each, or none at all for the minimal form", i, a.Instruction)
		}
		hard[i] = d
	}
	sd := stat.StdDev(delta, nil)
	if sd == 0 {
		return nil, fmt.Errorf("eval: the answers differ from the reference's by %v characters each: "+
			"there is no length to control for, use the raw win rate", delta[0])
	}
	if difficulty != nil && stat.StdDev(hard, nil) == 0 {
		return nil, errors.New("eval: all instructions have the same difficulty, " +
			"which cannot be told from the model's strength: use the minimal form")
	}
	rows := make([][]float64, len(annotations))
	for i := range rows {
		rows[i] = []float64{math.Tanh(delta[i] / sd), 1}
		if difficulty != nil {
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
// error is aᵀH⁻¹MH⁻¹a/n.
func (lc *LengthControlled) predict(data softLogistic, features [][]float64, w []float64) {
	n, d := float64(len(data.x)), len(w)
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
		hessian.SymRankOne(hessian, s*(1-s)/n, x)
		squares.SymRankOne(squares, (s-data.p[i])*(s-data.p[i])/n, x)
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
