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
	"lidrlab/lidr/ledger"
)

// answer scores every choice of the questions, each once, through the store. examples is the text before each
// question.
func answer(
	ctx context.Context, run *lidr.Run, m *lidr.Model, items []datasets.ChoiceItem, examples string,
) ([]Answer, error) {
	answers := make([]Answer, len(items))
	choiceAt := make([]map[string]int, len(items)) // for each question, its choices' places among the sequences
	var sequences []dpo.Sequence
	for i, item := range items {
		choices, cut, err := encode(m, item, examples)
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
	sums, err := logprobs(ctx, run, m, items[0].Suite+"/"+items[0].Lang, sequences)
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

// encode returns the token ids of a question's distinct choices, each after the prompt, and whether the prompt's
// beginning was cut off to fit into the model's context: for all choices at the same place.
func encode(m *lidr.Model, item datasets.ChoiceItem, examples string) (choices []dpo.Sequence, cut bool, err error) {
	tok, limit := m.Tokenizer(), m.LM().ContextLength()
	prompt := examples + item.Context
	// White space at the prompt's end belongs to the choice, since most tokenizers join it with what follows.
	before := int32s(tok.EncodeDocument(strings.TrimRightFunc(prompt, unicode.IsSpace)))
	room := limit
	for _, choice := range distinct(item) {
		whole := int32s(tok.EncodeDocument(prompt + " " + choice))
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

func int32s(ids []int) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}

// logprobs returns the log-probabilities of the sequences, through the store. what names them in the progress.
func logprobs(
	ctx context.Context, run *lidr.Run, m *lidr.Model, what string, sequences []dpo.Sequence,
) ([]float64, error) {
	measure := func(done func(int) bool, save func([]int, []float64) error) error {
		finished := 0
		for i := range sequences {
			if done(i) {
				finished++
			}
		}
		meter := run.Meter(m.Name()+" "+what, "choices", len(sequences), finished)
		keep := func(idx []int, sums []float64) error {
			meter.Add(len(idx), 0)
			return save(idx, sums)
		}
		if err := dpo.Logprobs(ctx, m.Engine(), m.Weights(), sequences, done, keep); err != nil {
			return err
		}
		return meter.End()
	}
	return ledger.Collect(ctx, run.Store(), "choices", m.Key("choices", sequences), len(sequences), measure)
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
