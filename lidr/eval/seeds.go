package eval

import (
	"errors"
	"fmt"
	"math"
)

// AcrossSeeds returns the unweighted mean of a score over runs that differ in their seed only. Its standard error is
// that of the mean over the N seeds, the sd of the runs' scores (over N−1) divided by √N. It covers what the seed
// changes, training and sampling, but not the choice of test items, which the runs share. The standard errors of the
// runs are not used. For one seed it is that run's own estimate, whose error is over its items.
func AcrossSeeds(seeds []Estimate) (Estimate, error) {
	if len(seeds) == 0 {
		return Estimate{}, errors.New("eval: a mean over no seeds, expected the score of at least one run")
	}
	means := make([]float64, len(seeds))
	for i, s := range seeds {
		if math.IsNaN(s.Mean) || math.IsInf(s.Mean, 0) {
			return Estimate{}, fmt.Errorf("eval: the score of seed %d of %d is %v, expected a number: "+
				"leave the run out or repeat it", i+1, len(seeds), s.Mean)
		}
		means[i] = s.Mean
	}
	if len(seeds) == 1 {
		return seeds[0], nil
	}
	return MeanSE(means), nil
}
