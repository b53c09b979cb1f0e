package eval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// softLogistic is a logistic regression without intercept whose labels are probabilities.
type softLogistic struct {
	x [][]float64 // items × features
	p []float64   // probability of the label 1, of each item
	// weight is that of each item, nil for 1 each. Only liblinear and the cross-validation know it.
	weight []float64
	// chained lets the candidates of a fold draw their orders one after another, as LogisticRegressionCV does, where
	// alpaca_eval's published numbers are to be met. Otherwise each fit is scikit-learn's LogisticRegression by itself.
	chained bool
}

// fit minimises ‖w‖₁ + c·Σ −p·ln σ(x·w) − (1−p)·ln σ(−x·w). This is liblinear's L1-regularised logistic regression with
// each item given twice, once for each label with the label's probability as weight. The method is proximal Newton
// (Lee, Sun and Saunders, SIAM J. Optim. 24, 2014): each step goes towards the minimum of the objective in which the
// quadratic around w replaces the smooth part, and is halved until the objective falls enough. It converges even if
// features are nearly equal, as length and 1 are for a model with brief answers only. It ends when no subgradient is
// further from 0 than tolerance·max(1, c·items).
func (l softLogistic) fit(c float64) ([]float64, error) {
	const (
		steps     = 500
		tolerance = 1e-9
	)
	w := make([]float64, len(l.x[0]))
	for range steps {
		g, h := l.derivatives(c, w)
		worst := 0.0
		for j := range w {
			if w[j] == 0 {
				worst = max(worst, math.Abs(g[j])-1)
			} else {
				worst = max(worst, math.Abs(g[j]+math.Copysign(1, w[j])))
			}
		}
		if worst <= tolerance*max(1, c*float64(len(l.x))) {
			return w, nil
		}
		next, ok := l.shortened(c, w, quadraticMinimum(g, h, w), g)
		if !ok {
			break
		}
		w = next
	}
	return nil, fmt.Errorf("eval: the logistic regression with C = %.4g did not converge: use the raw win rate", c)
}

// derivatives returns the gradient and the Hessian of the smooth part.
func (l softLogistic) derivatives(c float64, w []float64) ([]float64, *mat.SymDense) {
	d := len(w)
	g, h := make([]float64, d), make([]float64, d*d)
	for i, x := range l.x {
		s := sigmoid(floats.Dot(x, w))
		floats.AddScaled(g, c*(s-l.p[i]), x)
		for j := range d {
			floats.AddScaled(h[j*d:(j+1)*d], c*s*(1-s)*x[j], x)
		}
	}
	for j := range d {
		h[j*d+j] += 1e-12 // so that it can be inverted if all predictions are 0 or 1
	}
	return g, mat.NewSymDense(d, h)
}

// quadraticMinimum returns the u that minimises g·(u−w) + ½(u−w)ᵀh(u−w) + ‖u‖₁. It tries all signs of u, 3 for each of
// the few features: for given signs u solves a linear system, and the best of the solutions that have their signs is
// the minimum.
func quadraticMinimum(g []float64, h *mat.SymDense, w []float64) []float64 {
	d := len(w)
	objective := func(u []float64) float64 {
		delta := mat.NewVecDense(d, nil)
		delta.SubVec(mat.NewVecDense(d, u), mat.NewVecDense(d, w))
		return floats.Dot(g, delta.RawVector().Data) + mat.Inner(delta, h, delta)/2 + floats.Norm(u, 1)
	}
	best := make([]float64, d)
	lowest := objective(best)
	for pattern := range int(math.Pow(3, float64(d))) {
		a, b, signs := mat.NewDense(d, d, nil), mat.NewVecDense(d, nil), make([]float64, d)
		for j, rest := 0, pattern; j < d; j, rest = j+1, rest/3 {
			signs[j] = float64(rest%3 - 1)
			a.Set(j, j, 1) // a feature without a sign has u = 0
			if signs[j] != 0 {
				row := mat.Row(nil, j, h)
				b.SetVec(j, floats.Dot(row, w)-g[j]-signs[j])
				a.SetRow(j, row)
			}
		}
		var u mat.VecDense
		if err := u.SolveVec(a, b); err != nil && u.IsEmpty() {
			continue
		}
		candidate := u.RawVector().Data
		keeps := true
		for j, s := range signs {
			candidate[j] *= math.Abs(s) // without a sign exactly 0
			keeps = keeps && candidate[j]*s >= 0
		}
		if value := objective(candidate); keeps && value < lowest {
			best, lowest = candidate, value
		}
	}
	return best
}

