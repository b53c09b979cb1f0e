package eval

// groupFolds returns the fold of each of n items, a group each, by scikit-learn's GroupKFold: the groups are taken from
// the end of numpy's order by size and dealt out one fold after another. All groups have one size here, and numpy's
// quicksort, that of numpy 1.24 and of every numpy on a processor without AVX-512, does not leave equal keys as they
// are: up to 16 items stay in place, more are exchanged around each pivot. alpaca_eval's published numbers have these
// folds. (numpy's sort by AVX-512 and scikit-learn from 1.8 on give others.)
func groupFolds(n, folds int) []int {
	fold := make([]int, n)
	order := equalOrder(n)
	for place := range order {
		fold[order[n-1-place]] = place % folds
	}
	return fold
}

// equalOrder is numpy's argsort of n equal keys.
func equalOrder(n int) []int {
	const small = 15 // a part of at most one more is sorted by insertion, which leaves equal keys as they are
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	swap := func(i, j int) { order[i], order[j] = order[j], order[i] }
	parts := [][2]int{{0, n - 1}}
	for len(parts) > 0 {
		low, high := parts[len(parts)-1][0], parts[len(parts)-1][1]
		parts = parts[:len(parts)-1]
		for high-low > small {
			middle := low + (high-low)/2
			i, j := low, high-1
			swap(middle, j)
			for i, j = i+1, j-1; i < j; i, j = i+1, j-1 { // a key that equals the pivot ends each scan at once
				swap(i, j)
			}
			swap(i, high-1)
			if i-low < high-i {
				parts = append(parts, [2]int{i + 1, high})
				high = i - 1
			} else {
				parts = append(parts, [2]int{low, i - 1})
				low = i + 1
			}
		}
	}
	return order
}
