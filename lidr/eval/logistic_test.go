package eval

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Features that nearly repeat each other, of very different size and with far outliers, certain and uncertain verdicts,
// strong and weak penalties: the fit is found, and nowhere around it is the objective lower.
func TestFitIsAMinimum(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for trial := range 60 {
		var l softLogistic
		lean, size := 3*random.NormFloat64(), math.Pow(10, float64(trial%5-1))
		for range 80 {
			p := sigmoid(lean + 2*random.NormFloat64())
			if trial%2 == 0 {
				p = math.Round(p)
			}
			x := []float64{math.Tanh(2 + 0.3*random.NormFloat64()), size * math.Pow(random.NormFloat64(), 5), 1}
			l.x = append(l.x, x)
			l.p = append(l.p, p)
		}
		c := math.Pow(10, float64(trial%9-4))
		w, err := l.fit(c)
		if err != nil {
			t.Errorf("trial %d: %v", trial, err)
			continue
		}
		lowest := l.objective(c, w)
		for range 200 {
			near := make([]float64, len(w))
			for j := range w {
				near[j] = w[j] + math.Pow(10, -6*random.Float64())*random.NormFloat64()
			}
			if value := l.objective(c, near); value < lowest*(1-1e-11) {
				t.Fatalf("trial %d, C %v: %v at %v is below %v at %v", trial, c, value, near, lowest, w)
			}
		}
	}
}

// Few items, far outliers and a weak penalty, where whole Newton steps would go back and forth without an end.
func TestFitShortensSteps(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 2))
	for trial := range 100 {
		var l softLogistic
		for range 4 + random.IntN(20) {
			p := math.Round(random.Float64() * random.Float64() * 1.2)
			l.x = append(l.x, []float64{math.Tanh(random.NormFloat64()), 3 * math.Pow(random.NormFloat64(), 5), 1})
			l.p = append(l.p, p)
		}
		if _, err := l.fit(1e4); err != nil {
			t.Errorf("trial %d: %v", trial, err)
		}
	}
}
