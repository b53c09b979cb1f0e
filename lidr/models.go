package lidr

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// Training is <model>/training.json, written last: the model folder belongs to this training, and is whole.
type Training struct {
	Key         string        `json:"key"`
	Base        string        `json:"base"` // fingerprint of the model that the round started from
	Model       string        `json:"model"`
	Pairs       int           `json:"pairs"`
	Settings    TrainSettings `json:"settings"`
	Fingerprint string        `json:"fingerprint"`
	// Files are the SHA-256 of the files that the model is loaded from, by their names below its folder: those of model
	// and of adapter. The run fills them in.
	Files map[string]string `json:"files"`
	// Elsewhere says that the round started from a model behind a server, so the weights are only named here.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// training reads the record of a model's training; fs.ErrNotExist for a model that no training has finished.
func (r *Run) training(name string) (Training, error) {
	var t Training
	err := r.ReadJSON(r.Path(name, "training.json"), &t)
	return t, err
}

// trained returns the record of the training that made t.Model, the zero one where none has ended: t, if its files are
// as they were left, or another training's. One that was damaged is made anew from t, which says all that it said.
func (r *Run) trained(t Training) (Training, error) {
	path, folder := r.Path(t.Model, "training.json"), r.Path(t.Model)
	hashes, err := r.listing()
	if err != nil {
		return Training{}, err
	}
	before, err := r.readRecord()
	if err != nil {
		return Training{}, err
	}
	data, err := input.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Training{}, err
	}
	var found Training
	wrote := hashes[t.Model+"/training.json"]
	intact := data != nil && wrote == hashOf(data)
	if intact {
		if err := decodeOwn(path, data, &found); err != nil || found.Key != t.Key {
			return found, err
		}
	}
	t.Fingerprint = before.Fingerprints[t.Model]
	if intact && t.Elsewhere { // reading tens of gigabytes again would keep every later step waiting
		return found, nil
	}
	if t.Files, err = modelHashes(folder); err != nil {
		return Training{}, err
	}
	if intact {
		return found, compareModel(folder, "", found.Files, t.Files)
	}
	again, err := ledger.EncodeJSON(t)
	if err != nil {
		return Training{}, err
	}
	switch {
	case bytes.Equal(data, again): // a process was killed before it listed the record
		return t, nil
	case wrote == hashOf(again):
		return t, r.Write(path, again)
	case data == nil:
		return Training{}, nil
	}
	return Training{}, fmt.Errorf("%s was changed since it was written, and says how %s was trained; put it back, or "+
		"delete %s and run again, which trains it anew", path, t.Model, folder)
}

// Model returns a model of the run by its name: "M0" from where it was loaded, "M1" and so on from their folders in the
// run. One whose weights are damaged or were changed after its training is an error. Where the run's models are behind
// servers, the result knows its checkpoint and cannot answer: [Run.Use] serves it.
func (r *Run) Model(name string) (*Model, error) {
	m, err := r.named(name)
	if err != nil || m.elsewhere() {
		return m, err
	}
	path := m.Path
	if _, err := os.Stat(path); m.Round > 0 && errors.Is(err, fs.ErrNotExist) {
		path = r.Path(name, "adapter") // kept alone, to save space
	}
	loaded, err := LoadModel(path)
	if err != nil {
		return nil, err
	}
	if loaded.known() != m.known() {
		return nil, fmt.Errorf("%s was changed since the run in %s used it as %s (fingerprint %.12s there, %.12s now); "+
			"put it back, or choose another run folder", path, r.Dir, name, m.known(), loaded.known())
	}
	loaded.Path, loaded.Round, loaded.From = m.Path, m.Round, m.From
	return loaded, nil
}

