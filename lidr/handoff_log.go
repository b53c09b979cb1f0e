package lidr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lidrlab/lidr/dpo"
)

// logFolder is where a program leaves its logs: its output folder.
func logFolder(run *Run, name string) string {
	if run.Settings.Train.LoRA.Rank > 0 {
		return run.path(name, "adapter")
	}
	return run.path(name, "model")
}

// errUntrained says that a model's files are not there, or not whole.
var errUntrained = errors.New("there is no trained checkpoint yet")

// unfinished is nil if <name>/model is a trained checkpoint. LLaMA-Factory writes trainer_state.json after the weights, and TRL
// nothing. An error other than errUntrained says that this cannot be told, and that nothing is to be trained over what may be there.
func unfinished(run *Run, name string, t Trainer) error {
	model := run.path(name, "model")
	needed := []string{filepath.Join(model, "config.json")}
	if t.Program == "llama-factory" {
		needed = append(needed, filepath.Join(logFolder(run, name), "trainer_state.json"))
	}
	_, err := weightFiles(model)
	for _, path := range needed {
		if err == nil {
			_, err = os.Stat(path)
		}
	}
	var place *fs.PathError
	if errors.As(err, &place) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s may be trained already, but cannot be looked at: %w; make its files this user's (chown -R, where the trainer ran as root in a container) and run the same command again, or delete %s to train it anew",
			name, err, run.path(name))
	} else if err != nil {
		return fmt.Errorf("%w: %w", errUntrained, err)
	}
	return nil
}

// trainerState is Transformers' trainer_state.json, as far as it is read.
type trainerState struct {
	LogHistory []map[string]any `json:"log_history"`
}

// Python writes these where JSON knows no number.
var notNumber = regexp.MustCompile(`(:\s*)(?:NaN|-?Infinity)\b`)

// trainerSteps reads the steps from trainer_state.json, in folder or in the last of its checkpoints; none where a program
// left none.
func trainerSteps(folder string) ([]dpo.Step, error) {
	path := filepath.Join(folder, "trainer_state.json")
	text, err := readForeign(path)
	if errors.Is(err, fs.ErrNotExist) {
		if path = lastCheckpoint(folder); path == "" {
			return nil, nil
		}
		path = filepath.Join(path, "trainer_state.json")
		text, err = readForeign(path)
	}
	if err != nil {
		return nil, err
	}
	steps, err := parseTrainerState(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return steps, nil
}

// lastCheckpoint is the checkpoint-N with the largest N.
func lastCheckpoint(folder string) string {
	last, path := -1, ""
	found, _ := filepath.Glob(filepath.Join(folder, "checkpoint-*")) // the pattern is well formed
	for _, candidate := range found {
		_, number, _ := strings.Cut(filepath.Base(candidate), "-")
		if n, err := strconv.Atoi(number); err == nil && n > last {
			last, path = n, candidate
		}
	}
	return path
}

// parseTrainerState takes the training's entries: those with a loss. What is not logged is NaN, and what is logged as no
// number infinite.
func parseTrainerState(text []byte) ([]dpo.Step, error) {
	var state trainerState
	if err := json.Unmarshal(notNumber.ReplaceAll(text, []byte("${1}null")), &state); err != nil {
		return nil, err
	}
	var steps []dpo.Step
	for i, entry := range state.LogHistory {
		if _, training := entry["loss"]; !training {
			continue
		}
		number := func(name string) float64 {
			value, logged := entry[name]
			if v, ok := value.(float64); ok {
				return v
			} else if logged {
				return math.Inf(1)
			}
			return math.NaN()
		}
		at := number("step")
		if !(at >= 1 && at < 1<<31 && at == math.Trunc(at)) {
			return nil, fmt.Errorf("log_history[%d]: step is %v, expected a number from 1", i, entry["step"])
		}
		steps = append(steps, dpo.Step{
			Step: int(at), Loss: number("loss"), DPO: math.NaN(), NLL: number("nll_loss"),
			RewardsChosen: number("rewards/chosen"), RewardsRejected: number("rewards/rejected"), RewardsMargins: number("rewards/margins"),
			RewardsAccuracies: number("rewards/accuracies"), Identical: math.NaN(),
			LogpsChosen: number("logps/chosen"), LogpsRejected: number("logps/rejected"), GradNorm: number("grad_norm"), LR: number("learning_rate"),
		})
	}
	return steps, nil
}

// loggedSteps are steps by the names of train.jsonl, without what is no number: JSON has none such.
func loggedSteps(steps []dpo.Step) []map[string]any {
	lines := make([]map[string]any, len(steps))
	for i, s := range steps {
		lines[i] = map[string]any{"step": s.Step}
		for name, value := range map[string]float64{
			"loss": s.Loss, "nll": s.NLL, "rewards/chosen": s.RewardsChosen, "rewards/rejected": s.RewardsRejected,
			"rewards/margins": s.RewardsMargins, "rewards/accuracies": s.RewardsAccuracies,
			"logps/chosen": s.LogpsChosen, "logps/rejected": s.LogpsRejected, "grad_norm": s.GradNorm, "lr": s.LR,
		} {
			if !math.IsNaN(value) && !math.IsInf(value, 0) {
				lines[i][name] = value
			}
		}
	}
	return lines
}

// loggedHealth are the steps as [dpo.Health] takes them: a gradient norm that is not logged is no alarm.
func loggedHealth(steps []dpo.Step) []dpo.Step {
	out := slices.Clone(steps)
	for i := range out {
		if math.IsNaN(out[i].GradNorm) {
			out[i].GradNorm = 0
		}
	}
	return out
}

// follow reports how far a program is: by LLaMA-Factory's trainer_log.jsonl, or else by the lines with a loss that TRL prints,
// one a step.
func follow(m *meter, folder, printed string) {
	step, total := 0, 0
	if text, err := readForeign(filepath.Join(folder, "trainer_log.jsonl")); err == nil {
		step, total = logProgress(text)
	} else if text, err := readForeign(printed); err == nil {
		step = bytes.Count(text, []byte("{'loss'"))
	}
	if total > 0 {
		m.total = total
	}
	if step < m.done { // continued from a checkpoint
		m.done = step
	}
	if step > m.done {
		m.add(step-m.done, 0)
	}
}

// logProgress reads the last whole line of trainer_log.jsonl that counts steps; 0 where there is none.
func logProgress(text []byte) (step, total int) {
	lines := bytes.Split(text, []byte("\n"))
	for i := len(lines) - 2; i >= 0; i-- { // what follows the last line's end is being written
		var entry struct {
			Step  int `json:"current_steps"`
			Total int `json:"total_steps"`
		}
		if json.Unmarshal(notNumber.ReplaceAll(lines[i], []byte("${1}null")), &entry) == nil && entry.Total > 0 && entry.Step >= 0 {
			return entry.Step, entry.Total
		}
	}
	return 0, 0
}
