package dpo

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"lidrlab/lidr/checkpoint"
)

// preference is a loss of one pair. It compares the scores of the two sides: of each log π − log π_ref, summed over the
// response; without the reference if free; divided by the response's tokens if perToken. kl is the estimate of
// KL(π ‖ π_ref) that KTO alone reads. plain and graph are one formula, on numbers and on [pairs] nodes.
type preference struct {
	free, perToken bool
	atStart        string // the loss of equal scores in words, for the checks of the first step
	plain          func(s Settings, chosen, rejected, kl float64) float64
	graph          func(s Settings, chosen, rejected, kl *Node) *Node
}

// preferences are the values of Settings.Loss. Names, formulas and logged rewards are TRL's (DPOConfig's loss_type,
// CPOTrainer, ORPOTrainer, KTOTrainer; 1.16). Δ is the chosen's score minus the rejected's, m is β·Δ.
var preferences = map[string]preference{
	// DPO (arXiv 2305.18290, eq. 7), with labels flipped with probability ε (arXiv 2305.18290v3, appendix; TRL until
	// 0.24): −(1−ε)·log σ(m) − ε·log σ(−m).
	"sigmoid": {atStart: "ln 2", plain: func(s Settings, c, r, _ float64) float64 {
		return smoothed(s.LabelSmoothing, PairLoss(s.Beta*c, s.Beta*r), PairLoss(s.Beta*r, s.Beta*c))
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		m := MulScalar(Sub(c, r), s.Beta)
		if s.LabelSmoothing == 0 {
			return Neg(logSigmoid(m))
		}
		return Neg(Add(MulScalar(logSigmoid(m), 1-s.LabelSmoothing), MulScalar(logSigmoid(Neg(m)), s.LabelSmoothing)))
	}},
	// Robust DPO (arXiv 2403.00409, eq. 12), unbiased where a share ε of the labels is flipped:
	// [−(1−ε)·log σ(m) + ε·log σ(−m)] / (1−2ε).
	"robust": {atStart: "ln 2", plain: func(s Settings, c, r, _ float64) float64 {
		return robust(s.LabelSmoothing, PairLoss(s.Beta*c, s.Beta*r), PairLoss(s.Beta*r, s.Beta*c))
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		m := MulScalar(Sub(c, r), s.Beta)
		loss := Sub(MulScalar(logSigmoid(Neg(m)), s.LabelSmoothing), MulScalar(logSigmoid(m), 1-s.LabelSmoothing))
		return MulScalar(loss, 1/(1-2*s.LabelSmoothing))
	}},
	// SLiC's hinge on the normalised likelihoods (arXiv 2309.06657): max(0, 1 − m).
	"hinge": {atStart: "1", plain: func(s Settings, c, r, _ float64) float64 {
		return math.Max(0, 1-s.Beta*(c-r))
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		return MaxScalar(OneMinus(MulScalar(Sub(c, r), s.Beta)), 0)
	}},
	// IPO (arXiv 2310.12036, eq. 17), of means per token, as its authors told TRL: (Δ − 1/(2β))².
	"ipo": {perToken: true, atStart: "1/(4β²)", plain: func(s Settings, c, r, _ float64) float64 {
		off := c - r - 1/(2*s.Beta)
		return off * off
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		return Square(AddScalar(Sub(c, r), -1/(2*s.Beta)))
	}},
	// DPO of means per token (Tülu 3, arXiv 2411.15124): −log σ(m).
	"sigmoid_norm": {perToken: true, atStart: "ln 2", plain: func(s Settings, c, r, _ float64) float64 {
		return PairLoss(s.Beta*c, s.Beta*r)
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		return Neg(logSigmoid(MulScalar(Sub(c, r), s.Beta)))
	}},
	// APO-zero (arXiv 2408.06266, eq. 7), for chosen answers better than the model's: σ(−β·c) + σ(β·r).
	"apo_zero": {atStart: "1", plain: func(s Settings, c, r, _ float64) float64 {
		return sigmoid(-s.Beta*c) + sigmoid(s.Beta*r)
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		return Add(Sigmoid(MulScalar(c, -s.Beta)), Sigmoid(MulScalar(r, s.Beta)))
	}},
	// APO-down (arXiv 2408.06266, eq. 8), for chosen answers worse than the model's: σ(β·c) + σ(−m).
	"apo_down": {atStart: "1", plain: func(s Settings, c, r, _ float64) float64 {
		return sigmoid(s.Beta*c) + sigmoid(-s.Beta*(c-r))
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		return Add(Sigmoid(MulScalar(c, s.Beta)), Sigmoid(MulScalar(Sub(c, r), -s.Beta)))
	}},
	// NCA of a pair (arXiv 2402.05369, eq. 11): −log σ(β·c) − ½·log σ(−β·c) − ½·log σ(−β·r).
	"nca_pair": {atStart: "2 ln 2", plain: func(s Settings, c, r, _ float64) float64 {
		return -LogSigmoid(s.Beta*c) - LogSigmoid(-s.Beta*c)/2 - LogSigmoid(-s.Beta*r)/2
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		c, r = MulScalar(c, s.Beta), MulScalar(r, s.Beta)
		return Neg(Add(logSigmoid(c), MulScalar(Add(logSigmoid(Neg(c)), logSigmoid(Neg(r))), 0.5)))
	}},
	// KTO (arXiv 2402.01306, eq. 7) of both sides of a pair, desirable and undesirable with weight 1 each:
	// ½·[σ(−β·(c − kl)) + σ(−β·(kl − r))]. See [Mismatched] for kl, which has no gradient.
	"kto": {atStart: "1/2", plain: func(s Settings, c, r, kl float64) float64 {
		return (sigmoid(-s.Beta*(c-kl)) + sigmoid(-s.Beta*(kl-r))) / 2
	}, graph: func(s Settings, c, r, kl *Node) *Node {
		return MulScalar(Add(Sigmoid(MulScalar(Sub(c, kl), -s.Beta)), Sigmoid(MulScalar(Sub(kl, r), -s.Beta))), 0.5)
	}},
	// SimPO (arXiv 2405.14734, eq. 6): −log σ(m − γ) of log π per token.
	"simpo": {free: true, perToken: true, plain: func(s Settings, c, r, _ float64) float64 {
		return -LogSigmoid(s.Beta*(c-r) - s.Gamma)
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		return Neg(logSigmoid(AddScalar(MulScalar(Sub(c, r), s.Beta), -s.Gamma)))
	}},
	// CPO (arXiv 2401.08417, eq. 3 without its NLL, which is Alpha's): −log σ(m) of log π.
	"cpo": {free: true, plain: func(s Settings, c, r, _ float64) float64 {
		return PairLoss(s.Beta*c, s.Beta*r)
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		return Neg(logSigmoid(MulScalar(Sub(c, r), s.Beta)))
	}},
	// ORPO (arXiv 2403.07691, eq. 6 and 7, without its NLL, which is Alpha's): −β·log σ(log odds(c) − log odds(r)),
	// odds(p) = p/(1−p) of p = e^(log π per token).
	"orpo": {free: true, perToken: true, plain: func(s Settings, c, r, _ float64) float64 {
		return -s.Beta * LogSigmoid(logOdds(c)-logOdds(r))
	}, graph: func(s Settings, c, r, _ *Node) *Node {
		return MulScalar(logSigmoid(Sub(logOddsGraph(c), logOddsGraph(r))), -s.Beta)
	}},
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func smoothed(eps, loss, flipped float64) float64 { return (1-eps)*loss + eps*flipped }

func robust(eps, loss, flipped float64) float64 { return ((1-eps)*loss - eps*flipped) / (1 - 2*eps) }

// certain is the largest log-probability that odds are computed of: float32 tells no larger one from 0, whose odds are
// infinite.
const certain = -1.2e-7

// logOdds returns log(p/(1−p)) of p = e^x.
func logOdds(x float64) float64 {
	x = math.Min(x, certain)
	if x > -math.Ln2 {
		return x - math.Log(-math.Expm1(x))
	}
	return x - math.Log1p(-math.Exp(x))
}

// logOddsGraph is logOdds, by 1 − e^x = 2t/(1+t), t = tanh(−x/2), which keeps float32's accuracy near p = 1 and has a
// gradient in GoMLX.
func logOddsGraph(x *Node) *Node {
	x = MinScalar(x, certain)
	t := Tanh(MulScalar(x, -0.5))
	return Sub(x, Sub(Log(MulScalar(t, 2)), Log1P(t)))
}

// scores returns what the settings' loss compares, of log-probabilities summed over the responses: chosen, rejected.
func (s Settings) scores(logp, ref [2]float64, tokens [2]int) (chosen, rejected float64) {
	p := preferences[s.Loss]
	for side := range logp {
		if !p.free {
			logp[side] -= ref[side]
		}
		if p.perToken {
			logp[side] /= float64(tokens[side])
		}
	}
	return logp[0], logp[1]
}

// PairLoss returns the settings' loss of one pair, without NLL, from the log-probabilities of its sides (chosen,
// rejected), summed over their tokens. Losses without a reference ignore ref, all but KTO ignore kl.
func (s Settings) PairLoss(logp, ref [2]float64, tokens [2]int, kl float64) float64 {
	chosen, rejected := s.scores(logp, ref, tokens)
	return preferences[s.Loss].plain(s, chosen, rejected, kl)
}

// rewards returns the sides' rewards as TRL logs them: β·(log π − log π_ref), summed, whatever the loss makes of it;
// without a reference β·log π, per token where the loss is.
func (s Settings) rewards(logp, ref [2]float64, tokens [2]int) (chosen, rejected float64) {
	if preferences[s.Loss].free {
		chosen, rejected = s.scores(logp, ref, tokens)
		return s.Beta * chosen, s.Beta * rejected
	}
	return Reward(logp[0], ref[0], s.Beta), Reward(logp[1], ref[1], s.Beta)
}

// Referenced returns the lists of pairs whose log-probabilities under π_ref a training on these pairs reads, each
// from [Reference]: the pairs themselves; for KTO also [Mismatched]; none under objective "sft" and losses without
// reference.
func (s Settings) Referenced(pairs []Pair, c checkpoint.Config) [][]Pair {
	switch {
	case s.Objective == "sft" || preferences[s.Loss].free:
		return nil
	case s.Loss == "kto":
		return [][]Pair{pairs, s.Mismatched(pairs, c)}
	}
	return [][]Pair{pairs}
}
