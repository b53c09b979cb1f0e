package scorers

import (
	"context"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// MAPO is the reward of multilingual-alignment-as-preference optimization (She et al. 2024, arXiv 2401.06838, and the
// authors' code): how likely a translation model finds the English answers as translations of a sample. For each
// English answer e to the prompt, the cross-entropy of its tokens is ℓ(e) = −log p(e | translate y into English)/|e|,
// end of turn included, and the reward of the sample y is the mean of 1/ℓ(e) over them: token losses of 0.5, 1.5 and 1
// give 1. The authors' translator is NLLB, which knows a translation task alone; here any model of the run's
// translation template serves. A server's tokenizer must not join the template's prefill and an answer, as one that
// ends a line does not.
type MAPO struct {
	Translator *lidr.Model
	// Correct chooses right answers alone where a gold answer tells: a wrong sample's score is −1/reward, below that of
	// every right one and in the order of the rewards, and without a right sample no sample of the prompt has a score.
	Correct bool
}

// Name implements [lidr.Scorer].
func (s MAPO) Name() string {
	if s.Correct {
		return "mapo-correct"
	}
	return "mapo"
}

// Key implements [lidr.Scorer].
func (s MAPO) Key() string { return ledger.Key("mapo/1", s.Translator.Key(), s.Correct) }

// Score implements [lidr.Scorer]. Parts are mean and max, the reward over all English answers and the best of them.
func (s MAPO) Score(ctx context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	dominant := run.Settings.Dominant
	english := answers(samples, dominant)
	rows := make([]lidr.SampleScore, len(samples))
	var requests []lm.Request
	var texts []string
	var at []int
	for i, row := range samples {
		switch {
		case row.Lang == dominant:
			rows[i] = nan(isEnglish)
		case len(english[row.ID]) == 0:
			rows[i] = nan(noEnglish)
		}
		if rows[i].Fault != "" {
			continue
		}
		messages, err := run.Settings.Translate.Messages(row.Response, row.Lang, dominant)
		if err != nil {
			return nil, err
		}
		for k, e := range english[row.ID] {
			requests = append(requests, lm.Request{ID: requestID(row, "/", k), Messages: messages,
				Prefill: run.Settings.Translate.Prefill})
			texts, at = append(texts, e.Response), append(at, i)
		}
	}
	found, err := likelihoods(ctx, run, s.Translator, m.Name()+" translation likelihood", requests, texts)
	if err != nil {
		return nil, err
	}
	told, faults := map[int][]likelihood{}, map[int]string{}
	for k, i := range at {
		if found[k].Fault != "" {
			faults[i] = found[k].Fault
		} else {
			told[i] = append(told[i], found[k])
		}
	}
	for i := range rows {
		if rows[i].Fault == "" && len(told[i]) == 0 {
			rows[i] = nan(faults[i])
		} else if rows[i].Fault == "" {
			mean, most := translationReward(told[i])
			rows[i].Score = mean
			rows[i] = rows[i].With("mean", mean).With("max", most)
		}
	}
	if s.Correct {
		return rows, correctOnly(run, m, samples, rows)
	}
	return rows, nil
}

// translationReward is the mean of 1/ℓ over the English answers, and the largest.
func translationReward(english []likelihood) (mean, most float64) {
	for _, e := range english {
		reward := -float64(e.Tokens) / e.Sum
		mean += reward / float64(len(english))
		most = max(most, reward)
	}
	return mean, most
}

// correctOnly puts wrong samples below right ones, and takes the scores of those of which none is right.
func correctOnly(run *lidr.Run, m *lidr.Model, samples []datasets.Response, rows []lidr.SampleScore) error {
	check, err := checker(run, m)
	if err != nil {
		return err
	}
	type prompt struct{ id, lang string }
	checked, right := map[prompt]bool{}, map[prompt]bool{}
	wrong := make([]bool, len(rows))
	for i, row := range samples {
		if rows[i].Fault != "" {
			continue
		}
		if v, ok := check(row); ok {
			at := prompt{row.ID, row.Lang}
			checked[at], right[at], wrong[i] = true, right[at] || v.Correct, !v.Correct
		}
	}
	for i, row := range samples {
		at := prompt{row.ID, row.Lang}
		switch {
		case rows[i].Fault != "":
		case checked[at] && !right[at]:
			rows[i].Fault = "no right answer to choose"
		case wrong[i]:
			rows[i].Score = -1 / rows[i].Score
		}
	}
	return nil
}
