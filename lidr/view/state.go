package view

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/input"
)

// What a run has done is read off its files: each step writes whole files when it is done, and while it works, its
// answers lie in the store beside the run and its training steps in the state of the training.

// quiet is how long nothing may be written before a run is not called active any more. A large model may be silent for
// longer between two batches: the page says when something was written last.
const quiet = 2 * time.Minute

// Progress is how far a run is.
type progress struct {
	Models  []modelState
	Changed time.Time // when a file of the run, or of the store while nothing else writes there, was last written
	Active  bool      // within the last two minutes
	Done    bool      // all rounds and the evaluation of the last model, or what ended the run before
	Making  []making  // what is being made right now
}

// modelState is how far the steps of one model are, in the order of a round.
type modelState struct {
	Name  string
	Steps []stepState
}

// stepState is one step: "done", "begun", "next" or "".
type stepState struct{ Name, State, Detail string }

// making is an output that is growing.
type making struct {
	What    string
	N       int
	Total   int // 0 if it is not known
	Changed time.Time
}

// progress reads how far the run is. now is what the clock says.
func (f *folder) progress(now time.Time) (progress, error) {
	s, err := f.settings()
	if err != nil {
		return progress{}, err
	}
	var p progress
	see := func(name string) bool {
		_, changed, ok := f.stat(name)
		if ok && changed.After(p.Changed) {
			p.Changed = changed
		}
		return ok
	}
	for _, name := range []string{"settings.json", "run.json", "timing.jsonl", "files.json", "report.html"} {
		see(name)
	}
	next := false
	rounds, untrained := min(s.Rounds, maxModels), f.untrained()
	for round := 0; round <= rounds; round++ {
		m := fmt.Sprintf("M%d", round)
		state := modelState{Name: m}
		add := func(name string, done, begun bool, detail string) {
			step := stepState{Name: name, Detail: detail}
			switch {
			case done:
				step.State = "done"
			case begun:
				step.State = "begun"
			case !next:
				step.State, next = "next", true
			}
			next = next || !done
			state.Steps = append(state.Steps, step)
		}
		if round > 0 {
			n, total, changed := f.training(m, s)
			done := see(path.Join(m, "training.json"))
			if !done && n > 0 {
				p.Making = append(p.Making, making{"training " + m, n, total, changed})
				p.Changed = later(p.Changed, changed)
			}
			detail := ""
			if n > 0 {
				detail = fmt.Sprintf("%d steps", n)
			}
			add("training", done, n > 0, detail)
		}
		if s.Evaluate.Source != "" {
			add("evaluation", see(path.Join(m, "eval", "scores.json")), false, "")
		}
		paired := see(path.Join(m, "pairs.jsonl"))
		stopped := s.StopWhenSaturated && f.saturated(m)
		if round < rounds && (paired || !stopped) {
			all := func(dir string, names []string) (bool, string) {
				n := 0
				for _, name := range names {
					if see(path.Join(m, dir, name+".jsonl")) {
						n++
					}
				}
				return n == len(names), fmt.Sprintf("%d of %d files", n, len(names))
			}
			add("prompts", see(path.Join(m, "prompts.jsonl")), false, "")
			done, detail := all("responses", s.Languages())
			add("answers", done, false, detail)
			var directions []string
			for _, lang := range s.Trained {
				directions = append(directions, s.Dominant+"-"+lang)
			}
			done, detail = all("translations", directions)
			add("translations", done || paired, false, detail) // pairs that scorers choose need none
			add("pairs", paired, false, "")
		}
		p.Models = append(p.Models, state)
		if stopped || untrained {
			break
		}
	}
	p.Done = !next
	if !p.Done {
		for _, growing := range f.growing(now) {
			p.Making = append(p.Making, growing)
			p.Changed = later(p.Changed, growing.Changed)
		}
	}
	p.Active = !p.Done && now.Sub(p.Changed) < quiet
	return p, nil
}

