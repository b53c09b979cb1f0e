package eval

import (
	"math"
	"math/bits"
)

// alpaca_eval's regression is scikit-learn's LogisticRegressionCV with the solver liblinear, stopped by a loose rule.
// How far from the optimum it stops decides between values of C that predict nearly as well, and with C the win rate,
// by up to 0.7 points. What is here therefore takes the same steps: liblinear's coordinate descent (newGLMNET: Yuan, Ho
// and Lin, JMLR 13, 2012, in the form of scikit-learn 1.2.1), its order of the coordinates, drawn by a Mersenne
// Twister, and scikit-learn's folds.
const (
	solverSeed      = 123  // of alpaca_eval
	solverTolerance = 1e-4 // scikit-learn's default
	solverSteps     = 100  // scikit-learn's default
	solverCycles    = 1000 // over the coordinates, in a step
	solverHalvings  = 20   // of a step
	solverDecrease  = 0.01 // of what the slope predicts
	solverRidge     = 1e-12
	solverLargest   = 10.0 // change of a coordinate in a cycle
)

// solverState is what liblinear keeps: rows is one for each item and label that weighs anything.
type solverState struct {
	rows      [][]float64
	positive  []bool
	weight    []float64 // C times the label's probability
	exp       []float64 // exp(w·x)
	tau, curv []float64 // weight·(1−σ), weight·σ·(1−σ)
	change    []float64 // of w·x in a step
}

// liblinear returns the weights that liblinear finds for this C with this seed of its order, and whether it stopped by
// its rule rather than at its last step.
func (l softLogistic) liblinear(c float64, seed uint32) (w []float64, converged bool) {
	s, smaller := l.solver(c)
	d, n := len(l.x[0]), float64(len(s.rows))
	tolerance := solverTolerance * max(float64(smaller), 1) / n
	order, random := make([]int, d), newTwister(seed)
	w = make([]float64, d)
	next, gradient, hessian := make([]float64, d), make([]float64, d), make([]float64, d)
	for j := range order {
		order[j] = j
	}
	norm, first := 0.0, 0.0
	greatest, inner := math.Inf(1), 1.0
	for step := range solverSteps {
		active := d
		worst, violations := 0.0, 0.0
		for k := 0; k < active; k++ {
			j := order[k]
			gradient[j], hessian[j] = s.derivatives(j)
			violation, idle := violated(w[j], gradient[j], greatest/n)
			if idle {
				active--
				order[k], order[active] = order[active], order[k]
				k--
				continue
			}
			worst = max(worst, violation)
			violations += violation
		}
		if step == 0 {
			first = violations
		}
		if violations <= tolerance*first {
			return w, true
		}
		cycles := s.descend(w, next, gradient, hessian, order[:active], inner*first, random)
		norm = s.search(w, next, gradient, norm)
		if cycles == 1 {
			inner /= 4
		}
		greatest = worst
	}
	return w, false
}

// solver is liblinear's state at w = 0, and the number of rows of the rarer label.
func (l softLogistic) solver(c float64) (s *solverState, smaller int) {
	s = &solverState{}
	for _, positive := range []bool{false, true} { // liblinear sorts by label
		rows := len(s.rows)
		for i, x := range l.x {
			share := l.p[i]
			if !positive {
				share = 1 - share
			}
			if l.weight != nil {
				share *= l.weight[i]
			}
			if share > 0 {
				s.rows = append(s.rows, x)
				s.positive = append(s.positive, positive)
				s.weight = append(s.weight, c*share)
			}
		}
		if rows > 0 {
			smaller = min(rows, len(s.rows)-rows)
		}
	}
	n := len(s.rows)
	s.exp, s.change = make([]float64, n), make([]float64, n)
	s.tau, s.curv = make([]float64, n), make([]float64, n)
	for i := range s.exp {
		s.exp[i] = 1
	}
	s.predict()
	return s, smaller
}

// predict fills in what depends on exp.
func (s *solverState) predict() {
	for i, e := range s.exp {
		miss := 1 / (1 + e)
		s.tau[i] = s.weight[i] * miss
		s.curv[i] = s.weight[i] * e * miss * miss
	}
}

// derivatives are those of the smooth part by coordinate j.
func (s *solverState) derivatives(j int) (gradient, hessian float64) {
	hessian = solverRidge
	negative, rest := 0.0, 0.0
	for i, row := range s.rows {
		x := row[j]
		hessian += x * x * s.curv[i]
		rest += x * s.tau[i]
		if !s.positive[i] {
			negative += s.weight[i] * x
		}
	}
	return -rest + negative, hessian
}

