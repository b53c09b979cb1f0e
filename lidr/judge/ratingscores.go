package judge

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// scoreRatings scores each language, in the order of their appearance.
func scoreRatings(dominant string, rated []PairRating) ([]RatingScore, error) {
	langs, groups := byLanguage(rated, func(r PairRating) string { return r.Lang })
	var scores []RatingScore
	for _, lang := range langs {
		byMetric := map[string][]float64{}
		why := map[string]reasons{}
		add := func(metric string, rating Number, fault string) {
			byMetric[metric] = append(byMetric[metric], float64(rating))
			if why[metric] == nil {
				why[metric] = reasons{}
			}
			why[metric][fault]++
		}
		var chosen, rejected []float64 // of the pairs of which both sides are rated
		pairs := reasons{}
		for _, r := range groups[lang] {
			add("chosen", r.Chosen, r.ChosenFault)
			add("rejected", r.Rejected, r.RejectedFault)
			ours, theirs := origins(r, dominant)
			add(ours, r.Chosen, r.ChosenFault)
			add(theirs, r.Rejected, r.RejectedFault)
			if a, b := float64(r.Chosen), float64(r.Rejected); !math.IsNaN(a + b) {
				chosen = append(chosen, a)
				rejected = append(rejected, b)
			}
			pairs[cmp.Or(r.ChosenFault, r.RejectedFault)]++
		}
		for _, metric := range []string{"chosen", "rejected", "self_translation", "self_generation"} {
			if all := byMetric[metric]; len(all) > 0 {
				known := slices.DeleteFunc(slices.Clone(all), math.IsNaN)
				scores = append(scores, ratingScore(metric, lang, eval.MeanSE(known), len(all), why[metric]))
			}
		}
		reward, err := eval.JudgedRewardAccuracy(chosen, rejected)
		if err != nil {
			return nil, err
		}
		row := ratingScore("judged_reward_accuracy", lang, reward.Accuracy, len(groups[lang]), pairs)
		row.Ties = reward.Ties
		scores = append(scores, row)
	}
	return scores, nil
}

// ratingScore is the row of an estimate over those of all items that have a rating.
func ratingScore(metric, lang string, e eval.Estimate, all int, why reasons) RatingScore {
	failed := all - e.N
	return RatingScore{
		Metric: metric, Lang: lang, Value: Number(e.Mean), SE: Number(e.SE), N: e.N, Failed: failed,
		Warning: strings.Join(slices.Concat(eval.Warnings(e.N, failed), why.warnings()), "; "),
	}
}

// origins says how the sides of a pair came about; "" where neither name fits: an untranslated answer of the dominant
// language in another one, or a source of the caller's own.
func origins(r PairRating, dominant string) (chosen, rejected string) {
	switch from, to := (lidr.Pair{Source: r.Source}).Origin(); {
	case from == dominant && to == r.Lang:
		return "self_translation", "self_generation"
	case to == dominant && to == r.Lang:
		return "self_generation", "self_translation"
	case r.Source == dominant:
		return "", "self_generation"
	}
	return "", ""
}
