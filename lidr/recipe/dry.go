package recipe

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// Forecast is what a recipe takes at most, before anything is asked.
type Forecast struct {
	Costs []lidr.Cost // of each step, the last row their sum; a model's name has its cell before it
	Notes []string    // memory, disk, and the smallest differences that the items and seeds can show
}

// Dry returns what a recipe takes at most. The files of its prompts have to be there, and nothing else.
func Dry(r Recipe) (Forecast, error) {
	singles, err := r.singles()
	if err != nil {
		return Forecast{}, err
	}
	var f Forecast
	sum := lidr.Cost{Model: "all", Step: "at most"}
	for _, one := range singles {
		costs, err := one.costs()
		if err != nil {
			return f, in(one.name, err)
		}
		for _, c := range costs {
			sum.Requests += c.Requests
			sum.PromptTokens += c.PromptTokens
			sum.AnswerTokens += c.AnswerTokens
			sum.Dollars += c.Dollars
			if one.name != "" {
				c.Model = one.name + ": " + c.Model
			}
			f.Costs = append(f.Costs, c)
		}
	}
	f.Costs = append(f.Costs, sum)
	f.Notes = append(r.machine(singles), r.power(f.Costs)...)
	return f, nil
}

// costs are those of one run, step by step.
func (r Recipe) costs() ([]lidr.Cost, error) {
	frame, err := lidr.DryRun(r.Settings, lm.Prices{})
	costs, err := costRows(frame, err)
	if err != nil {
		return nil, err
	}
	untranslated := len(r.Scoring.Scorers) > 0 && !r.Scoring.Translations
	costs = slices.DeleteFunc(costs[:len(costs)-1], func(c lidr.Cost) bool { // the last row is their sum
		round, ok := r.round(c.Model)
		return ok && round >= r.models() || untranslated && c.Step == "translate"
	})
	for _, more := range []func() ([]lidr.Cost, error){
		r.scoringCosts, r.instructionCosts, r.mtBenchCosts, r.choiceCosts, r.ratingCosts,
	} {
		own, err := more()
		if err != nil {
			return nil, err
		}
		costs = append(costs, own...)
	}
	return costs, nil
}

func costRows(frame dataframe.DataFrame, err error) ([]lidr.Cost, error) {
	var rows []lidr.Cost
	if err != nil {
		return nil, err
	}
	return rows, datasets.Rows(frame, &rows)
}

func (r Recipe) instructionCosts() ([]lidr.Cost, error) {
	s := r.Instructions
	if s.Source == "" {
		return nil, nil
	}
	prompts, err := datasets.LoadPrompts(s.Source, r.AllLanguages())
	if err != nil {
		return nil, err
	}
	answers := lidr.Cost{Step: "answer " + s.Suite}
	for _, p := range prompts {
		messages, err := s.Generate.Messages(p.Text, p.Lang)
		if err != nil {
			return nil, err
		}
		answers.Add(1, lm.EstimateTokens(lm.Request{Messages: messages}), s.Generate.Sampling.MaxTokens, lm.Prices{})
	}
	var costs []lidr.Cost
	all := datasets.Frame(prompts)
	for round := range r.models() {
		answers.Model = fmt.Sprintf("M%d", round)
		costs = append(costs, answers)
		if s.References != "" {
			own, err := r.comparisonCosts(answers.Model+"-"+reference, inLanguages(all, r.Languages()), s.Judging)
			if err != nil {
				return nil, err
			}
			costs = append(costs, own...)
		}
	}
	judging := s.Judging
	judging.BothOrders = true
	for _, name := range s.Matches {
		own, err := r.comparisonCosts(name, all, judging)
		if err != nil {
			return nil, err
		}
		costs = append(costs, own...)
	}
	return costs, nil
}

// comparisonCosts are those of one comparison by the judge and by each of the panel.
func (r Recipe) comparisonCosts(name string, prompts dataframe.DataFrame, s judge.Settings) (all []lidr.Cost,
	err error) {
	keys, judges := r.allJudges()
	for i, j := range judges {
		own, err := costRows(judge.DryRun(name, prompts, r.Instructions.Generate.Sampling.MaxTokens, s, j.Prices))
		if err != nil {
			return nil, err
		}
		for k := range own {
			own[k].Model = keys[i]
		}
		all = append(all, own...)
	}
	return all, nil
}

// mtBenchCosts are of two turns a question; the second has the first answer before it, and the judge sees both.
func (r Recipe) mtBenchCosts() ([]lidr.Cost, error) {
	s := r.MTBench.Settings
	if r.MTBench.Source == "" {
		return nil, nil
	}
	answers, grades, pairs := lidr.Cost{Step: "mt-bench"}, lidr.Cost{Model: "judge"}, lidr.Cost{Model: "judge"}
	around := tokens(s.System, s.MultiTurnReference)
	both := r.MTBench.Pairs
	aroundBoth := tokens(both.System, both.MultiTurnReference)
	for _, lang := range r.AllLanguages() {
		questions, err := datasets.LoadMTBench(r.MTBench.Source, lang)
		if errors.Is(err, fs.ErrNotExist) {
			continue // as judge.MTBench does
		} else if err != nil {
			return nil, err
		}
		for _, q := range questions {
			first, second := tokens(q.Turns[0]), tokens(q.Turns[1])
			known := tokens(q.Reference[0], q.Reference[1])
			answers.Add(1, first, s.Answer.MaxTokens, lm.Prices{})
			answers.Add(1, first+second+s.Answer.MaxTokens, s.Answer.MaxTokens, lm.Prices{})
			grades.Add(1, around+first+known+s.Answer.MaxTokens, s.Judge.MaxTokens, r.Judge.Prices)
			grades.Add(1, around+first+second+known+2*s.Answer.MaxTokens, s.Judge.MaxTokens, r.Judge.Prices)
			// Two sides, each turn in both orders.
			pairs.Add(2, 2*(aroundBoth+first+known+2*s.Answer.MaxTokens), both.Judge.MaxTokens, r.Judge.Prices)
			pairs.Add(2, 2*(aroundBoth+first+second+known+4*s.Answer.MaxTokens), both.Judge.MaxTokens, r.Judge.Prices)
		}
	}
	var costs []lidr.Cost
	for round := range r.models() {
		answers.Model = fmt.Sprintf("M%d", round)
		grades.Step = "mt-bench of " + answers.Model
		costs = append(costs, answers, grades)
	}
	for _, name := range r.MTBench.Matches {
		pairs.Step = "mt-bench pairs " + name
		costs = append(costs, pairs)
	}
	return costs, nil
}

