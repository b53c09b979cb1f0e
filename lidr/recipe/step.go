package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// Of returns the recipe of a run folder, with fields changed as by [Load]. A folder that is new has that of nameOrFile,
// which is "" for one that has a recipe of its own; a run without one, of lidr iterate, has its settings and its M0.
func Of(dir, nameOrFile string, sets ...string) (Recipe, error) {
	for _, own := range []string{file, settingsFile} {
		path := filepath.Join(dir, own)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if nameOrFile != "" {
			return again(dir, path, nameOrFile, sets)
		}
		if own == settingsFile {
			var record struct{ Base string }
			if err := ledger.ReadForeignJSON(filepath.Join(dir, "run.json"), &record); err != nil {
				return Recipe{}, err
			}
			if record.Base != "" {
				sets = append([]string{"model.path=" + record.Base}, sets...)
			}
		}
		r, err := Load(path, sets...)
		if err == nil && own == file {
			r.Settings.Preset, err = presetIn(dir, r.Settings.Preset)
		}
		return r, err
	}
	if nameOrFile == "" {
		return Recipe{}, fmt.Errorf("%s is no run folder yet; name what it is made by: --recipe miniature, a shipped recipe "+
			"or a file", dir)
	}
	return Load(nameOrFile, sets...)
}

// presetIn is the preset that the settings of a run folder name: a run that no recipe made keeps its own name for it in
// the recipe that a step has written. A folder without settings has that of its recipe.
func presetIn(dir, preset string) (string, error) {
	var s struct{ Preset string }
	err := ledger.ReadForeignJSON(filepath.Join(dir, settingsFile), &s)
	if errors.Is(err, fs.ErrNotExist) {
		return preset, nil
	}
	return s.Preset, err
}

// again returns the recipe that is named for a folder with one of its own, which have to be one: so the command that
// made the folder can be given again.
func again(dir, path, nameOrFile string, sets []string) (Recipe, error) {
	named, err := Load(nameOrFile, sets...)
	if err != nil {
		return named, err
	}
	own, err := Load(path)
	if err == nil && filepath.Base(path) == file && own.YAML() != named.YAML() {
		err = fmt.Errorf("%s has a recipe of its own, %s, and %s is another; leave --recipe out, or choose another "+
			"folder", dir, file, nameOrFile)
	}
	return named, err // settings alone are compared where the run is opened
}

// steps are the stages of each step of [Step], by the first word of their names.
var steps = map[string][]string{
	"generate": {"pairs"}, "translate": {"pairs"}, "pairs": {"pairs"},
	"train": {"train"}, "handoff": {"train"},
	"eval":  {"evaluate", "answer", "choices"},
	"judge": {"mt-bench", "rate", "judge", "mt-bench-pairs"},
}

// Step does one step of a recipe in its run folder: generate, translate or pairs, each with those before it, train,
// handoff (train by another program), eval or judge. model is the one whose round or measures they are, M0; "" for
// judge is all. What is done already is not done again. With [Shard] the steps generate, translate, pairs and
// eval ask for one part of what they ask, and the same step without it puts the parts together; multiple choice is not
// divided.
func Step(ctx context.Context, r Recipe, dir, step, model string, options ...lidr.Option) (err error) {
	if len(r.Cells)+len(r.Seeds) > 0 {
		return fmt.Errorf("%s has cells or seeds, each with a run folder of its own; do the steps there", r.Name)
	}
	if err := r.check(); err != nil {
		return err
	}
	switch other := r.Trainer.Program != own; {
	case step == "handoff" && !other:
		return fmt.Errorf("trainer.program is %s, which needs no hand-off; do train, or --set trainer.program=llama-factory",
			own)
	case step == "train" && other:
		return fmt.Errorf("trainer.program is %s; do handoff, or --set trainer.program=%s", r.Trainer.Program, own)
	}
	run, err := open(r, dir, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	w := &work{recipe: r, run: run, loaded: map[string]*lidr.Model{}, last: r.models() - 1}
	if step == "generate" || step == "translate" {
		return w.sharded(w.makePairs(ctx, model, step))
	}
	done, err := r.doneIn(run)
	if err != nil {
		return err
	}
	n := 0
	for _, s := range r.stages() {
		name, subject, _ := strings.Cut(s.name, " ")
		if !slices.Contains(steps[step], name) || model != "" && !concerns(step, subject, model) {
			continue
		}
		n++
		if err := w.sharded(s.do(ctx, w)); errors.Is(err, errSaturated) {
			run.Note("%s: the run ends with %s, see %s", s.name, model, run.Path(model, "saturation.json"))
		} else if err != nil {
			return err
		}
		if run.Sharded() {
			continue // a part is not the stage
		}
		if err := r.mark(run, done, s.name); err != nil {
			return err
		}
	}
	if n == 0 {
		if model == "" {
			model = "any model"
		}
		return fmt.Errorf("the recipe of %s has nothing to %s of %s; lidr recipe %s --print shows what it has", dir, step,
			model, filepath.Join(dir, file))
	}
	return nil
}

// Shard makes a [Step] ask for one part of of only, beside others at work (lidr.Run.Divide).
func Shard(part, of int) lidr.Option { return func(r *lidr.Run) { r.Divide(part, of) } }

// sharded is the end of a step, of which one shard may be done: that is told, and no error.
func (w *work) sharded(err error) error {
	if errors.Is(err, ledger.ErrShard) {
		w.run.Note("%s", err)
		return nil
	}
	return err
}

// concerns tells whether a stage is of a model: a training is of the one that it starts from.
func concerns(step, subject, model string) bool {
	if step == "train" || step == "handoff" {
		return roundOf("train "+subject) == roundOf("train "+model)+1
	}
	return subject == model || strings.HasPrefix(subject, model+"-")
}
