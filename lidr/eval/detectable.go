package eval

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Detectable returns the smallest mean difference that a paired comparison of n items, or of n seeds, shows with a
// power of 80 % at a two-sided level of 5 %, where the items' differences have the standard deviation sd:
//
//	(t_{0.975} + t_{0.8})·sd/√n, t with n−1 degrees of freedom
//
// (Cohen 1988, "Statistical Power Analysis", ch. 2, with t for the normal quantiles.) It is NaN of fewer than two. Of
// items that are right or wrong, sd is the root of the share whose verdict changes, less the difference squared.
func Detectable(sd float64, n int) float64 {
	if n < 2 {
		return math.NaN()
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}
	return (t.Quantile(0.975) + t.Quantile(0.8)) * sd / math.Sqrt(float64(n))
}

// T95 returns Student's quantile of a two-sided 95 % interval of a mean over n items: mean ± T95(n)·SE. Over few seeds
// [Z95] is too narrow: of three, T95 is 4.30. It is NaN of fewer than two.
func T95(n int) float64 {
	if n < 2 {
		return math.NaN()
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}.Quantile(0.975)
}
