package choices

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
)

// answer scores every choice of the questions, each once, through the store. examples is the text before each
// question.
func answer(
	ctx context.Context, run *lidr.Run, m *lidr.Model, items []datasets.ChoiceItem, examples string,
) ([]Answer, error) {
	answers := make([]Answer, len(items))
	choiceAt := make([]map[string]int, len(items)) // for each question, its choices' places among the sequences
	var sequences []dpo.Sequence
	what := items[0].Suite + "/" + items[0].Lang
	tokens, limit, err := reader(ctx, run, m, what, items, examples)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		choices, cut, err := encode(item, tokens(i), limit)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", item.File, item.Line, err)
		}
		answers[i] = Answer{ID: item.ID, Lang: item.Lang, Gold: item.Gold, Cut: cut}
		choiceAt[i] = map[string]int{}
		for k, choice := range distinct(item) {
			choiceAt[i][choice] = len(sequences) + k
		}
		sequences = append(sequences, choices...)
	}
	sums, err := logprobs(ctx, run, m, what, sequences)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		sumsOf := func(choices []string) []float64 {
			var out []float64
			for _, choice := range choices {
				out = append(out, sums[choiceAt[i][choice]])
			}
			return out
		}
		answers[i].Logprobs, answers[i].MC2Logprobs = sumsOf(item.Choices), sumsOf(item.MC2)
		if answers[i].Scores, err = score(item, answers[i]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", item.File, item.Line, err)
		}
	}
	return answers, nil
}

// distinct returns the choices of a question without repetition: MC2 has most of MC1's again.
func distinct(item datasets.ChoiceItem) []string {
	var choices []string
	for _, choice := range slices.Concat(item.Choices, item.MC2) {
		if !slices.Contains(choices, choice) {
			choices = append(choices, choice)
		}
	}
	return choices
}

// textsOf returns what is read of a question: its prompt, and the prompt with each of the distinct choices. White space
// at the prompt's end belongs to the choice, since most tokenizers join it with what follows.
func textsOf(item datasets.ChoiceItem, examples string) []string {
	prompt := examples + item.Context
	texts := []string{strings.TrimRightFunc(prompt, unicode.IsSpace)}
	for _, choice := range distinct(item) {
		texts = append(texts, prompt+" "+choice)
	}
	return texts
}

// encode returns the token ids of a question's distinct choices, each after the prompt, and whether the prompt's
// beginning was cut off to fit into limit tokens: for all choices at the same place. tokens are those of its texts.
func encode(item datasets.ChoiceItem, tokens [][]int32, limit int) (choices []dpo.Sequence, cut bool, err error) {
	before, room := tokens[0], limit
	for k, choice := range distinct(item) {
		whole := tokens[k+1]
		if len(whole) <= len(before) {
			return nil, false, fmt.Errorf("the tokenizer joins the choice %.40q with the question, so that no token "+
				"of it is left", choice)
		}
		choices = append(choices, dpo.Sequence{Response: whole[len(before):]})
		room = min(room, limit-len(whole)+len(before))
	}
	if room < 1 {
		return nil, false, fmt.Errorf("a choice leaves no room for the question in the context of %d tokens", limit)
	}
	if len(before) > room {
		before, cut = before[len(before)-room:], true
	}
	for k := range choices {
		choices[k].Prompt = before
	}
	return choices, cut, nil
}

// score scores one question by the metrics of its suite.
func score(item datasets.ChoiceItem, a Answer) (map[string]float64, error) {
	scores := map[string]float64{}
	for _, metric := range metricsOf[item.Suite] {
		var err error
		switch metric {
		case "acc", "mc1":
			scores[metric], err = eval.Acc(a.Logprobs, item.Gold)
		case "acc_norm":
			scores[metric], err = eval.AccNorm(a.Logprobs, item.Choices, item.Gold)
		case "mc2":
			scores[metric], err = eval.MC2(a.MC2Logprobs, item.MC2Right)
		}
		if err != nil {
			return nil, err
		}
	}
	return scores, nil
}