// named returns a model of the run without its weights.
func (r *Run) named(name string) (*Model, error) {
	if err := r.unchanged(); err != nil {
		return nil, err
	}
	before, err := r.readRecord()
	if err != nil {
		return nil, err
	}
	fingerprint := before.Fingerprints[name]
	if fingerprint == "" {
		made := strings.Join(slices.Sorted(maps.Keys(before.Fingerprints)), ", ")
		return nil, fmt.Errorf("the run in %s has no model %q, it has %s", r.Dir, name, cmp.Or(made, "none yet"))
	}
	if name == modelName(0) {
		served := slices.Contains(before.Served, name)
		return &Model{Path: before.Base, lm: unserved{before.Base, fingerprint, served}}, nil
	}
	round, err := strconv.Atoi(name[1:])
	if err != nil {
		return nil, fmt.Errorf("%s: run.json names a model %q, expected M and a number", r.Dir, name)
	}
	t, err := r.training(name)
	if err != nil {
		return nil, fmt.Errorf("%s of the run in %s is not trained: %w", name, r.Dir, err)
	}
	path := r.Path(name, "model")
	return &Model{Path: path, Round: round, From: t.Base, lm: unserved{path, fingerprint, t.Elsewhere}}, nil
}

// elsewhere says that a model's weights are not to be loaded here.
func (m *Model) elsewhere() bool {
	u, ok := m.lm.(unserved)
	return ok && u.elsewhere
}

// Use returns a model of the run that a server answers for. The server is trusted to serve the checkpoint by that name:
// a round trained on what it answers starts from the checkpoint.
func (r *Run) Use(name string, server lm.Model) (*Model, error) {
	m, err := r.named(name)
	if err != nil {
		return nil, err
	}
	return &Model{Path: m.Path, Round: m.Round, From: m.From, lm: server, identity: m.known()}, nil
}

// Adopt makes the checkpoint in <t.Model>/model, which another program trained, the run's model of that name: it writes
// train.jsonl, warnings.json and training.json, and names the model in run.json. Numbers of steps that the program does
// not log are NaN, and left out of the file. Adopting it again is no error; a checkpoint that was changed since is one.
func (r *Run) Adopt(t Training, steps []dpo.Step) (*Model, error) {
	if err := errors.Join(r.unchanged(), r.wholeList()); err != nil {
		return nil, err
	}
	round, err := strconv.Atoi(strings.TrimPrefix(t.Model, "M"))
	if err != nil || t.Model != modelName(round) || round < 1 {
		return nil, fmt.Errorf("adopt %q: expected M and a number from 1", t.Model)
	}
	before, err := r.trained(t)
	if err != nil {
		return nil, err
	}
	if before.Key != t.Key && (before.Key != "" || madeWith(r, t.Model) != "") {
		return nil, fmt.Errorf("adopt %s: %s holds a model of another training, or something made with one; delete it, or "+
			"choose another run folder", t.Model, r.Path(t.Model))
	}
	next := &Model{Path: r.Path(t.Model, "model")}
	switch {
	case !t.Elsewhere:
		next, err = loadAny(next.Path)
	case before.Key == t.Key: // reading tens of gigabytes again would keep every later step waiting
		next.lm, err = unserved{next.Path, before.Fingerprint, true}, nil
	default:
		var fingerprint string
		fingerprint, err = hashFolder(next.Path)
		next.lm = unserved{next.Path, fingerprint, true}
	}
	if err != nil {
		return nil, err
	}
	next.Round, next.From = round, t.Base
	if before.Key == t.Key && before.Fingerprint != next.Fingerprint() {
		return nil, fmt.Errorf("%s was changed after its training; delete %s and run again", next.Path, r.Path(t.Model))
	}
	t.Fingerprint, t.Files = next.Fingerprint(), before.Files
	if before.Key != t.Key {
		if t.Files, err = modelHashes(r.Path(t.Model)); err != nil {
			return nil, err
		}
	}
	if err := r.WriteLines(r.Path(t.Model, "train.jsonl"), loggedSteps(steps)); err != nil {
		return nil, err
	}
	warnings := append(foreignHealth(r.Settings.Train.Settings, steps), missingParts(steps)...)
	var pairs []Pair
	err = r.ReadLines(r.Path(modelName(round-1), "pairs.jsonl"), &pairs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if warning := r.alsoEvaluated(t.Model, promptsOf(pairs)); warning != "" {
		warnings = append(warnings, warning)
	}
	if err := r.WriteJSON(r.Path(t.Model, "warnings.json"), warnings); err != nil {
		return nil, err
	}
	if err := r.made(next); err != nil {
		return nil, err
	}
	return next, r.WriteJSON(r.Path(t.Model, "training.json"), t)
}

// made names a model that was just trained in run.json, in the place of an earlier one of its name.
func (r *Run) made(m *Model) error {
	before, err := r.readRecord()
	if err != nil {
		return err
	}
	return r.record(m, before)
}

// forget takes a model that is to be trained anew out of run.json, so that no step takes the earlier one any more.
func (r *Run) forget(name string) error {
	now, err := r.readRecord()
	if err != nil {
		return err
	}
	delete(now.Fingerprints, name)
	return ledger.WriteSealed(r.Path("run.json"), now)
}

// loggedSteps are steps by the names of train.jsonl, without what is no number: JSON has none such.
func loggedSteps(steps []dpo.Step) []map[string]any {
	lines := make([]map[string]any, len(steps))
	for i, step := range steps {
		lines[i] = map[string]any{}
		values := reflect.ValueOf(step)
		for k := range values.NumField() {
			name, _, _ := strings.Cut(values.Type().Field(k).Tag.Get("json"), ",")
			value := values.Field(k)
			if value.CanInt() && value.Int() == 0 { // tokens, which only our own trainer counts
				continue
			}
			if value.CanFloat() && (math.IsNaN(value.Float()) || math.IsInf(value.Float(), 0)) {
				continue
			}
			lines[i][name] = value.Interface()
		}
	}
	return lines
}

// foreignHealth is [dpo.Health] of steps that another program logged: a gradient norm that it leaves out is no alarm.
func foreignHealth(s dpo.Settings, steps []dpo.Step) []string {
	out := slices.Clone(steps)
	for i := range out {
		if math.IsNaN(out[i].GradNorm) {
			out[i].GradNorm = 0
		}
	}
	return append([]string{}, dpo.Health(s, out, math.NaN())...) // the file is a list, empty or not
}

// missingParts counts the steps whose parts of the loss another program did not log.
func missingParts(steps []dpo.Step) []string {
	missing := 0
	for _, s := range steps {
		if math.IsNaN(s.DPO) {
			missing++
		}
	}
	if missing == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the trainer logged the loss of %d of %d steps without its parts: their dpo and nll are "+
		"missing", missing, len(steps))}
}

