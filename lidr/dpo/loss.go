package dpo

import "math"

// This file holds the losses as plain functions. They compute the numbers of every [Step], and the graph is tested
// against them.

// LogSigmoid returns log σ(x) = −log(1+e^−x) without overflow for any x.
func LogSigmoid(x float64) float64 {
	return math.Min(x, 0) - math.Log1p(math.Exp(-math.Abs(x)))
}

// Reward returns DPO's implicit reward of one response, β·(log π − log π_ref), from log-probabilities summed over its
// tokens (arXiv 2305.18290, §4, without the term that depends on the prompt alone).
func Reward(logp, ref, beta float64) float64 { return beta * (logp - ref) }

// PairLoss returns DPO's loss of one pair, −log σ(reward of the chosen − reward of the rejected) (arXiv 2305.18290, eq.
// 7).
func PairLoss(chosenReward, rejectedReward float64) float64 {
	return -LogSigmoid(chosenReward - rejectedReward)
}

// SequenceNLL returns the mean over sequences of their mean loss per token, −logps[i]/tokens[i]: LLaMA-Factory's
// normalisation, and the paper's (its authors' answer to reviewers: the |y_w| inside the logarithm is a misprint).
func SequenceNLL(logps []float64, tokens []int) float64 {
	var sum float64
	for i, logp := range logps {
		sum -= logp / float64(tokens[i])
	}
	return sum / float64(len(logps))
}

// TokenNLL returns the mean loss over all tokens, so that long sequences weigh more: TRL's normalisation ("sft" in
// DPOConfig's loss_type). TRL takes it over each micro-batch; here it is over the whole batch, whatever the
// micro-batches are.
func TokenNLL(logps []float64, tokens []int) float64 {
	var sum float64
	var n int
	for i, logp := range logps {
		sum -= logp
		n += tokens[i]
	}
	return sum / float64(n)
}

// WeightedNLL returns Σ w·nll / Σ w over the tokens of a batch: the loss of [Pretrain].
func WeightedNLL(logps, weights []float64) float64 {
	var sum, total float64
	for i, w := range weights {
		sum -= w * logps[i]
		total += w
	}
	return sum / total
}