// saturated says that the rounds ended with a model, as its saturation.json tells.
func (f *folder) saturated(model string) bool {
	var found struct{ Stop bool }
	return f.json(path.Join(model, "saturation.json"), &found) == nil && found.Stop
}

// untrained says that the recipe of the run trains nothing: it ends with the pairs of M0.
func (f *folder) untrained() bool {
	var found struct{ Trainer struct{ Program string } }
	data, err := f.read("recipe.yaml")
	return err == nil && yaml.Unmarshal(data, &found) == nil && found.Trainer.Program == "none"
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// training counts the steps of a model's training, of the total that its pairs give.
func (f *folder) training(model string, s lidr.Settings) (n, total int, changed time.Time) {
	steps, changed, err := f.steps(model)
	if err != nil {
		return 0, 0, changed
	}
	round := 0
	if _, err := fmt.Sscanf(model, "M%d", &round); err == nil && s.Train.BatchPairs > 0 {
		if x, err := f.index(kinds["pairs"], fmt.Sprintf("M%d", round-1)); err == nil {
			total = (len(x.rows) + s.Train.BatchPairs - 1) / s.Train.BatchPairs * s.Train.Epochs
		}
	}
	return len(steps), max(total, len(steps)), changed
}

// steps are the steps of a model's training: of train.jsonl, or while it trains those that its saved state has.
func (f *folder) steps(model string) ([]dpo.Step, time.Time, error) {
	name := path.Join(model, "train.jsonl")
	if size, changed, ok := f.stat(name); ok {
		key := fmt.Sprintf("steps %s %d %d", name, size, changed.UnixNano())
		if known, ok := f.lists.get(key); ok {
			return known.([]dpo.Step), changed, nil
		}
		var steps []dpo.Step
		data, err := f.read(name)
		if err != nil {
			return nil, changed, err
		}
		for line := range strings.Lines(string(data)) {
			var step dpo.Step
			if err := json.Unmarshal([]byte(line), &step); err != nil {
				return nil, changed, fmt.Errorf("%s: %w", name, err)
			}
			steps = append(steps, step)
		}
		f.lists.put(key, steps)
		return steps, changed, nil
	}
	for _, entry := range f.names(model) {
		if strings.HasPrefix(entry, "state-") {
			return f.savedSteps(path.Join(model, entry, dpo.StateFile))
		}
	}
	return nil, time.Time{}, nil
}

// savedSteps reads the steps in the header of a training's state, a file of safetensors: eight bytes of its length,
// then JSON.
func (f *folder) savedSteps(name string) ([]dpo.Step, time.Time, error) {
	_, changed, ok := f.stat(name)
	if !ok {
		return nil, changed, nil
	}
	file, err := input.Open(f.root.FS(), name)
	if err != nil {
		return nil, changed, err
	}
	defer file.Close()
	var size uint64
	if err := binary.Read(file, binary.LittleEndian, &size); err != nil || size > maxJSON {
		return nil, changed, fmt.Errorf("%s is no state of a training, or has a header of more than %d bytes", name, maxJSON)
	}
	header := make([]byte, size)
	if _, err := io.ReadFull(file, header); err != nil {
		return nil, changed, fmt.Errorf("%s: %w", name, err)
	}
	var found struct {
		Metadata struct {
			Steps string `json:"steps"`
		} `json:"__metadata__"`
	}
	if err := json.Unmarshal(header, &found); err != nil {
		return nil, changed, fmt.Errorf("%s: %w", name, err)
	}
	var steps []dpo.Step
	if err := json.Unmarshal([]byte(found.Metadata.Steps), &steps); err != nil {
		return nil, changed, fmt.Errorf("%s: its steps: %w", name, err)
	}
	return steps, changed, nil
}

// ago is a time in words, as of now.
func ago(now, then time.Time) string {
	d := now.Sub(then)
	switch {
	case then.IsZero():
		return "never"
	case d < 2*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%.0f s ago", math.Floor(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%.0f min ago", math.Floor(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h ago", math.Floor(d.Hours()))
	}
	return then.UTC().Format("2006-01-02")
}
