package recipe

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	world "lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/recipe/launch"
)

// RunSmall is [Run] at a size that shows in seconds that a recipe runs: on the embedded model, trained here, with a few
// prompts, in its world's languages, with stand-ins of our own for the data, the judge and a translator. The recipe's
// steps, sides and measures stay. note is told what stands for what. The stand-ins' data are in the folder
// stand-ins of each run.
func RunSmall(ctx context.Context, r Recipe, dir string, note func(string), options ...lidr.Option) (string, error) {
	if len(r.Seeds) > smallSeeds {
		r.Seeds = r.Seeds[:smallSeeds]
	}
	singles, err := r.singles()
	if err != nil {
		return "", err
	}
	var servers []*scripted
	for i, one := range singles {
		small, server, err := one.small(filepath.Join(dir, one.name, "stand-ins"), func(format string, args ...any) {
			note(in(one.name, fmt.Errorf("small: "+format, args...)).Error())
		})
		if err != nil {
			return "", err
		}
		defer server.stop()
		small.Settings.Preset = strings.Replace(small.Settings.Preset, fromRecipe, "small recipe "+r.Name+", from ", 1)
		singles[i].Recipe = small
		servers = append(servers, server)
	}
	prepare := func(one single, run *lidr.Run) error { return one.standIns(run) }
	return runAll(ctx, singles, dir, options, plan{prepare: prepare, scripted: servers})
}

// small returns a recipe with stand-ins, whose data are in a folder, and the server of its judge and translator, nil
// where it has neither.
func (r Recipe) small(data string, note func(format string, args ...any)) (small Recipe, server *scripted, err error) {
	r.Launch = launch.Defaults()
	model := r.Model.Path
	r.Model = Model{Path: miniature}
	if model != miniature {
		note("the embedded model for %s", model)
	}
	if r.Trainer.Program != own && r.Trainer.Program != none {
		note("our own trainer for %s", r.Trainer.Program)
		r.Trainer = defaults(lidr.MiniatureSettings()).Trainer
	}
	before := r.AllLanguages()
	r.Dominant, r.Trained, r.Unseen = smallLanguages(r)
	if now := r.AllLanguages(); !slices.Equal(now, before) {
		note("languages %s for %s", strings.Join(now, " "), strings.Join(before, " "))
	}
	if r.Prompts.Source != miniature {
		note("problems of the miniature world for %s, and the words that the model knows for asking and translating",
			r.Prompts.Source)
	}
	if source := r.Evaluate.Source; source != "" && source != miniature {
		note("problems of the miniature world for %s", source)
	}
	note("%d prompts and problems, %d pairs a step, answers of at most %d tokens", smallPrompts, smallBatch, answerTokens)
	if r.Train.Cut != "" {
		note("pairs of any length for a recipe that cuts them at train.max_length as %s does", r.Train.Cut)
	}
	if r.Scoring.asks("aligned") {
		return r, nil, fmt.Errorf("recipe %s: scoring.scorers has implicit, which needs two models, and a small run has the "+
			"embedded one alone; leave --small out, or take another scorer", r.Name)
	}
	r.Settings = smallSettings(r.Settings)
	for _, file := range r.files() {
		if *file.path != "" {
			note("%s of our own for %s", file.name, *file.path)
			*file.path = filepath.Join(data, file.name)
		}
	}
	r.Instructions.Generate.System, r.Instructions.Generate.Sampling.MaxTokens = "", answerTokens
	r.MTBench.Settings.Answer.MaxTokens = answerTokens
	for _, other := range r.others() { // no report says that a model judged which was not asked
		other.model.Path = scriptedAs + other.model.Path
	}
	if len(r.others()) > 0 {
		if server, err = startScripted(r); err != nil {
			return r, nil, err
		}
	}
	for _, other := range r.others() {
		note("%s for %s", other.small, strings.TrimPrefix(other.model.Path, scriptedAs))
		other.model.Endpoints = nil
	}
	r.Judge.Prices = lm.Prices{}
	for i := range r.Panel {
		r.Panel[i].Prices = lm.Prices{}
	}
	return r, server, nil
}

// other is a model that a recipe asks beside those of the run, and what a small run asks in its place.
type other struct {
	model *Model
	small string
}

// others are those that the recipe names. The list of the panel is the recipe's own from then on.
func (r *Recipe) others() (all []other) {
	r.Panel = slices.Clone(r.Panel)
	add := func(m *Model, small string) {
		if m.Path != "" {
			all = append(all, other{m, small})
		}
	}
	add(&r.Judge.Model, "a scripted judge")
	for i := range r.Panel {
		add(&r.Panel[i].Model, "a scripted judge")
	}
	add(&r.Translator, "the miniature world's own translation")
	add(&r.Scoring.RewardModel.Model, "the length of an answer")
	add(&r.Scoring.Embeddings.Model, "the letters of an answer")
	return all
}

// scriptedAs is before the name of a model that a small run does not ask.
const scriptedAs = "scripted/"

const (
	smallPrompts = 3
	smallSeeds   = 2
	smallBatch   = 4  // pairs a step: a warm-up's first step learns nothing, so there have to be more
	answerTokens = 64 // an answer of the embedded model has about 40
)

// smallSettings keep what a run does and take the sizes, and the words, that the embedded model was trained with.
func smallSettings(s lidr.Settings) lidr.Settings {
	m := lidr.MiniatureSettings()
	s.Prompts.Source, s.Prompts.N = miniature, smallPrompts
	s.Generate.Template, s.Generate.System, s.Generate.Sampling.MaxTokens = m.Generate.Template, "", answerTokens
	s.Translate.Template, s.Translate.Prefill, s.Translate.System = m.Translate.Template, m.Translate.Prefill, ""
	s.Translate.Sampling.MaxTokens = 2 * answerTokens
	s.Train.MaxLength, s.Train.Cut, s.Train.BatchPairs = 0, "", smallBatch
	if s.Evaluate.Source != "" {
		s.Evaluate.Source, s.Evaluate.N, s.Evaluate.Shots, s.Evaluate.Exemplars = miniature, smallPrompts, 0, ""
	}
	return s
}

// smallLanguages are as many of the world's languages as the recipe has, its own where the world has them.
func smallLanguages(r Recipe) (dominant string, trained, unseen []string) {
	var free []string
	for _, l := range world.Languages() {
		free = append(free, l.Code)
	}
	take := func(wanted string) string {
		at := max(0, slices.Index(free, wanted))
		code := free[at]
		free = slices.Delete(free, at, at+1)
		return code
	}
	all := func(wanted []string) (taken []string) {
		missing := 0
		for _, code := range wanted {
			if slices.Contains(free, code) {
				taken = append(taken, take(code))
			} else {
				missing++
			}
		}
		for range min(missing, len(free)) {
			taken = append(taken, take(""))
		}
		return taken
	}
	dominant = take(r.Dominant)
	if dominant != r.Dominant && r.Dominant != "en" { // another dominant language is what the recipe is about
		free = append([]string{dominant}, free...)
		dominant = free[1]
		free = slices.Delete(free, 1, 2)
	}
	return dominant, all(r.Trained), all(r.Unseen)
}
