package dpo

import "slices"

// Step is a row of a training's log. The names of rewards, log-probabilities and the gradient's norm are TRL's. Numbers
// are from before the step's update, log-probabilities in nats and summed over a response, means over the batch.
type Step struct {
	Step int     `json:"step"` // from 1
	Loss float64 `json:"loss"` // what is minimised

	// DPO is the loss of the preferences by Settings.Loss, without NLL.
	DPO float64 `json:"dpo"`
	// NLL is the mean NLL of the chosen side in the normalisation of Settings.NLL, before Alpha; in pretraining the loss.
	NLL float64 `json:"nll"`
	// Replay is the mean NLL of the replayed sequences, before Alpha.
	Replay float64 `json:"replay,omitempty"`

	RewardsChosen     float64 `json:"rewards/chosen"`
	RewardsRejected   float64 `json:"rewards/rejected"`
	RewardsMargins    float64 `json:"rewards/margins"`    // chosen − rejected
	RewardsAccuracies float64 `json:"rewards/accuracies"` // share of the pairs whose margin is above 0
	Identical         float64 `json:"identical"`          // share of the pairs whose sides are equal, with margin 0
	LogpsChosen       float64 `json:"logps/chosen"`
	LogpsRejected     float64 `json:"logps/rejected"`

	// KL is KTO's estimate of KL(π ‖ π_ref), LogOdds ORPO's log odds of the chosen minus those of the rejected.
	KL      float64 `json:"kl,omitempty"`
	LogOdds float64 `json:"log_odds_chosen,omitempty"`

	GradNorm float64 `json:"grad_norm"` // global L2 norm before clipping
	LR       float64 `json:"lr"`
	Tokens   int     `json:"tokens"` // prompts and responses of all rows
	// Positions is how many of them went through the model, once where both sides of a pair share them: of each response
	// all tokens but the last, which is only predicted.
	Positions int     `json:"positions,omitempty"`
	Padding   float64 `json:"padding"` // share of the computed positions that are padding
}

// tally collects a batch's numbers from its micro-batches.
type tally struct {
	chosen, rejected, replay    []float64 // log-probabilities, summed over the response
	chosenTokens, replayTokens  []int     // of the responses
	rejectedTokens              []int
	kl                          float64 // KTO's estimate
	ref                         [][2]float64
	weighted                    float64 // Σ w·nll of pretraining
	identical                   int     // pairs
	tokens, positions, computed int
}

// add takes the graph's outputs for m: log-probability sums of its padded rows, and the weighted NLL.
func (t *tally) add(m micro, sums []float32, nll float64) {
	for i, r := range m.rows {
		logp := float64(sums[m.slot(i)])
		t.tokens += len(r.tokens)
		switch {
		case m.kind == weightedRows:
		case m.kind == replayRows:
			t.replay, t.replayTokens = append(t.replay, logp), append(t.replayTokens, len(r.at))
		case m.kind == pairRows && i >= len(m.rows)/2:
			t.rejected, t.rejectedTokens = append(t.rejected, logp), append(t.rejectedTokens, len(r.at))
			if slices.Equal(r.tokens, m.rows[i-len(m.rows)/2].tokens) {
				t.identical++
			}
		default:
			t.chosen, t.chosenTokens = append(t.chosen, logp), append(t.chosenTokens, len(r.at))
		}
	}
	t.ref = append(t.ref, m.ref...)
	t.positions += m.used
	t.computed += m.height * m.width
	if m.kind == weightedRows {
		t.weighted += nll
	}
}

// step returns the batch's numbers.
func (t *tally) step(s Settings) Step {
	out := Step{
		Loss: t.weighted, NLL: t.weighted,
		Tokens: t.tokens, Positions: t.positions, Padding: 1 - float64(t.positions)/float64(t.computed),
	}
	if len(t.chosen) == 0 {
		return out
	}
	meanNLL := SequenceNLL
	if s.NLL == "token" {
		meanNLL = TokenNLL
	}
	out.NLL = meanNLL(t.chosen, t.chosenTokens)
	out.LogpsChosen = mean(t.chosen)
	alpha := s.Alpha
	switch s.Objective {
	case "sft":
		alpha = 1
		out.Loss = out.NLL
	case "dpo+nll":
		out.Loss = alpha * out.NLL
	}
	if len(t.replay) > 0 {
		out.Replay = meanNLL(t.replay, t.replayTokens)
		out.Loss += alpha * out.Replay
	}
	if len(t.rejected) == 0 {
		return out
	}
	n, right := float64(len(t.chosen)), 0
	for i := range t.chosen {
		logp, ref, tokens := t.pair(i)
		out.DPO += s.PairLoss(logp, ref, tokens, t.kl) / n
		if s.Loss == "orpo" {
			c, r := s.scores(logp, ref, tokens)
			out.LogOdds += (logOdds(c) - logOdds(r)) / n
		}
		chosen, rejected := s.rewards(logp, ref, tokens)
		out.RewardsChosen += chosen / n
		out.RewardsRejected += rejected / n
		out.RewardsMargins += (chosen - rejected) / n
		if chosen > rejected {
			right++
		}
	}
	out.KL = t.kl
	out.RewardsAccuracies = float64(right) / n
	out.Identical = float64(t.identical) / n
	out.LogpsRejected = mean(t.rejected)
	out.Loss += out.DPO
	return out
}

// pair returns log-probabilities, references and tokens of a pair's sides.
func (t *tally) pair(i int) (logp, ref [2]float64, tokens [2]int) {
	if t.ref != nil {
		ref = t.ref[i]
	}
	return [2]float64{t.chosen[i], t.rejected[i]}, ref, [2]int{t.chosenTokens[i], t.rejectedTokens[i]}
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
