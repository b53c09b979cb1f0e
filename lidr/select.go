package lidr

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
)

// Selection says which two of several answers to a prompt in one language make a pair, by their scores. Of answers with
// equal scores the first one is taken; two sides with equal scores are no pair.
type Selection struct {
	// Rule is one of
	//
	//	max-min     the highest score over the lowest
	//	max-sigma   the highest over the score nearest to μ−2σ of all of them, of those below the highest; σ is that of a
	//	            population (CroCo, arXiv 2605.26293: scores 1, 2, 3, 4 and 10 have the target −2.3246, so 1 is rejected)
	//	quantile    the score at quantile High over that at Low, each the least score that a share of at least so many
	//	            does not exceed: 1 is the highest, 0 the lowest
	//	threshold   the highest score, if it is High or more, over the lowest, if it is Low or less
	//	lidr        no scores: translated English answers over own ones and English ones over what came back, as [Pairs]
	//	            pairs them, of samples some of which are translations ([datasets.Response].From)
	Rule string  `json:"rule"`
	High float64 `json:"high,omitempty"`
	Low  float64 `json:"low,omitempty"`
	// Margin drops pairs whose scores differ by less.
	Margin float64 `json:"margin,omitempty"`
}

const lidrRule = "lidr"

// Validate returns an error naming the field that cannot work. [PairsByScore] calls it.
func (s Selection) Validate() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("selection: field %s is %v, expected %s", field, value, expected)
	}
	rules := []string{"max-min", "max-sigma", "quantile", "threshold", lidrRule}
	bounded := s.Rule == "quantile" || s.Rule == "threshold"
	switch {
	case !slices.Contains(rules, s.Rule):
		return bad("rule", fmt.Sprintf("%q", s.Rule), strings.Join(rules, ", "))
	case !(s.Margin >= 0) || math.IsInf(s.Margin, 0):
		return bad("margin", s.Margin, "a number of at least 0")
	case s.Rule == lidrRule && s.Margin != 0:
		return bad("margin", s.Margin, "0 with the rule lidr, which has no scores")
	case !bounded && (s.High != 0 || s.Low != 0):
		return bad("high", s.High, "high and low 0 but with the rules quantile and threshold")
	case s.Rule == "quantile" && !(s.Low >= 0 && s.Low < s.High && s.High <= 1):
		return bad("high", s.High, fmt.Sprintf("a quantile above low, %v, which is one too: 0 to 1", s.Low))
	case s.Rule == "threshold" && (!(s.Low <= s.High) || math.IsInf(s.Low, 0) || math.IsInf(s.High, 0)):
		return bad("high", s.High, fmt.Sprintf("a score of at least low, %v", s.Low))
	}
	return nil
}

