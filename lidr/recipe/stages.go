package recipe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/choices"
	"lidrlab/lidr/judge"
)

// stage is a part of a run that is done as a whole: what one model answers, a training, a comparison by the judge.
type stage struct {
	name  string // "evaluate M0"
	model string // the run's model that has to answer, "" where none has
	do    func(context.Context, *work) error
}

// errSaturated ends the rounds: the rule of lidr.Settings.StopWhenSaturated.
var errSaturated = errors.New("saturated")

// models is how many models the run has: M0, and one for each round that trains.
func (r Recipe) models() int {
	if r.Trainer.Program == none {
		return 1
	}
	return r.Rounds + 1
}

// stages are those of a run, in their order.
func (r Recipe) stages() []stage {
	var all []stage
	add := func(step, subject, model string, do func(context.Context, *work) error) {
		all = append(all, stage{step + " " + subject, model, do})
	}
	for round := range r.Rounds + 1 {
		name := fmt.Sprintf("M%d", round)
		if r.Evaluate.Source != "" {
			add("evaluate", name, name, answered(name, evaluate))
		}
		if r.Instructions.Source != "" {
			add("answer", name, name, answered(name, answer))
		}
		if r.MTBench.Source != "" {
			add("mt-bench", name, name, answered(name, mtBench))
		}
		if r.Choices.Source != "" {
			add("choices", name, name, answered(name, ask))
		}
		if round == r.Rounds {
			break
		}
		add("pairs", name, name, pairsOf(name))
		if slices.Contains(r.Ratings.Models, name) {
			add("rate", name, "", paired(name, rate))
		}
		if r.Trainer.Program == none {
			break
		}
		add("train", fmt.Sprintf("M%d", round+1), "", paired(name, train))
	}
	if r.Instructions.References != "" {
		for round := range r.models() {
			name := fmt.Sprintf("M%d-reference", round)
			add("judge", name, "", compare(name))
		}
	}
	if r.Instructions.Source != "" {
		for _, name := range r.Instructions.Matches {
			add("judge", name, "", compare(name))
		}
	}
	for _, name := range r.MTBench.Matches {
		add("mt-bench-pairs", name, "", compareTurns(name))
	}
	return all
}

// answered is a stage in which a model answers.
func answered(name string, do func(context.Context, *work, *lidr.Model) error) func(context.Context, *work) error {
	return func(ctx context.Context, w *work) error {
		m, err := w.model(ctx, name)
		if err != nil {
			return err
		}
		return do(ctx, w, m)
	}
}

// paired is a stage on the pairs of a model, which it does not ask.
func paired(name string, do func(context.Context, *work, *lidr.Model, []lidr.Pair) error) func(context.Context,
	*work) error {
	return func(ctx context.Context, w *work) error {
		rows, err := w.pairs(name)
		if err != nil {
			return err
		}
		m, err := w.named(name)
		if err != nil {
			return err
		}
		return do(ctx, w, m, rows)
	}
}

func evaluate(ctx context.Context, w *work, m *lidr.Model) error {
	if _, err := lidr.Evaluate(ctx, w.run, m); err != nil || m.Round == 0 {
		return err
	}
	return w.saturated(ctx, m, nil)
}

func answer(ctx context.Context, w *work, m *lidr.Model) error {
	s := w.recipe.Instructions
	prompts, err := datasets.LoadPrompts(s.Source, w.recipe.AllLanguages())
	if err != nil {
		return err
	}
	_, err = judge.Answer(ctx, w.run, m, s.Suite, datasets.Frame(prompts), s.Generate)
	return err
}

func mtBench(ctx context.Context, w *work, m *lidr.Model) error {
	grader, err := w.judge(ctx)
	if err != nil {
		return err
	}
	_, err = judge.MTBench(ctx, w.run, m, grader, w.recipe.MTBench.Source, w.recipe.MTBench.Settings)
	return err
}

func ask(ctx context.Context, w *work, m *lidr.Model) error {
	if w.run.Sharded() {
		w.run.Note("multiple choice is not divided; it is asked without a shard")
		return nil
	}
	_, err := choices.Ask(ctx, w.run, m, w.recipe.Choices.Source, w.recipe.Choices.Settings)
	return err
}

