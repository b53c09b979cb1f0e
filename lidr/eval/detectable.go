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