// Pick returns which of the scores, NaN for none, are those of the chosen and of the rejected side, or the reason why
// there is no pair.
func (s Selection) Pick(scores []float64) (chosen, rejected int, reason string) {
	var order []int // of the scores, ascending
	for i, score := range scores {
		if !math.IsNaN(score) {
			order = append(order, i)
		}
	}
	if len(order) < 2 {
		return 0, 0, "fewer than two scores"
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	first := func(i int) int { // of the equal ones
		return slices.IndexFunc(scores, func(x float64) bool { return x == scores[i] })
	}
	highest, lowest := first(order[len(order)-1]), order[0]
	chosen, rejected = highest, lowest
	switch s.Rule {
	case "max-sigma":
		rejected = nearestBelow(scores, order, highest)
	case "quantile":
		at := func(q float64) int { return first(order[max(0, int(math.Ceil(q*float64(len(order))))-1)]) }
		chosen, rejected = at(s.High), at(s.Low)
	case "threshold":
		if scores[highest] < s.High {
			return 0, 0, fmt.Sprintf("no score of %g or more", s.High)
		} else if scores[lowest] > s.Low {
			return 0, 0, fmt.Sprintf("no score of %g or less", s.Low)
		}
	}
	switch margin := scores[chosen] - scores[rejected]; {
	case margin == 0:
		return 0, 0, "equal scores"
	case margin < s.Margin:
		return 0, 0, fmt.Sprintf("scores closer than %g", s.Margin)
	}
	return chosen, rejected, ""
}

// nearestBelow returns the score nearest to two standard deviations below the mean, of those below the highest: the
// highest itself where there is none. Of two that are as near, the lower one is taken.
func nearestBelow(scores []float64, order []int, highest int) int {
	mean, variance := 0.0, 0.0
	for _, i := range order {
		mean += scores[i] / float64(len(order))
	}
	for _, i := range order {
		variance += (scores[i] - mean) * (scores[i] - mean) / float64(len(order))
	}
	target, best := mean-2*math.Sqrt(variance), highest
	for _, i := range order {
		if scores[i] < scores[highest] && (best == highest || math.Abs(scores[i]-target) < math.Abs(scores[best]-target)) {
			best = i
		}
	}
	return best
}

// PairsByScore makes the preference pairs of m's round from its samples, a frame of [datasets.Response] rows, and their
// scores, a frame of [SampleScore] rows: one pair at most of each prompt and language. It returns and writes what
// [Pairs] does, and applies the same filters. Among the counts, those of "unscored" samples say why they have no score,
// and what is dropped before the filters has the selection's reason. The rule lidr takes an empty frame of scores.
func PairsByScore(ctx context.Context, run *Run, m *Model, samples, scores dataframe.DataFrame, s Selection,
	more ...Filter) (pairs, counts dataframe.DataFrame, err error) {
	rows, err := rowsOf[datasets.Response](samples, "samples")
	if err != nil {
		return pairs, counts, err
	}
	var scored []SampleScore
	if s.Rule != lidrRule {
		if scored, err = rowsOf[SampleScore](scores, "scores"); err != nil {
			return pairs, counts, err
		}
	}
	kept, stats, err := selectPairs(ctx, run, m, rows, scored, s, more)
	return datasets.Frame(kept), datasets.Frame(stats), err
}

func selectPairs(ctx context.Context, run *Run, m *Model, samples []datasets.Response, scores []SampleScore,
	s Selection, more []Filter) ([]Pair, []PairCount, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	samples = withFaults(samples)
	places, err := bySample(samples)
	if err != nil {
		return nil, nil, err
	}
	if s.Rule == lidrRule {
		answers, translations := apart(samples)
		return makePairs(ctx, run, m, answers, translations, more)
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if err := run.Enter(m); err != nil {
		return nil, nil, err
	}
	values, faults := make([]float64, len(samples)), make([]string, len(samples))
	for i := range samples {
		values[i], faults[i] = math.NaN(), "no row of scores"
	}
	seen := map[sampleAt]bool{}
	for i, row := range scores {
		at := sampleAt{row.ID, row.Lang, row.Sample}
		k, ok := places[at]
		if !ok || seen[at] {
			return nil, nil, fmt.Errorf("scores, row %d: sample %d of prompt %s in %s is there twice, or not among the "+
				"samples; pass the samples that were scored", i+1, row.Sample, row.ID, row.Lang)
		}
		seen[at] = true
		values[k], faults[k] = row.Score, row.Fault
		if row.Fault != "" {
			values[k] = math.NaN()
		} else if math.IsNaN(row.Score) {
			faults[k] = "no number"
		}
	}
	all, unscored := scoredCandidates(run.Settings, samples, values, faults, s)
	kept, stats := sift(run.Settings, run.promptTask(), all, more)
	stats = append(stats, unscored...)
	// What the scores and a filter of the caller's do is known by what they leave.
	if err := run.claim(m, "pairs", ledger.Key(kept, stats)); err != nil {
		return nil, nil, err
	}
	return kept, stats, run.writePairs(m, kept, stats)
}

// scoredCandidates makes one candidate of each prompt and language of the run, in the order of the samples, and counts
// the samples without a score.
func scoredCandidates(s Settings, samples []datasets.Response, scores []float64, faults []string,
	selection Selection) (all []candidate, unscored []PairCount) {
	type prompt struct{ id, lang string }
	var order []prompt
	groups := map[prompt][]int{}
	english := map[string]string{}
	missing := map[prompt]int{} // samples by reason, in the field id, and language
	for i, row := range samples {
		at := prompt{row.ID, row.Lang}
		if row.Lang == s.Dominant {
			english[row.ID] = row.Prompt
		}
		if !slices.Contains(s.Languages(), row.Lang) {
			continue
		}
		if groups[at] == nil {
			order = append(order, at)
		}
		groups[at] = append(groups[at], i)
		if faults[i] != "" {
			missing[prompt{faults[i], row.Lang}]++
		}
	}
	for _, at := range order {
		var own []float64
		for _, i := range groups[at] {
			own = append(own, scores[i])
		}
		if absent := s.Generate.Samples - len(own); absent > 0 {
			missing[prompt{"no such sample", at.lang}] += absent
		}
		chosen, rejected, reason := selection.Pick(own)
		c := candidate{faulty: reason, translation: translationPrompt.MatchString(english[at.id])}
		c.Pair = Pair{ID: at.id, Lang: at.lang, Prompt: samples[groups[at][0]].Prompt, Source: at.lang}
		if reason == "" {
			won, lost := samples[groups[at][chosen]], samples[groups[at][rejected]]
			c.Chosen, c.Rejected = won.Response, lost.Response
			if from := cmp.Or(won.From, lost.From); from != "" {
				c.Source = from + ">" + at.lang
			}
		}
		all = append(all, c)
	}
	for at, n := range missing {
		unscored = append(unscored, PairCount{at.lang, "unscored", at.id, n})
	}
	slices.SortFunc(unscored, func(a, b PairCount) int {
		return cmp.Or(cmp.Compare(slices.Index(s.Languages(), a.Lang), slices.Index(s.Languages(), b.Lang)),
			cmp.Compare(a.Filter, b.Filter))
	})
	return all, unscored
}

// apart divides samples into a model's own answers and the translations among them, which are numbered after them: the
// first of each round through the own answers is that of the first.
func apart(samples []datasets.Response) (answers []datasets.Response, translations []datasets.Translation) {
	own := 0
	for _, row := range samples {
		if row.From == "" {
			answers, own = append(answers, row), max(own, row.Sample+1)
		}
	}
	for _, row := range samples {
		if row.From != "" {
			translations = append(translations, datasets.Translation{ID: row.ID, From: row.From, To: row.Lang,
				Sample: row.Sample % max(1, own), Text: row.Response, OK: row.Fault == "" && row.Response != ""})
		}
	}
	return answers, translations
}
