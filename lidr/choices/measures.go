package choices

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/report"
)

// writeMeasures writes a model's scores to its measures, and what the training cost to those of the models after the
// first that was asked.
func writeMeasures(run *lidr.Run, model string, scores []Score) error {
	m := report.Measure{
		Key: "alignment-tax", Title: "Alignment tax: multilingual MMLU, HellaSwag, ARC-challenge and TruthfulQA",
		What: "By the log-probability of each choice, as lm-evaluation-harness measures them.", Unit: "%", Digits: 1,
	}
	for _, s := range scores { // in the order of suites, metrics and languages
		v := report.Counted(100*s.Value, 100*s.SE, s.N, 0, "")
		if s.Cut > 0 {
			v.Warning = fmt.Sprintf("%d prompts lost their beginning to fit into the model's context", s.Cut)
		}
		m.Put(fmt.Sprintf("%s %s, %d-shot, %s", s.Suite, s.Metric, s.FewShot, model), s.Lang, v)
		m.Rows[len(m.Rows)-1].Group = s.Suite + " " + s.Metric
	}
	if err := run.WriteMeasure(model, m); err != nil {
		return err
	}
	asked, err := askedModels(run)
	if err != nil {
		return err
	}
	for _, later := range asked[1:] {
		if model != asked[0] && model != later {
			continue // neither of the two was asked now
		}
		if err := writeChange(run, asked[0], later); err != nil {
			return err
		}
	}
	return nil
}

// askedModels returns the names of the models that were asked, M0, M1, … in the order of their rounds.
func askedModels(run *lidr.Run) ([]string, error) {
	folders, err := os.ReadDir(run.Dir)
	if err != nil {
		return nil, err
	}
	var models []string
	for _, folder := range folders {
		if _, err := os.Stat(run.Path(folder.Name(), "eval", "choices.json")); err == nil {
			models = append(models, folder.Name())
		}
	}
	slices.SortFunc(models, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) // M2 before M10
	})
	return models, nil
}

// writeChange writes how a model's scores differ from those of the first that was asked. Of models that were not asked
// the same questions, or whose answers were edited, there is no difference: the measure is empty until they are asked
// again.
func writeChange(run *lidr.Run, first, model string) error {
	m := report.Measure{
		Key: "alignment-tax-change", Title: "Alignment tax: what the training cost", Unit: "points", Digits: 1,
		What: "Paired, over the same questions: below 0 the training cost something. McNemar's exact test; " +
			"for mc2 a paired bootstrap.",
	}
	changes, err := tax(run, first, model)
	if errors.Is(err, errOtherQuestions) || errors.Is(err, errUnread) {
		run.Note("%s", err)
	} else if err != nil {
		return err
	}
	for _, c := range changes {
		v := report.Counted(100*c.Difference, 100*c.SE, c.N, 0, "")
		v.Note += fmt.Sprintf(", p = %.3f", c.P)
		m.Put(fmt.Sprintf("%s %s, %s − %s", c.Suite, c.Metric, model, first), c.Lang, v)
		m.Rows[len(m.Rows)-1].Group = c.Suite + " " + c.Metric
	}
	return run.WriteMeasure(model, m)
}