// shortened returns a point from w towards u, halving the step until the objective falls by at least a hundredth of
// what its slope at w predicts. ok is false if no step does.
func (l softLogistic) shortened(c float64, w, u, g []float64) (_ []float64, ok bool) {
	const (
		enough   = 0.01  // of the predicted change
		shortest = 1e-12 // step
		rounding = 1e-13 // of the objective, which is a sum over the items
	)
	before := l.objective(c, w)
	predicted := floats.Dot(g, u) - floats.Dot(g, w) + floats.Norm(u, 1) - floats.Norm(w, 1)
	for t := 1.0; t > shortest; t /= 2 {
		next := make([]float64, len(w))
		floats.AddScaledTo(next, floats.ScaleTo(next, 1-t, w), t, u)
		if l.objective(c, next) <= before+enough*t*predicted+rounding*before {
			return next, true
		}
	}
	return nil, false
}

func (l softLogistic) objective(c float64, w []float64) float64 {
	sum := 0.0
	for i, x := range l.x {
		sum += crossEntropy(l.p[i], floats.Dot(x, w))
	}
	return c*sum + floats.Norm(w, 1)
}

// crossEntropy returns −p·ln σ(z) − (1−p)·ln σ(−z), without overflow.
func crossEntropy(p, z float64) float64 {
	return math.Log1p(math.Exp(-math.Abs(z))) + max(z, 0) - p*z
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// The cross-validation has 5 folds and tries 10 values of C, 10⁻⁴ to 10⁴ in equal ratios: alpaca_eval's settings and
// the defaults of scikit-learn's LogisticRegressionCV.
const (
	folds      = 5
	candidates = 10
)

// fitCV returns the fit with the C of the lowest held-out cross-entropy averaged over the folds, the smallest such C.
func (l softLogistic) fitCV() (w []float64, c float64, converged bool) {
	fold := groupFolds(len(l.x), folds)
	var losses [candidates]float64
	for f := range folds {
		kept, held := l.split(fold, f)
		seeds := newTwister(solverSeed)
		for k := range losses {
			if !l.chained {
				seeds = newTwister(solverSeed)
			}
			w, _ := kept.liblinear(candidate(k), seeds.seed())
			losses[k] += held.loss(w) / folds
		}
	}
	best := 0
	for k, loss := range losses {
		if loss < losses[best] {
			best = k
		}
	}
	w, converged = l.liblinear(candidate(best), newTwister(solverSeed).seed())
	return w, candidate(best), converged
}

func candidate(k int) float64 { return math.Pow(10, -4+8*float64(k)/(candidates-1)) }

// loss is alpaca_eval's: the mean of the weighted cross-entropies, with predictions kept from 0 and 1.
func (l softLogistic) loss(w []float64) float64 {
	const margin = 1e-15
	sum := 0.0
	for i, x := range l.x {
		q := min(max(sigmoid(floats.Dot(x, w)), margin), 1-margin)
		entropy := -l.p[i]*math.Log(q) - (1-l.p[i])*math.Log(1-q)
		if l.weight != nil {
			entropy *= l.weight[i]
		}
		sum += entropy
	}
	return sum / float64(len(l.x))
}

func (l softLogistic) split(fold []int, f int) (kept, held softLogistic) {
	for i := range l.x {
		part := &kept
		if fold[i] == f {
			part = &held
		}
		part.x = append(part.x, l.x[i])
		part.p = append(part.p, l.p[i])
		if l.weight != nil {
			part.weight = append(part.weight, l.weight[i])
		}
	}
	return kept, held
}
