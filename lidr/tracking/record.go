package tracking

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lidrlab/lidr"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
)

// evaluations is the curve of all models' scores, by round.
const evaluations = "evaluation"

// record is what is known of a run's curves: what was seen, and what its files say.
type record struct {
	dir     string
	current map[string]string        // of a model, its curve: M1, or M1-2
	steps   map[string]map[int]point // of a curve
	speeds  map[string]map[int]speed // of the steps that were seen when they were taken
	adapter bool                     // the run trains one
	before  time.Duration
	at      string // the curve and step that before is of
	sent    time.Time
}

// openRecord reads what earlier processes have seen of a run. A line that cannot be read was torn when one was killed.
func openRecord(dir string) *record {
	r := &record{
		dir: dir, current: map[string]string{}, steps: map[string]map[int]point{},
		speeds: map[string]map[int]speed{},
	}
	var settings lidr.Settings
	if data, err := input.ReadFile(filepath.Join(dir, "settings.json")); err == nil {
		r.adapter = json.Unmarshal(data, &settings) == nil && settings.Train.LoRA.Rank > 0
	}
	data, err := input.ReadFile(r.path("steps.jsonl"))
	if err != nil {
		return r
	}
	for line := range bytes.Lines(data) {
		var s speed
		if json.Unmarshal(line, &s) == nil && s.Training.Step > 0 {
			r.keep(s)
			model, _, _ := strings.Cut(s.Curve, "-")
			r.current[model] = s.Curve
		}
	}
	return r
}

func (r *record) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir, "tracking"}, parts...)...)
}

func (r *record) keep(s speed) {
	if r.speeds[s.Curve] == nil {
		r.speeds[s.Curve] = map[int]speed{}
	}
	r.speeds[s.Curve][s.Training.Step] = s
	r.put(s.Curve, s.Training, s.Time)
}

// curveOf returns the curve that a step of a model's training belongs to: a new one where the last one has another loss
// at that step, since that was another training.
func (r *record) curveOf(model string, s dpo.Step) string {
	curve := r.current[model]
	if curve == "" {
		curve = model
	}
	for n := 2; ; n++ {
		before, known := r.steps[curve][s.Step]
		if !known || slices.Equal(lossOf(before.values), lossOf(ofStep(s))) {
			break
		}
		curve = fmt.Sprintf("%s-%d", model, n)
	}
	r.current[model] = curve
	return curve
}

// lossOf is the loss among a step's values, none where it was not finite.
func lossOf(values []value) []value {
	i := slices.IndexFunc(values, func(v value) bool { return v.name == "loss" })
	if i < 0 {
		return nil
	}
	return values[i : i+1]
}

// put adds a step to its curve.
func (r *record) put(curve string, s dpo.Step, when time.Time) {
	if r.steps[curve] == nil {
		r.steps[curve] = map[int]point{}
	}
	values, known := ofStep(s), r.speeds[curve][s.Step]
	if known.Training.Step > 0 {
		values, when = append(values, known.values()...), known.Time
	}
	r.steps[curve][s.Step] = point{s.Step, when, values}
}

// trainingStep is the name under which a model's training reports, "M0 train": it makes the next model.
var trainingStep = regexp.MustCompile(`(?:^|: )M(\d+) train$`)

// step takes a step that a training has just taken, and writes what it took beside the run's files.
func (r *record) step(e lidr.Event, peak float64) error {
	found := trainingStep.FindStringSubmatch(e.Step)
	if found == nil {
		return nil // such as a pretraining
	}
	round, err := strconv.Atoi(found[1])
	if err != nil {
		return err
	}
	s := *e.Training
	curve := r.curveOf(fmt.Sprintf("M%d", round+1), s)
	took := e.Elapsed
	if r.at == fmt.Sprint(curve, s.Step-1) {
		took -= r.before
	}
	r.before, r.at = e.Elapsed, fmt.Sprint(curve, s.Step)
	if _, known := r.speeds[curve][s.Step]; known { // of an earlier process, which was killed after it
		return nil
	}
	line := speed{Curve: curve, Training: s, Time: time.Now().UTC().Round(time.Millisecond), Seconds: took.Seconds()}
	if took > 0 {
		line.TokensPerSecond = float64(s.Tokens) / took.Seconds()
		line.MFU = mfu(e.Parameters, s.Positions, r.adapter, took.Seconds(), peak)
	}
	line.MemoryBytes = backend.UsedMemory()
	r.keep(line)
	if err := os.MkdirAll(r.path(), 0o755); err != nil {
		return err
	}
	return ledger.AppendLine(r.path("steps.jsonl"), line)
}

var modelFolder = regexp.MustCompile(`^M(\d+)$`)

// readFiles takes what the run's files tell: all steps of finished trainings, and the scores.
func (r *record) readFiles() error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	var wrong error
	for _, entry := range entries {
		found := modelFolder.FindStringSubmatch(entry.Name())
		if found == nil {
			continue
		}
		round, err := strconv.Atoi(found[1])
		if err == nil {
			err = errors.Join(r.readTraining(entry.Name()), r.readScores(entry.Name(), round))
		}
		wrong = errors.Join(wrong, err)
	}
	return wrong
}

func (r *record) readTraining(model string) error {
	file := filepath.Join(r.dir, model, "train.jsonl")
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	data, err := input.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(data) {
		var s dpo.Step
		if err := json.Unmarshal(line, &s); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		r.put(r.curveOf(model, s), s, info.ModTime())
	}
	return nil
}

func (r *record) readScores(model string, round int) error {
	file := filepath.Join(r.dir, model, "eval", "scores.json")
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	data, err := input.ReadFile(file)
	if err != nil {
		return err
	}
	var scores []eval.Score
	if err := json.Unmarshal(data, &scores); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if r.steps[evaluations] == nil {
		r.steps[evaluations] = map[int]point{}
	}
	r.steps[evaluations][round] = point{round, info.ModTime(), ofScores(scores)}
	return nil
}

// names are the curves, in their order.
func (r *record) names() []string { return slices.Sorted(maps.Keys(r.steps)) }

// points are a curve's, in the order of their steps.
func (r *record) points(curve string) []point {
	var all []point
	for _, step := range slices.Sorted(maps.Keys(r.steps[curve])) {
		all = append(all, r.steps[curve][step])
	}
	return all
}
