package scorers

import (
	"context"
	"fmt"
	"math"
	"unicode/utf8"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// Implicit is the implicit cross-lingual reward (Yang et al. 2025, arXiv 2503.04647): a model that was aligned in
// English prefers answers in any language, when it reads them as answers to the English instruction,
//
//	r(y) = Σ log π_dpo(y | x_en) − Σ log π_ref(y | x_en)
//
// over the tokens of y and the end of turn, with π_dpo the aligned model and π_ref the one that its alignment started
// from. The factor β of DPO's reward changes no order and is left out. The authors' script differs: it asks for the
// answer's language before the English instruction, and its mask, one position off, leaves out y's first token.
type Implicit struct {
	Aligned   *lidr.Model // π_dpo
	Reference *lidr.Model // π_ref
	// Length subtracts α·|y|, |y| in characters: of α = 0, 0.001, …, 0.999 the first by which the chosen answers are, on
	// average over a language's prompts, closest in length to the rejected ones (see [LengthAlpha]).
	Length bool
}

// Name implements [lidr.Scorer].
func (s Implicit) Name() string {
	if s.Length {
		return "implicit-length"
	}
	return "implicit"
}

// Key implements [lidr.Scorer].
func (s Implicit) Key() string {
	return ledger.Key("implicit/1", s.Aligned.Key(), s.Reference.Key(), s.Length)
}

// Score implements [lidr.Scorer]. Parts are aligned and reference, the two sums, and with Length also reward, length
// and alpha.
func (s Implicit) Score(ctx context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	questions, err := questions(run, m, samples)
	if err != nil {
		return nil, err
	}
	rows := make([]lidr.SampleScore, len(samples))
	var requests []lm.Request
	var texts []string
	var at []int
	for i, row := range samples {
		if questions[row.ID] == "" {
			rows[i] = nan(noQuestion)
			continue
		}
		messages, err := run.Settings.Generate.Messages(questions[row.ID], run.Settings.Dominant)
		if err != nil {
			return nil, err
		}
		requests = append(requests, lm.Request{ID: requestID(row), Messages: messages})
		texts, at = append(texts, row.Response), append(at, i)
	}
	aligned, err := likelihoods(ctx, run, s.Aligned, m.Name()+" implicit reward, aligned", requests, texts)
	if err != nil {
		return nil, fmt.Errorf("aligned model: %w", err)
	}
	reference, err := likelihoods(ctx, run, s.Reference, m.Name()+" implicit reward, reference", requests, texts)
	if err != nil {
		return nil, fmt.Errorf("reference model: %w", err)
	}
	for k, i := range at {
		a, r := aligned[k], reference[k]
		switch {
		case a.Fault != "":
			rows[i] = nan(a.Fault)
		case r.Fault != "":
			rows[i] = nan(r.Fault)
		default:
			rows[i].Score = a.Sum - r.Sum
			rows[i] = rows[i].With("aligned", a.Sum).With("reference", r.Sum)
		}
	}
	if s.Length {
		withoutLength(samples, rows)
	}
	return rows, nil
}

// withoutLength subtracts α·|y| from the rewards of each language.
func withoutLength(samples []datasets.Response, rows []lidr.SampleScore) {
	type prompt struct{ id, lang string }
	place := map[prompt]int{}
	var langs []string
	rewards, lengths := map[string][][]float64{}, map[string][][]float64{}
	for i, row := range samples {
		if rows[i].Fault != "" {
			continue
		}
		if rewards[row.Lang] == nil {
			langs = append(langs, row.Lang)
		}
		at := prompt{row.ID, row.Lang}
		k, ok := place[at]
		if !ok {
			k = len(rewards[row.Lang])
			place[at] = k
			rewards[row.Lang] = append(rewards[row.Lang], nil)
			lengths[row.Lang] = append(lengths[row.Lang], nil)
		}
		rewards[row.Lang][k] = append(rewards[row.Lang][k], rows[i].Score)
		lengths[row.Lang][k] = append(lengths[row.Lang][k], float64(utf8.RuneCountInString(row.Response)))
	}
	alphas := map[string]float64{}
	for _, lang := range langs {
		alphas[lang], _ = LengthAlpha(rewards[lang], lengths[lang])
	}
	for i, row := range samples {
		if rows[i].Fault == "" {
			n, alpha := float64(utf8.RuneCountInString(row.Response)), alphas[row.Lang]
			rows[i] = rows[i].With("reward", rows[i].Score).With("length", n).With("alpha", alpha)
			rows[i].Score -= alpha * n
		}
	}
}

// LengthAlpha returns the α of 0, 0.001, …, 0.999 for which the highest and the lowest of r − α·length, of each
// prompt's samples, differ the least in length on average over the prompts: the first one with the smallest absolute
// mean difference, and that difference. Of equal scores the first sample counts; a prompt of one sample has a
// difference of 0.
func LengthAlpha(rewards, lengths [][]float64) (alpha, difference float64) {
	best := math.Inf(1)
	for step := range 1000 {
		a, sum := float64(step)/1000, 0.0
		for i, own := range rewards {
			top, bottom := 0, 0
			score := func(k int) float64 { return own[k] - a*lengths[i][k] }
			for k := range own {
				if score(k) > score(top) {
					top = k
				}
				if score(k) < score(bottom) {
					bottom = k
				}
			}
			sum += lengths[i][top] - lengths[i][bottom]
		}
		if mean := sum / float64(len(rewards)); math.Abs(mean) < best {
			best, alpha, difference = math.Abs(mean), a, mean
		}
	}
	return alpha, difference
}
