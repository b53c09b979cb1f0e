package recipe

import (
	"context"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"

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
		changes, err := changesOf(ctx, w.run, name)
		if err != nil {
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

// changesOf are the changes from M0 to a model, of accuracy and off-target rate among others.
func changesOf(ctx context.Context, run *lidr.Run, model string) (changes []eval.Change, err error) {
	frame, err := lidr.Compare(ctx, run, "M0", model)
	if err != nil {
		return nil, err
	}
	return changes, datasets.Rows(frame, &changes)
}

var seedName = regexp.MustCompile(`-?seed-[0-9]+$`)

// detectableBySeeds writes, into the first of the runs that differ in their seed alone, how small a change their number
// can show: seeds differ by more than the items of one of them tell. Its report has it, and the one that compares.
func detectableBySeeds(ctx context.Context, singles []single, runs []*lidr.Run) error {
	groups := map[string][]*lidr.Run{}
	for i, one := range singles {
		if seedName.MatchString(one.name) && one.Evaluate.Source != "" {
			cell := seedName.ReplaceAllString(one.name, "")
			groups[cell] = append(groups[cell], runs[i])
		}
	}
	for _, cell := range sortedKeys(groups) {
		own := groups[cell]
		for round := 1; len(own) > 1; round++ {
			name := fmt.Sprintf("M%d", round)
			if slices.ContainsFunc(own, func(run *lidr.Run) bool {
				_, err := os.Stat(run.Path(name, "eval", "scores.json"))
				return err != nil
			}) {
				break // a seed's rounds may have ended before
			}
			if err := measureSeeds(ctx, own, name); err != nil {
				return err
			}
		}
		if _, err := lidr.Report(ctx, own[0]); err != nil {
			return err
		}
	}
	return nil
}

func measureSeeds(ctx context.Context, runs []*lidr.Run, name string) error {
	found := map[[2]string][]float64{} // changes by metric and language, one a seed
	var order [][2]string
	for _, run := range runs {
		changes, err := changesOf(ctx, run, name)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.Metric != "accuracy" && c.Metric != "off_target" {
				continue
			}
			at := [2]string{c.Metric, c.Lang}
			if found[at] == nil {
				order = append(order, at)
			}
			found[at] = append(found[at], c.Difference)
		}
	}
	m := report.Measure{
		Key: "detectable-seeds", Title: "The smallest change that the seeds can show", Unit: "points", Digits: 1,
		What: "Paired, two-sided at 5 % with a power of 80 %, from the spread of the changes over the seeds (Cohen 1988, " +
			"ch. 2, with t for the normal quantiles). It holds for other seeds, and not for this one alone.",
	}
	for _, at := range order {
		over := eval.MeanSE(found[at])
		if over.N < 2 {
			continue
		}
		value := report.Counted(100*eval.Detectable(over.SE*math.Sqrt(float64(over.N)), over.N), 0, over.N, 0, "")
		value.Note = fmt.Sprintf("found %+.1f, n = %d seeds", 100*over.Mean, over.N)
		m.Put(fmt.Sprintf("%s − M0, %s", name, at[0]), at[1], value)
	}
	if len(m.Rows) == 0 {
		return nil
	}
	return runs[0].WriteMeasure(name, m)
}
