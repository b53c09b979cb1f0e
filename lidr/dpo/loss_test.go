package dpo

import (
	"math"
	"testing"
)

// Log-probabilities of three pairs from torchtune's test of the same loss (tests/torchtune/rlhf/loss/test_dpo_loss.py).
// With β 0.1 the margins are 0, 1 and 2: −ln σ of them is worked by hand.
var (
	piChosen    = []float64{-0.5, -10, -1}
	piRejected  = []float64{-0.1, -30, -21}
	refChosen   = []float64{-0.5, -10.1, -0.1}
	refRejected = []float64{-0.1, -20.1, -0.1}
	wantLoss    = []float64{0.693147, 0.313262, 0.126928}
	wantMargin  = []float64{0, 1, 2}
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.9g, want %.9g within %g", what, got, want, tolerance)
	}
}

func TestPairLoss(t *testing.T) {
	for i := range piChosen {
		chosen, rejected := Reward(piChosen[i], refChosen[i], 0.1), Reward(piRejected[i], refRejected[i], 0.1)
		near(t, "margin", chosen-rejected, wantMargin[i], 1e-12)
		near(t, "loss", PairLoss(chosen, rejected), wantLoss[i], 1e-6)
	}
	near(t, "log σ(0)", LogSigmoid(0), -math.Ln2, 1e-15)
	near(t, "log σ(−1000)", LogSigmoid(-1000), -1000, 0)
	near(t, "log σ(1000)", LogSigmoid(1000), 0, 0)
}

func TestNLL(t *testing.T) {
	// One sequence of 2 tokens at −1 each, one of 8 tokens at −0.25 each: means per token 1 and 0.25.
	logps, tokens := []float64{-2, -2}, []int{2, 8}
	near(t, "sequence", SequenceNLL(logps, tokens), (1+0.25)/2, 1e-15)
	near(t, "token", TokenNLL(logps, tokens), 4.0/10, 1e-15)
	near(t, "weighted", WeightedNLL([]float64{-1, -2, -5}, []float64{1, 0.5, 0}), 2/1.5, 1e-15)
}

func TestLearningRate(t *testing.T) {
	// 10 steps, 2 of warm-up: what get_scheduler of transformers 5.23.0 gives, with lr_end 0.1 and power 1 for
	// "polynomial" and min_lr_rate 0.1 for "cosine_with_min_lr".
	constant := []float64{0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1}
	linear := []float64{0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125}
	polynomial := []float64{0, 0.5, 1, 0.8875, 0.775, 0.6625, 0.55, 0.4375, 0.325, 0.2125}
	cosine := []float64{
		0, 0.5, 1, 0.961939766, 0.853553391, 0.691341716, 0.5, 0.308658284, 0.146446609, 0.038060234,
	}
	cosineMin := []float64{
		0, 0.5, 1, 0.96574579, 0.868198052, 0.722207545, 0.55, 0.377792455, 0.231801948, 0.13425421,
	}
	near(t, "one step", Settings{LR: 1, Warmup: 0.2, Schedule: "linear"}.learningRate(0, 1), 1, 0)
	for _, c := range []struct {
		schedule string
		final    float64
		want     []float64
	}{
		{"constant_with_warmup", 0, constant}, {"linear", 0, linear}, {"polynomial", 0.1, polynomial},
		{"cosine", 0, cosine}, {"cosine_with_min_lr", 0.1, cosineMin},
		{"constant", 0.5, constant}, {"linear", 0.1, polynomial}, {"cosine", 0.1, cosineMin}, // as written before
	} {
		s := Settings{LR: 1, Warmup: 0.2, Schedule: c.schedule, FinalLR: c.final}
		for n, w := range c.want {
			near(t, c.schedule, s.learningRate(n, 10), w, 1e-8)
		}
	}
}
