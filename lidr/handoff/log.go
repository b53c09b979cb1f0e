package handoff

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
)

// logFolder is where a program leaves its logs: its output folder.
func logFolder(run *lidr.Run, name string) string {
	if run.Settings.Train.LoRA.Rank > 0 {
		return run.Path(name, "adapter")
	}
	return run.Path(name, "model")
}

// errUntrained says that a model's files are not there, or not whole.
var errUntrained = errors.New("there is no trained checkpoint yet")

// checkTrained returns nil if <name>/model is a trained checkpoint. After the weights, LLaMA-Factory writes
// trainer_state.json, and TRL training_args.bin. An error other than errUntrained says that this cannot be told, and
// that nothing is to be trained over what may be there.
func checkTrained(run *lidr.Run, name string, t Trainer) error {
	model := run.Path(name, "model")
	needed := []string{filepath.Join(model, "config.json")}
	if t.Program == programLlamaFactory {
		needed = append(needed, filepath.Join(logFolder(run, name), "trainer_state.json"))
	} else {
		needed = append(needed, filepath.Join(model, "training_args.bin"))
	}
	_, err := checkpoint.WeightFiles(model)
	for _, path := range needed {
		if err == nil {
			_, err = os.Stat(path)
		}
	}
	var failed *fs.PathError
	if errors.As(err, &failed) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s may be trained already, but cannot be looked at: %w; make its files this user's (chown -R, "+
			"where the trainer ran as root in a container) and run the same command again, or delete %s to train it anew",
			name, err, run.Path(name))
	} else if err != nil {
		return fmt.Errorf("%w: %w", errUntrained, err)
	}
	return nil
}

// readSteps reads the steps from trainer_state.json, in folder or in the last of its checkpoints; none where a program
// left no such file.
func readSteps(folder string) ([]dpo.Step, error) {
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

// lastCheckpoint returns the folder checkpoint-N with the largest N, "" where there is none.
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

// trainerState is Transformers' trainer_state.json, as far as it is read.
type trainerState struct {
	LogHistory []map[string]any `json:"log_history"`
}

// notNumber finds what Python writes where JSON has no number.
var notNumber = regexp.MustCompile(`(:\s*)(?:NaN|-?Infinity)\b`)

// parseTrainerState returns the entries of a training: those with a loss.
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
		step, err := parseStep(entry)
		if err != nil {
			return nil, fmt.Errorf("log_history[%d]: %w", i, err)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func parseStep(entry map[string]any) (dpo.Step, error) {
	number := logged(entry, "step")
	if !(number >= 1 && number < 1<<31 && number == math.Trunc(number)) {
		return dpo.Step{}, fmt.Errorf("step is %v, expected a number from 1", entry["step"])
	}
	none := math.NaN()
	step := dpo.Step{Step: int(number), DPO: none, Replay: none, Identical: none, Padding: none}
	for name, field := range map[string]*float64{
		"loss":               &step.Loss,
		"nll_loss":           &step.NLL,
		"rewards/chosen":     &step.RewardsChosen,
		"rewards/rejected":   &step.RewardsRejected,
		"rewards/margins":    &step.RewardsMargins,
		"rewards/accuracies": &step.RewardsAccuracies,
		"logps/chosen":       &step.LogpsChosen,
		"logps/rejected":     &step.LogpsRejected,
		"kl":                 &step.KL,
		"log_odds_chosen":    &step.LogOdds,
		"grad_norm":          &step.GradNorm,
		"learning_rate":      &step.LR,
	} {
		*field = logged(entry, name)
	}
	if math.IsNaN(step.NLL) {
		step.NLL = logged(entry, "sft_loss") // LLaMA-Factory's of ORPO
	}
	return step, nil
}

// logged returns a number of a log's entry: NaN if it is not logged, and infinite if what is logged is no number.
func logged(entry map[string]any, name string) float64 {
	value, found := entry[name]
	if number, ok := value.(float64); ok {
		return number
	} else if found {
		return math.Inf(1)
	}
	return math.NaN()
}