// Warnings reads back what a reader should know before believing a model that the run has trained.
func (r *Run) Warnings(model string) ([]string, error) {
	var warnings []string
	err := r.ReadJSON(r.Path(model, "warnings.json"), &warnings)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s of the run in %s is not trained: %w", model, r.Dir, err)
	}
	return warnings, err
}

// unserved is a checkpoint that is named and not loaded.
type unserved struct {
	path, fingerprint string
	elsewhere         bool // its weights are not to be loaded here
}

func (u unserved) Fingerprint() string { return u.fingerprint }
func (u unserved) ContextLength() int  { return 0 }

func (u unserved) refuse() error {
	return fmt.Errorf("no server answers for %s yet: start one on it and go on with Run.Use, or load it here with "+
		"LoadModel", u.path)
}

func (u unserved) CountTokens(lm.Request) (int, error) { return 0, u.refuse() }

func (u unserved) Generate(context.Context, []lm.Request, lm.Sampling, func(int) bool,
	func([]int, []lm.Completion) error) error {
	return u.refuse()
}

func (u unserved) Logprobs(context.Context, []lm.Request, []string) ([]float64, []int, error) {
	return nil, nil, u.refuse()
}

// decisive are the files beside the weights that decide a checkpoint's answers.
var decisive = []string{
	"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
}

// hashFolder is the SHA-256 of what decides the answers of a checkpoint that is too large to load: its files' names and
// bytes.
func hashFolder(folder string) (string, error) {
	files, err := checkpoint.WeightFiles(folder)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, name := range append(slices.Clone(decisive), files...) {
		file, err := input.OpenFile(filepath.Join(folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return "", err
		}
		info, err := file.Stat()
		if err == nil {
			fmt.Fprintf(hash, "%s %d\n", name, info.Size())
			_, err = io.Copy(hash, file)
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
