package dpo

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// TestLossesOfTRL compares losses, rewards and gradients with those of TRL's trainers on 20 pairs, as
// .tools/peers/losses.py has printed them. TRL computes odds in float32.
func TestLossesOfTRL(t *testing.T) {
	data, err := os.ReadFile("testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var trl struct {
		Tokens    [][2]int
		Logp, Ref [][2]float64
		Losses    []struct {
			Loss            string
			Beta, Gamma, KL float64
			LabelSmoothing  float64 `json:"label_smoothing"`
			Rows            [][5]float64
		}
	}
	if err := json.Unmarshal(data, &trl); err != nil {
		t.Fatal(err)
	}
	b, tried := openBackend(t), map[string]bool{}
	var worst [5]float64
	for _, of := range trl.Losses {
		s := settingsOf(of.Loss, nil)
		s.Beta, s.Gamma, s.LabelSmoothing = of.Beta, of.Gamma, of.LabelSmoothing
		tried[of.Loss] = true
		graph := MustNewExec(b, pairGraph(s))
		for i, want := range of.Rows {
			logp, ref, tokens := trl.Logp[i], trl.Ref[i], trl.Tokens[i]
			chosen, rejected := s.rewards(logp, ref, tokens)
			gradient := tensors.MustCopyFlatData[float32](graph.MustCall(pairArgs(s, logp, ref, tokens, of.KL)...)[1])
			got := [5]float64{s.PairLoss(logp, ref, tokens, of.KL), chosen, rejected, float64(gradient[0]),
				float64(gradient[1])}
			for k, tolerance := range [5]float64{1e-6, 1e-6, 1e-6, 1e-5, 1e-5} {
				off := math.Abs(got[k]-want[k]) / math.Max(1, math.Abs(want[k]))
				worst[k] = math.Max(worst[k], off)
				if off > tolerance {
					t.Errorf("%s, pair %d, column %d: %.8g, want %.8g", of.Loss, i, k, got[k], want[k])
				}
			}
		}
	}
	t.Logf("largest differences of loss, rewards, gradients: %.1e", worst)
	if len(tried) != len(preferences) || len(trl.Tokens) != 20 {
		t.Errorf("the fixture has %d losses of %d and %d pairs", len(tried), len(preferences), len(trl.Tokens))
	}
}
