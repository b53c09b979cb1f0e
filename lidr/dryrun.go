package lidr

import (
	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// Add counts n requests of so many prompt tokens in all, each with an answer of at most answer tokens.
func (c *Cost) Add(n, prompt, answer int, p lm.Prices) {
	c.Requests += n
	c.PromptTokens += prompt
	c.AnswerTokens += n * answer
	c.Dollars += p.Dollars(prompt, n*answer)
}

// DryRun returns what each step of [Iterate] will take at most, before anything is asked: a frame of [Cost] rows for
// the steps generate, translate and evaluate, the last row their sum, with 0 dollars without prices. Known texts are
// counted by [lm.EstimateTokens]; an answer that is still to be given counts with all the tokens that it may have, so
// most runs take far less. What a store already holds is counted as if it were asked again. Of the options, [WithTask]
// counts.
func DryRun(s Settings, p lm.Prices, options ...Option) (dataframe.DataFrame, error) {
	run := newRun("", s, options)
	if err := run.works(); err != nil {
		return dataframe.DataFrame{}, err
	}
	s = run.Settings
	var costs []Cost
	for round := range s.Rounds + 1 {
		measured, err := run.evaluationCost(round, p)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		costs = append(costs, measured...)
		if round == s.Rounds {
			break
		}
		asked, err := run.roundPrompts(round)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		generate, err := answerCost(s, modelName(round), "generate", asked, nil, s.Generate.Samples, p)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		// An English answer goes into every trained language, and one of each prompt's others into English.
		back := 1
		if s.Pairs.Mode == released {
			back = len(s.Trained)
		}
		translate, err := translationCost(s, modelName(round), "translate",
			s.Prompts.N*max(1, s.Generate.Samples)*(len(s.Trained)+back), p)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		costs = append(costs, generate, translate)
	}
	sum := Cost{Model: "all", Step: "at most"}
	for _, c := range costs {
		sum.Requests += c.Requests
		sum.PromptTokens += c.PromptTokens
		sum.AnswerTokens += c.AnswerTokens
		sum.Dollars += c.Dollars
	}
	return datasets.Frame(append(costs, sum)), nil
}

// evaluationCost is that of [Evaluate], none for a run that measures no model.
func (r *Run) evaluationCost(round int, p lm.Prices) ([]Cost, error) {
	s := r.Settings
	if s.Evaluate.Source == "" {
		return nil, nil
	}
	problems, err := r.Problems()
	if err != nil {
		return nil, err
	}
	shots, err := exemplars(s.Generate, s.Evaluate.Exemplars, s.Evaluate.Shots, s.AllLanguages())
	if err != nil {
		return nil, err
	}
	answers, err := answerCost(s, modelName(round), "evaluate", problems, shots, s.Evaluate.Samples, p)
	if err != nil {
		return nil, err
	}
	b, ok := r.evalTask().(builtin)
	if !ok {
		return []Cost{answers}, nil
	}
	passages, _ := b.passages(s)
	if len(passages) == 0 {
		return []Cost{answers}, nil
	}
	translations, err := translationCost(s, modelName(round), "evaluate translation", len(passages), p)
	return []Cost{answers, translations}, err
}

func answerCost(s Settings, model, step string, prompts []Prompt, shots map[string][]tokenizer.Message,
	samples int, p lm.Prices) (Cost, error) {
	cost := Cost{Model: model, Step: step}
	for _, row := range prompts {
		messages, err := s.Generate.Messages(row.Prompt, row.Lang)
		if err != nil {
			return cost, err
		}
		tokens := lm.EstimateTokens(lm.Request{Messages: append(messages, shots[row.Lang]...)})
		cost.Add(max(1, samples), max(1, samples)*tokens, s.Generate.Sampling.MaxTokens, p)
	}
	return cost, nil
}

// translationCost is that of n answers, each as long as it may be.
func translationCost(s Settings, model, step string, n int, p lm.Prices) (Cost, error) {
	cost := Cost{Model: model, Step: step}
	messages, err := s.Translate.Messages("", s.Dominant, s.Trained[0])
	if err != nil {
		return cost, err
	}
	around := lm.EstimateTokens(lm.Request{Messages: messages, Prefill: s.Translate.Prefill})
	cost.Add(n, n*(around+s.Generate.Sampling.MaxTokens), s.Translate.Sampling.MaxTokens, p)
	return cost, nil
}
