package dpo

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// trlLosses is what .tools/peers/losses.py prints.
type trlLosses struct {
	Tokens    [][2]int
	IDs       [][3][]int32 // prompt, chosen, rejected
	Logp, Ref [][2]float64
	Losses    []struct {
		Loss            string
		Beta, Gamma, KL float64
		LabelSmoothing  float64 `json:"label_smoothing"`
		Rows            [][5]float64
	}
}

// TestLossesOfTRL compares losses, rewards and gradients with those of TRL's trainers on 20 pairs, as
// .tools/peers/losses.py has printed them: of log-probabilities drawn by seed, and of those that the miniature and a
// neighbour of it give to 20 answers of Llama 3 and their translations (TestPeersLosses). TRL computes odds in float32.
func TestLossesOfTRL(t *testing.T) {
	for _, fixture := range []string{"testdata/losses.json", "testdata/losses_real.json"} {
		data, err := os.ReadFile(fixture)
		if err != nil {
			t.Fatal(err)
		}
		var trl trlLosses
		if err := json.Unmarshal(data, &trl); err != nil {
			t.Fatal(err)
		}
		worst := trl.compare(t, trl.Logp, trl.Ref, [5]float64{1e-6, 1e-6, 1e-6, 1e-5, 1e-5})
		t.Logf("%s: largest differences of loss, rewards, gradients: %.1e", fixture, worst)
	}
}

// compare computes the losses of the pairs from log-probabilities and returns the largest differences, relative to the
// number's size or to 1, of loss, rewards and gradients by the log-probabilities.
func (trl trlLosses) compare(t *testing.T, policy, reference [][2]float64, within [5]float64) (worst [5]float64) {
	t.Helper()
	b, tried := openBackend(t), map[string]bool{}
	for _, of := range trl.Losses {
		s := settingsOf(of.Loss, nil)
		s.Beta, s.Gamma, s.LabelSmoothing = of.Beta, of.Gamma, of.LabelSmoothing
		tried[of.Loss] = true
		graph := MustNewExec(b, pairGraph(s))
		for i, want := range of.Rows {
			logp, ref, tokens := policy[i], reference[i], trl.Tokens[i]
			chosen, rejected := s.rewards(logp, ref, tokens)
			gradient := tensors.MustCopyFlatData[float32](graph.MustCall(pairArgs(s, logp, ref, tokens, of.KL)...)[1])
			got := [5]float64{s.PairLoss(logp, ref, tokens, of.KL), chosen, rejected, float64(gradient[0]),
				float64(gradient[1])}
			for k, tolerance := range within {
				off := math.Abs(got[k]-want[k]) / math.Max(1, math.Abs(want[k]))
				worst[k] = math.Max(worst[k], off)
				if off > tolerance {
					t.Errorf("%s, pair %d, column %d: %.8g, want %.8g", of.Loss, i, k, got[k], want[k])
				}
			}
		}
	}
	if len(tried) != len(preferences) || len(trl.Tokens) != 20 {
		t.Errorf("there are %d losses of %d and %d pairs", len(tried), len(preferences), len(trl.Tokens))
	}
	return worst
}