// violated is how far a coordinate is from its optimality condition. idle says that it is 0 and will stay so.
func violated(w, gradient, slack float64) (violation float64, idle bool) {
	up, down := gradient+1, gradient-1
	switch {
	case w > 0:
		return math.Abs(up), false
	case w < 0:
		return math.Abs(down), false
	case up < 0:
		return -up, false
	case down > 0:
		return down, false
	}
	return 0, up > slack && down < -slack
}

// descend minimises the quadratic around w, coordinate by coordinate, into next, and returns the number of cycles.
func (s *solverState) descend(w, next, gradient, hessian []float64, order []int, enough float64,
	random *twister) (cycles int) {
	clear(s.change)
	active, n := len(order), float64(len(s.rows))
	slack := math.Inf(1)
	for cycles < solverCycles {
		worst, violations := 0.0, 0.0
		for k := range active {
			other := k + int(random.below(uint32(active-k)))
			order[other], order[k] = order[k], order[other]
		}
		for k := 0; k < active; k++ {
			j := order[k]
			g := gradient[j] + (next[j]-w[j])*solverRidge
			for i, row := range s.rows {
				g += row[j] * s.curv[i] * s.change[i]
			}
			violation, idle := violated(next[j], g, slack/n)
			if idle {
				active--
				order[k], order[active] = order[active], order[k]
				k--
				continue
			}
			worst = max(worst, violation)
			violations += violation
			z := -next[j]
			if h := hessian[j]; g+1 < h*next[j] {
				z = -(g + 1) / h
			} else if g-1 > h*next[j] {
				z = -(g - 1) / h
			}
			if math.Abs(z) < solverRidge {
				continue
			}
			z = min(max(z, -solverLargest), solverLargest)
			next[j] += z
			for i, row := range s.rows {
				s.change[i] += row[j] * z
			}
		}
		cycles++
		slack = worst
		if violations <= enough {
			if active == len(order) {
				return cycles
			}
			active = len(order)
			slack = math.Inf(1)
		}
	}
	return cycles
}

// search moves w to next, or as near to it as makes the objective fall enough, and returns the norm of w.
func (s *solverState) search(w, next, gradient []float64, norm float64) float64 {
	slope, length, negative := 0.0, 0.0, 0.0
	for j := range w {
		slope += gradient[j] * (next[j] - w[j])
		length += math.Abs(next[j])
	}
	slope += length - norm
	for i, change := range s.change {
		if !s.positive[i] {
			negative += s.weight[i] * change
		}
	}
	exp := make([]float64, len(s.rows))
	for range solverHalvings {
		rise := length - norm + negative - solverDecrease*slope
		for i, change := range s.change {
			e := math.Exp(change)
			exp[i] = s.exp[i] * e
			rise += s.weight[i] * math.Log((1+exp[i])/(e+exp[i]))
		}
		if rise <= 0 {
			copy(w, next)
			copy(s.exp, exp)
			s.predict()
			return length
		}
		length = 0
		for j := range next {
			next[j] = (w[j] + next[j]) / 2
			length += math.Abs(next[j])
		}
		slope /= 2
		negative /= 2
		for i := range s.change {
			s.change[i] /= 2
		}
	}
	for i, row := range s.rows {
		sum := 0.0
		for j, x := range row {
			sum += w[j] * x
		}
		s.exp[i] = math.Exp(sum)
	}
	return norm
}

// twister is the Mersenne Twister MT19937 (Matsumoto and Nishimura, ACM TOMACS 8, 1998), of numpy's RandomState and of
// scikit-learn's liblinear.
type twister struct {
	state [624]uint32
	next  int
}

func newTwister(seed uint32) *twister {
	t := &twister{next: 624}
	t.state[0] = seed
	for i := 1; i < len(t.state); i++ {
		before := t.state[i-1]
		t.state[i] = 1812433253*(before^before>>30) + uint32(i)
	}
	return t
}

func (t *twister) draw() uint32 {
	if t.next == len(t.state) {
		t.next = 0
		for i := range t.state {
			y := t.state[i]&0x80000000 | t.state[(i+1)%624]&0x7fffffff
			t.state[i] = t.state[(i+397)%624] ^ y>>1 ^ y&1*0x9908b0df
		}
	}
	y := t.state[t.next]
	t.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// below draws a whole number below n, as scikit-learn's liblinear does (Lemire, ACM TOMACS 29, 2019).
func (t *twister) below(n uint32) uint32 {
	high, low := bits.Mul32(t.draw(), n)
	for low < n && low < -n%n {
		high, low = bits.Mul32(t.draw(), n)
	}
	return high
}

// seed draws what numpy's RandomState.randint draws below the greatest int32, which scikit-learn gives to
// liblinear.
func (t *twister) seed() uint32 {
	for {
		if seed := t.draw() & math.MaxInt32; seed < math.MaxInt32 {
			return seed
		}
	}
}