func pairsOf(name string) func(context.Context, *work) error {
	return func(ctx context.Context, w *work) error { return w.makePairs(ctx, name, "pairs") }
}

// makePairs is a round up to the step until: generate, translate or pairs.
func (w *work) makePairs(ctx context.Context, name, until string) error {
	m, err := w.model(ctx, name)
	if err != nil {
		return err
	}
	prompts, err := lidr.Prompts(ctx, w.run, m)
	if err != nil {
		return err
	}
	responses, err := lidr.Generate(ctx, w.run, m, prompts)
	if err != nil || until == "generate" {
		return err
	}
	scored := len(w.recipe.Scoring.Scorers) > 0
	if scored && !w.recipe.Scoring.Translations {
		if until == "translate" {
			return errors.New("pairs are chosen by scoring.scorers among own answers, so nothing is translated; do pairs")
		}
		return w.choose(ctx, m, responses, nil)
	}
	translator, err := w.translator(ctx, m)
	if err != nil {
		return err
	}
	translations, err := lidr.TranslateBy(ctx, w.run, m, translator, responses)
	if err != nil || until == "translate" {
		return err
	}
	if scored {
		return w.choose(ctx, m, responses, &translations)
	}
	_, _, err = lidr.Pairs(ctx, w.run, m, responses, translations)
	return err
}

func rate(ctx context.Context, w *work, m *lidr.Model, pairs []lidr.Pair) error {
	rater, err := w.judge(ctx)
	if err != nil {
		return err
	}
	_, _, err = judge.Rate(ctx, w.run, m, rater, datasets.Frame(pairs), w.recipe.Ratings.Settings)
	return err
}

func train(ctx context.Context, w *work, m *lidr.Model, pairs []lidr.Pair) error {
	if err := w.saturated(ctx, m, pairs); err != nil {
		return err
	}
	if w.recipe.Trainer.Program != own {
		return w.handOff(ctx, m, datasets.Frame(pairs))
	}
	next, _, err := lidr.Train(ctx, w.run, m, datasets.Frame(pairs))
	if err == nil {
		w.loaded[next.Name()] = next
	}
	return err
}

// compare lets the judge compare a model's answers with another's, or with the published references.
func compare(name string) func(context.Context, *work) error {
	return func(ctx context.Context, w *work) error {
		s := w.recipe.Instructions
		a, b, _ := strings.Cut(name, "-")
		if !w.has(a) || b != reference && !w.has(b) {
			return nil // the run was saturated before
		}
		ours, err := judge.Answers(w.run, a, s.Suite)
		if err != nil {
			return err
		}
		judging := s.Judging
		theirs := ours
		if b == reference {
			ours = inLanguages(ours, w.recipe.Languages()) // there are no references in the unseen ones
			theirs, err = judge.References(ours, s.References)
		} else {
			judging.BothOrders = true
			theirs, err = judge.Answers(w.run, b, s.Suite)
		}
		if err != nil {
			return err
		}
		all, err := w.judges(ctx)
		if err != nil {
			return err
		}
		if _, _, err = judge.Compare(ctx, w.run, name, all[0], ours, theirs, judging); err != nil || len(all) == 1 {
			return err
		}
		_, _, err = judge.Panel(ctx, w.run, name, all, ours, theirs, judging)
		return err
	}
}

// compareTurns lets the judge compare two models' answers to MT-bench.
func compareTurns(name string) func(context.Context, *work) error {
	return func(ctx context.Context, w *work) error {
		a, b, _ := strings.Cut(name, "-")
		if !w.has(a) || !w.has(b) {
			return nil // the run was saturated before
		}
		who, err := w.judge(ctx)
		if err != nil {
			return err
		}
		_, err = judge.MTBenchPairs(ctx, w.run, name, who, w.recipe.MTBench.Source, w.recipe.MTBench.Pairs)
		return err
	}
}

// reference is the second side of a comparison with published answers.
const reference = "reference"