// choiceCosts are of one request a choice, which has no answer of its own. A server is asked for the tokens of the
// question, and of it with each choice, before.
func (r Recipe) choiceCosts() ([]lidr.Cost, error) {
	if r.Choices.Source == "" {
		return nil, nil
	}
	cost := lidr.Cost{Step: "choices"}
	for _, suite := range datasets.ChoiceSuites() {
		for _, lang := range r.AllLanguages() {
			items, err := datasets.LoadChoices(r.Choices.Source+"/"+suite, suite, lang)
			if errors.Is(err, fs.ErrNotExist) {
				continue // as choices.Ask does
			} else if err != nil {
				return nil, err
			}
			for _, item := range items {
				choices := slices.Concat(item.Choices, item.MC2)
				for _, choice := range choices {
					cost.Add(1, tokens(item.Context, choice), 0, lm.Prices{})
				}
				if r.served() {
					cost.Requests += len(choices) + 1
				}
			}
		}
	}
	var costs []lidr.Cost
	for round := range r.models() {
		cost.Model = fmt.Sprintf("M%d", round)
		costs = append(costs, cost)
	}
	return costs, nil
}

// ratingCosts are of two sides a pair, and a pair of each prompt in each language.
func (r Recipe) ratingCosts() ([]lidr.Cost, error) {
	s := r.Ratings.Settings
	var costs []lidr.Cost
	for _, model := range r.Ratings.Models {
		n := 2 * r.Prompts.N * len(r.Languages())
		cost := lidr.Cost{Model: "judge", Step: "rate " + model}
		longest := max(r.Generate.Sampling.MaxTokens, r.Translate.Sampling.MaxTokens)
		cost.Add(n, n*(tokens(s.System, s.Template)+longest), s.Sampling.MaxTokens, r.Judge.Prices)
		costs = append(costs, cost)
	}
	return costs, nil
}

func tokens(texts ...string) int {
	return lm.EstimateTokens(lm.Request{Messages: []tokenizer.Message{{Content: strings.Join(texts, " ")}}})
}

// machine says what the models of a recipe's runs take of memory and disk, where their weights are here.
func (r Recipe) machine(runs []single) []string {
	if r.served() {
		return []string{"memory and disk: those of the machines behind model.endpoints and of the trainer's"}
	}
	m, err := lidr.LoadModel(r.Model.Path)
	if err != nil {
		return []string{fmt.Sprintf("memory and disk: unknown, since %s is not here (lidr pull %[1]s)", r.Model.Path)}
	}
	parameters := 0
	for _, t := range m.Checkpoint().Tensors {
		parameters += t.Len()
	}
	// As float32: weight, gradient, two moments (or a byte each) and reference, or the frozen weights alone.
	training, how, trained := 4*parameters, "adapters", 0
	for _, one := range runs {
		if one.Trainer.Program != own {
			continue
		}
		trained += one.Rounds
		switch {
		case one.Train.LoRA.Rank > 0:
		case one.Train.Moments == "8bit":
			training, how = max(training, 14*parameters), "all weights"
		default:
			training, how = 20*parameters, "all weights"
		}
	}
	memory := fmt.Sprintf("memory: %s parameters", humanize.Comma(int64(parameters)))
	if trained == 0 {
		return []string{memory + "; nothing is trained by this program"}
	}
	size := func(bytes int) string { return humanize.IBytes(uint64(bytes)) }
	return []string{
		fmt.Sprintf("%s; training %s takes %s and the activations", memory, how, size(training)),
		fmt.Sprintf("disk: %s for %d trained models in %d run folders", size(trained*4*parameters), trained, len(runs)),
	}
}

// power says what differences the run's items and seeds can show.
func (r Recipe) power(costs []lidr.Cost) []string {
	var notes []string
	say := func(what string, n int) {
		notes = append(notes, fmt.Sprintf("%s, %d items a language: the smallest difference that they show (80 %% power, "+
			"paired, two-sided 5 %%) is %.1f points where a tenth of the verdicts change, and %.1f where half do", what, n,
			100*eval.Detectable(0.316, n), 100*eval.Detectable(0.707, n)))
	}
	for _, c := range costs {
		if c.Step == "evaluate" && strings.HasSuffix(c.Model, "M0") {
			say("evaluation", c.Requests/max(1, r.Evaluate.Samples)/len(r.AllLanguages()))
			break
		}
	}
	for _, c := range costs {
		if c.Step == "answer "+r.Instructions.Suite {
			say(r.Instructions.Suite, c.Requests/len(r.AllLanguages()))
			break
		}
	}
	if n := len(r.Seeds); n > 1 {
		notes = append(notes, fmt.Sprintf("%d seeds: the smallest difference between two settings that they show is %.1f "+
			"standard deviations of a seed's own difference", n, eval.Detectable(1, n)))
	}
	return notes
}
