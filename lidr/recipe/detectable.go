package recipe

import (
	"context"
	"fmt"
	"math"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/report"
)

// detectable writes, beside the changes of accuracy and off-target rate from M0, how small a change the run's problems
// can show at all.
func (w *work) detectable(ctx context.Context) error {
	if w.recipe.Evaluate.Source == "" {
		return nil
	}
	for round := 1; round <= w.last; round++ {
		name := fmt.Sprintf("M%d", round)
		frame, err := lidr.Compare(ctx, w.run, "M0", name)
		if err != nil {
			return err
		}
		var changes []eval.Change
		if err := datasets.Rows(frame, &changes); err != nil {
			return err
		}
		m := report.Measure{
			Key: "detectable", Title: "The smallest change that the problems can show", Unit: "points", Digits: 1,
			What: "Paired, two-sided at 5 % with a power of 80 %, from the spread of the items' own changes. A change below " +
				"it that is found, or not found, says little.",
		}
		for _, c := range changes {
			if c.Metric == "accuracy" || c.Metric == "off_target" {
				smallest := 100 * eval.Detectable(c.SE*math.Sqrt(float64(c.N)), c.N)
				found := report.Counted(smallest, 0, c.N, 0, "")
				found.Note = fmt.Sprintf("found %+.1f, n = %d", 100*c.Difference, c.N)
				m.Put(fmt.Sprintf("%s − M0, %s", name, c.Metric), c.Lang, found)
			}
		}
		if err := w.run.WriteMeasure(name, m); err != nil {
			return err
		}
	}
	return nil
}
