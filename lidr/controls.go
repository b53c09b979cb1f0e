package lidr

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/show"
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
	{"LIDR with replay", "beyond the paper: 12 of the model's own translations rehearsed a step",
		func(s *TrainSettings) { s.Replay = 12 }},
	{"SFT on the chosen side", "the paper's baseline, multilingual alignment",
		func(s *TrainSettings) { s.Objective = "sft" }},
	{"DPO only", "no NLL", func(s *TrainSettings) { s.Objective = "dpo" }},
	{"random labels", "chosen and rejected swapped by a coin", func(s *TrainSettings) { s.Labels = "random" }},
	{"SFT on own answers", "the model's own answer y_l instead of the translation",
		func(s *TrainSettings) { s.Objective, s.Labels = "sft", "own" }},
}

// Controls finishes the run, runs all its rounds once more with each control's settings, and returns the changes of
// accuracy and off-target rate from M0, a frame of [ControlChange] rows: in the dominant language and as means over the
// trained and the unseen ones. The first round's answers and translations come from the store. It writes controls.json,
// which [Report] shows, and one run folder a control below controls/.
func Controls(ctx context.Context, run *Run, m0 *Model) (dataframe.DataFrame, error) {
	if m0.Round > 0 {
		return dataframe.DataFrame{}, fmt.Errorf("controls begin with the run's M0, and %s was passed; take "+
			"run.Model(\"M0\")", m0.Name())
	}
	for _, c := range controls[1:] {
		s := run.Settings
		c.change(&s.Train)
		if err := s.Validate(); err != nil { // before the others have worked for hours
			return dataframe.DataFrame{}, fmt.Errorf("control %q: %w", c.Name, err)
		}
	}
	var rows []ControlChange
	all := show.NewCells(len(controls), 1) // the first is the run itself
	for i, c := range controls {
		own, err := runControl(ctx, run, m0, i, all)
		if err != nil {
			return dataframe.DataFrame{}, fmt.Errorf("control %q: %w", c.Name, err)
		}
		rows = append(rows, own...)
	}
	return datasets.Frame(rows), run.WriteJSON(run.Path("controls.json"), rows)
}

func runControl(ctx context.Context, run *Run, m0 *Model, i int, all *show.Cells) ([]ControlChange, error) {
	c, s, own := controls[i], run.Settings, run
	if c.change != nil {
		c.change(&s.Train)
		progress, over := all.Cell(i+1, c.Name, run.progress)
		defer over()
		var err error
		if own, err = run.beside(run.Path("controls", fmt.Sprint(i)), s, progress); err != nil {
			return nil, err
		}
		defer own.Close() // the lock of a folder that nothing is written to any more
	}
	last, _, err := iterate(ctx, own, m0)
	if err != nil {
		return nil, err
	}
	var rows []ControlChange
	for round := range last.Round { // fewer than the rounds ask for, where the run was saturated
		changes, err := compare(own, m0.Name(), modelName(round+1))
		if err != nil {
			return nil, err
		}
		for _, d := range changes {
			shown := slices.Contains([]string{"accuracy", "off_target"}, d.Metric)
			if shown && (d.Scope == meanOver || d.Lang == s.Dominant) {
				rows = append(rows, ControlChange{c.Name, c.Note, d.To, d.Metric, d.Lang, d.Difference, d.SE})
			}
		}
	}
	return rows, nil
}
