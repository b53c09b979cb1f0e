package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lidrlab/lidr/lm"
)

// noAnswer is the fault of an item of which a side is no answer, so that the judge is not asked about it.
func noAnswer(side, fault string) string { return "the " + side + " " + fault }

// isAnswer reports whether a text with a fault is judged: one that is cut by its length is, as published answers are.
func isAnswer(fault string) bool { return fault == "" || fault == lm.FaultCut }

// reasons counts, by their faults, the items without a verdict.
type reasons map[string]int

// warnings are in words what weakens a number: why items are without a verdict, the most frequent reason first.
func (r reasons) warnings() []string {
	delete(r, "")
	if len(r) == 0 {
		return nil
	}
	faults := slices.SortedFunc(maps.Keys(r), func(a, b string) int {
		return cmp.Or(cmp.Compare(r[b], r[a]), cmp.Compare(a, b))
	})
	var counted []string
	for _, fault := range faults {
		counted = append(counted, fmt.Sprintf("%d × %s", r[fault], fault))
	}
	return []string{"no verdict: " + strings.Join(counted, ", ")}
}

// cutWarning says how many of n answers are cut by their length; there is none for none.
func cutWarning(what string, cut, n int) []string {
	if cut == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d %s are cut by their length", cut, n, what)}
}
