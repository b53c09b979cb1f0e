package lidr

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
)

// control is another training on the answers and translations of a run's first round; with a nil change, none.
type control struct {
	Name, Note string
	change     func(*TrainSettings)
}

// controls are the baselines that a gain is read against. The first is the method itself, the run that
// the others belong to.
var controls = []control{
	{"LIDR", "DPO+NLL, translated English answers over own ones", nil},
	{"LIDR with replay", "beyond the paper: 12 of the model's own translations rehearsed a step", func(s *TrainSettings) { s.Replay = 12 }},
	{"SFT on the chosen side", "the paper's baseline, multilingual alignment", func(s *TrainSettings) { s.Objective = "sft" }},
	{"DPO only", "no NLL", func(s *TrainSettings) { s.Objective = "dpo" }},
	{"random labels", "chosen and rejected swapped by a coin", func(s *TrainSettings) { s.Labels = "random" }},
	{"SFT on own answers", "the model's own answer y_l instead of the translation", func(s *TrainSettings) { s.Objective, s.Labels = "sft", "own" }},
}

// controlRow is a row of the frame that [Controls] returns.
type controlRow struct {
	Control    string  `json:"control"`
	Note       string  `json:"note"`
	Model      string  `json:"model"` // M1, M2, …
	Metric     string  `json:"metric"`
	Lang       string  `json:"lang"`
	Difference float64 `json:"difference"` // from M0
	SE         float64 `json:"se"`         // paired over problems: one seed, so no variance between trainings
}

// Controls finishes the run, runs all its rounds once more with each control's settings, and returns the changes from M0
// with columns control, note, model, metric (accuracy, off_target), lang (the dominant language, "trained", "unseen"),
// difference and se. The first round's answers and translations come from the store. It writes controls.json, which
// [Report] shows, and one run folder a control below controls/.
func Controls(ctx context.Context, run *Run, m0 *Model) (dataframe.DataFrame, error) {
	var rows []controlRow
	for i, c := range controls {
		s, own := run.Settings, run
		if c.change != nil {
			c.change(&s.Train)
			var err error
			own, err = Open(run.path("controls", fmt.Sprintf("%d", i)), s, WithStore(run.store.Dir), WithProgress(func(e Event) {
				e.Step = c.Name + ": " + e.Step
				run.progress(e)
			}))
			if err != nil {
				return dataframe.DataFrame{}, err
			}
		}
		if _, err := Iterate(ctx, own, m0); err != nil {
			return dataframe.DataFrame{}, fmt.Errorf("control %q: %w", c.Name, err)
		}
		models, err := evaluatedModels(own) // fewer than the rounds ask for, where the run was saturated
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		for _, model := range models[1:] {
			changes, err := compare(own, m0.Name, model)
			if err != nil {
				return dataframe.DataFrame{}, err
			}
			for _, d := range changes {
				if slices.Contains([]string{"accuracy", "off_target"}, d.Metric) && slices.Contains([]string{s.Dominant, "trained", "unseen"}, d.Lang) {
					rows = append(rows, controlRow{c.Name, c.Note, d.To, d.Metric, d.Lang, d.Difference, d.SE})
				}
			}
		}
	}
	return datasets.Frame(rows), writeJSON(run, run.path("controls.json"), rows)
}
