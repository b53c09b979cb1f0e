package lidr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/ledger"
)

// Format is the number of the form of run folders. Whoever changes a form raises it, and adds a folder of the older one
// to testdata/formats.
//
//	1  before run.json had a number
//	2  run.json has format and base; inputs.json; measures/; pairs.stats.json counts by filter; scores have a scope
//	3  run.json, files.json and inputs.json end with their sums; training.json lists the model's files
//	4  settings name the loss; training counts what the template writes behind an answer
const Format = 4

// record is run.json: what a run was made of. It holds no time. Every step adds to it, so files.json does not have it:
// an earlier form is no edit.
type record struct {
	Format       int               `json:"format"`
	Settings     Settings          `json:"settings"`
	Go           string            `json:"go"`
	Modules      map[string]string `json:"modules"`
	Backend      string            `json:"backend"`
	Base         string            `json:"base"`                // the path of M0
	Fingerprints map[string]string `json:"fingerprints"`        // of the models
	Served       []string          `json:"served,omitempty"`    // the models that were behind servers
	Quantized    string            `json:"quantized,omitempty"` // how models computed in fewer bits ([Model.Quantized])
}

// readRecord returns run.json, the zero record where there is none yet.
func (r *Run) readRecord() (record, error) {
	var found record
	err := ledger.ReadSealed(r.Path("run.json"), &found)
	if errors.Is(err, ledger.ErrDamaged) {
		return record{}, fmt.Errorf("%w; put it back, or run the experiment again in another folder: what the models have "+
			"said stays in %s", err, r.store.Dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return record{}, err
	}
	return found, nil
}

// Enter is the one gate before a step's work on a model: it refuses a closed run, settings that were changed after
// Open, a model that is not the run's, and settings that the model cannot work with. Every step calls it before it
// writes a byte, and so should a step of one's own. The first model without rounds behind it that enters becomes the
// run's M0.
func (r *Run) Enter(m *Model) error {
	if err := r.unchanged(); err != nil {
		return err
	}
	before, err := r.readRecord()
	if err != nil {
		return err
	}
	if err := r.whole(before); err != nil {
		return err
	}
	if err := r.belongs(m, before); err != nil {
		return err
	}
	if err := m.suits(r.Settings); err != nil {
		return err
	}
	return r.record(m, before)
}

// whole is an error for a run whose record is not what Open wrote, or whose prompts are of a task that is not at hand.
func (r *Run) whole(before record) error {
	recorded, err := json.Marshal(before.Settings)
	if err != nil {
		return err
	}
	if r.shard.Of > 0 && before.Format == 0 {
		return r.Settings.findFiles(r.own) // a shard may be done before there is a folder
	}
	if before.Format != Format || !bytes.Equal(recorded, r.opened) {
		return fmt.Errorf("run.json of %s is not what Open wrote: it was deleted or edited, or the folder was opened with "+
			"other settings since; open the run again", r.Dir)
	}
	for _, made := range []string{"eval", "responses", "pairs.jsonl"} {
		if _, err := os.Stat(r.Path("M0", made)); err == nil && before.Fingerprints["M0"] == "" {
			return fmt.Errorf("run.json of %s names no M0, and %s is there: it was edited; put it back, or choose another "+
				"run folder",
				r.Dir, r.Path("M0", made))
		}
	}
	return r.Settings.findFiles(r.own)
}

// belongs is an error for a model that is not the run's.
func (r *Run) belongs(m *Model, before record) error {
	recorded, known := before.Fingerprints[m.Name()], m.known()
	if known == "" {
		return fmt.Errorf("%s has no fingerprint, by which the run could know it again; expected a model that says one",
			m.Path)
	}
	if recorded == known || m.Round == 0 && recorded == "" {
		return nil
	}
	for name, fingerprint := range before.Fingerprints {
		if fingerprint == known {
			return fmt.Errorf("%s is %s of the run in %s, and was passed as %s; take run.Model(%q)",
				m.Path, name, r.Dir, m.Name(), name)
		}
	}
	if m.Round == 0 {
		return fmt.Errorf("%s was made from another M0 than %s (fingerprint %.12s there, %.12s now); choose another run "+
			"folder, or delete this one", r.Dir, m.Path, recorded, known)
	}
	if recorded == "" {
		return fmt.Errorf("%s (%s) is no model of the run in %s, which has not made it; pass a model of this run, or load "+
			"%s as the M0 of another", m.Name(), m.Path, r.Dir, m.Path)
	}
	return fmt.Errorf("%s (%s) is another one than the %s of the run in %s (fingerprint %.12s there, %.12s now); take "+
		"run.Model(%q)",
		m.Name(), m.Path, m.Name(), r.Dir, recorded, known, m.Name())
}

// record writes a model into run.json.
func (r *Run) record(m *Model, before record) error {
	if r.shard.Of > 0 {
		return nil
	}
	now := r.recordNow()
	now.Base, now.Fingerprints, now.Quantized = before.Base, map[string]string{}, before.Quantized
	if m.weights != nil && m.weights.Quantization != "" {
		now.Quantized = m.weights.Quantization
	}
	maps.Copy(now.Fingerprints, before.Fingerprints)
	now.Fingerprints[m.Name()] = m.known()
	if m.Round == 0 {
		now.Base = m.Path
	}
	now.Served = slices.DeleteFunc(slices.Clone(before.Served), func(name string) bool { return name == m.Name() })
	if m.engine != nil {
		now.Backend = backend.Arithmetic(m.engine)
		if cut, _, _ := strings.Cut(now.Backend, " "); before.Backend != now.Backend &&
			strings.HasPrefix(before.Backend, cut+" ") {
			r.Note("%s was computed by %s so far, and %s computes here: what the two compute differs in the last bits, so what "+
				"is made from now on may differ from what either alone would make", r.Dir, before.Backend, now.Backend)
		}
	} else {
		now.Backend = "a server's"
		now.Served = append(now.Served, m.Name())
		slices.Sort(now.Served)
	}
	if reflect.DeepEqual(before, now) {
		return nil
	}
	return ledger.WriteSealed(r.Path("run.json"), now)
}

// recordNow is the record of this program, without a model.
func (r *Run) recordNow() record {
	now := record{Format: Format, Settings: r.Settings, Go: runtime.Version(), Modules: map[string]string{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			now.Modules[info.Main.Path] = info.Main.Version
		}
		for _, module := range info.Deps {
			now.Modules[module.Path] = module.Version
		}
	}
	return now
}

// claim is the gate before a step's output that depends on what the caller passes: key is of those inputs. Other inputs
// than before make the output anew, with a note, until a model was trained on it: then they are an error, since run
// folder and model would no longer belong together.
func (r *Run) claim(m *Model, step, key string) error {
	if r.shard.Of > 0 {
		return nil
	}
	keys := map[string]string{}
	path := r.Path(m.Name(), "inputs.json")
	damaged := ledger.ReadSealed(path, &keys)
	if errors.Is(damaged, fs.ErrNotExist) {
		damaged = nil
	} else if damaged != nil && !errors.Is(damaged, ledger.ErrDamaged) {
		return damaged
	}
	before := keys[step]
	if before == key {
		return nil
	}
	next := modelName(m.Round + 1)
	for _, made := range []string{"training.json", "handoff/handoff.json"} {
		if _, err := os.Stat(r.Path(next, made)); err == nil {
			if damaged != nil || len(keys) == 0 {
				return fmt.Errorf("%s says what the steps of %s were given, and was damaged or deleted; put it back, or delete "+
					"it with %s and run again, which makes both anew", path, m.Name(), r.Path(next))
			}
			return fmt.Errorf("%s of %s was given other inputs before, and %s was trained on what it made; choose another "+
				"run folder (what the models have said is not asked for again), or delete %s", step, m.Name(), next, r.Path(next))
		}
	}
	if damaged != nil {
		kept, err := keepEdited(path)
		if err != nil {
			return err
		}
		r.Note("%s was changed since it was written; it is made anew, and what was there is kept as %s", path,
			filepath.Base(kept))
	}
	if before != "" {
		r.Note("%s of %s was given other inputs before; its output is made anew", step, m.Name())
	}
	keys[step] = key
	return ledger.WriteSealed(path, keys)
}

// suits is an error for settings that cannot work with the model, before anything is asked of it.
func (m *Model) suits(s Settings) error {
	limit := m.lm.ContextLength()
	for _, answer := range []struct {
		field string
		most  int
	}{{"generate.sampling.max_tokens", s.Generate.Sampling.MaxTokens}, {"translate.sampling.max_tokens",
		s.Translate.Sampling.MaxTokens}} {
		if limit > 0 && answer.most >= limit {
			return fmt.Errorf("settings: field %s is %d, expected fewer than the context length of %s, %d, which holds the "+
				"prompt too",
				answer.field, answer.most, m.Path, limit)
		}
	}
	if m.checkpoint == nil {
		return nil
	}
	rank := s.Train.LoRA.Rank
	if narrowest := narrowest(m.checkpoint.Config, s.Train.LoRA.targets(m.checkpoint.Config)); rank > narrowest {
		return fmt.Errorf("settings: field train.lora.rank is %d, expected at most %d, the smallest dimension of the "+
			"weights of %s that it adapts: more adds nothing", rank, narrowest, m.Path)
	}
	return nil
}

// narrowest returns the smallest dimension of the weights that an adapter of the targets changes.
func narrowest(config checkpoint.Config, targets []string) int {
	adapter := checkpoint.Adapter{Rank: math.MaxInt, Targets: targets}
	smallest := math.MaxInt
	for _, shape := range adapter.ExpectedTensors(config) { // [rank, in] and [out, rank]
		smallest = min(smallest, shape[0], shape[1])
	}
	return smallest
}

// madeWith returns a folder of what was made with a trained model, "" where nothing was.
func madeWith(run *Run, name string) string {
	for _, part := range []string{"eval", "responses", "measures"} {
		if _, err := os.Stat(run.Path(name, part)); err == nil {
			return run.Path(name, part)
		}
	}
	judged, err := os.ReadDir(run.Path("judged"))
	if err != nil {
		return "" // nothing was judged
	}
	for _, folder := range judged { // M1-M0
		if slices.Contains(strings.Split(folder.Name(), "-"), name) {
			return run.Path("judged", folder.Name())
		}
	}
	return ""
}
