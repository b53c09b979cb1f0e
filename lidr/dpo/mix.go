package dpo

import (
	"cmp"
	"math"
	"slices"
)

// Mix returns indices of items whose groups are given, as many as there are items. A group of n items has a share ∝
// n^(1/temperature) of them: its own at 1, the same as every other as the temperature grows (the sampling of
// languages by temperature in arXiv 1907.05019). Shares are rounded by largest remainder; a group's items repeat as
// often as they must, and which of them does once more, or is left out, is drawn by seed. The indices are in order.
func Mix(groups []string, temperature float64, seed int64) []int {
	items := map[string][]int{}
	var names []string
	for i, g := range groups {
		if items[g] == nil {
			names = append(names, g)
		}
		items[g] = append(items[g], i)
	}
	var sum float64
	for _, g := range names {
		sum += math.Pow(float64(len(items[g])), 1/temperature)
	}
	quota, remainder, left := map[string]int{}, map[string]float64{}, len(groups)
	for _, g := range names {
		exact := float64(len(groups)) * math.Pow(float64(len(items[g])), 1/temperature) / sum
		quota[g] = int(exact)
		remainder[g] = exact - math.Floor(exact)
		left -= quota[g]
	}
	byRemainder := slices.Clone(names)
	slices.SortStableFunc(byRemainder, func(a, b string) int { return cmp.Compare(remainder[b], remainder[a]) })
	for _, g := range byRemainder[:left] {
		quota[g]++
	}
	var out []int
	for _, g := range names {
		drawn := Settings{Seed: seed}.random("mix/"+g, 0).Perm(len(items[g]))
		for k := range quota[g] {
			out = append(out, items[g][drawn[k%len(drawn)]])
		}
	}
	slices.Sort(out)
	return out
}

// Margins returns how far the reference prefers each pair's chosen side: the difference of its log-probabilities per
// token, in nats, from [Reference]. A curriculum begins with the largest, which the model finds right already
// (arXiv 2403.07230 orders pairs so by the gap of their ratings).
func Margins(pairs []Pair, ref [][2]float64) []float64 {
	margins := make([]float64, len(pairs))
	for i, p := range pairs {
		margins[i] = ref[i][0]/float64(len(p.Chosen)) - ref[i][1]/float64(len(p.Rejected))
	}
	return margins
}
