package dpo

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/transformer"
)

// lossCases are worked by hand from each paper's formula on the pairs of loss_test.go, with responses of these tokens,
// β 0.1 unless set; TRL's and LLaMA-Factory's own functions give the same on them.
var (
	chosenTokens   = []int{1, 5, 1}
	rejectedTokens = []int{1, 10, 3}
	lossCases      = []struct {
		loss   string
		change func(*Settings)
		kl     float64
		want   []float64
	}{
		{"sigmoid", nil, 0, wantLoss},
		{"sigmoid", func(s *Settings) { s.LabelSmoothing = 0.1 }, 0, []float64{0.693147, 0.413262, 0.326928}},
		{"robust", func(s *Settings) { s.LabelSmoothing = 0.1 }, 0, []float64{0.693147, 0.188262, -0.123072}},
		{"hinge", nil, 0, []float64{1, 0, 0}},
		{"ipo", nil, 0, []float64{25, 15.9201, 1.137778}},
		{"sigmoid_norm", nil, 0, []float64{0.693147, 0.643922, 0.435131}},
		{"apo_zero", nil, 0, []float64{1, 0.768412, 0.632557}},
		{"apo_down", nil, 0, []float64{1, 0.771441, 0.596718}},
		{"nca_pair", nil, 0, []float64{1.386294, 1.195220, 1.122047}},
		{"kto", nil, 0, []float64{0.5, 0.384206, 0.316279}},
		{"kto", nil, 2, []float64{0.5, 0.390308, 0.331975}},
		{"simpo", func(s *Settings) { s.Beta, s.Gamma = 2, 1 }, 0, []float64{1.952978, 0.313262, 0.000017}},
		{"cpo", nil, 0, []float64{0.713347, 0.126928, 0.126928}},
		// With its NLL, −π_c/tokens = 0.5, 2, 1, the published values are 0.696966, 2.028875, 1.000157.
		{"orpo", nil, 0, []float64{0.196966, 0.028875, 0.000157}},
	}
)

func settingsOf(loss string, change func(*Settings)) Settings {
	s := DefaultSettings()
	s.Loss = loss
	if change != nil {
		change(&s)
	}
	return s
}

// TestLosses holds numbers and graph to the worked values.
func TestLosses(t *testing.T) {
	b, tried := openBackend(t), map[string]bool{}
	for _, test := range lossCases {
		s := settingsOf(test.loss, test.change)
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", test.loss, err)
		}
		tried[test.loss] = true
		graph := MustNewExec(b, pairGraph(s))
		for i, want := range test.want {
			logp, ref := [2]float64{piChosen[i], piRejected[i]}, [2]float64{refChosen[i], refRejected[i]}
			tokens := [2]int{chosenTokens[i], rejectedTokens[i]}
			near(t, test.loss, s.PairLoss(logp, ref, tokens, test.kl), want, 1e-6)
			got := tensors.ToScalar[float32](graph.MustCall(pairArgs(s, logp, ref, tokens, test.kl)...)[0])
			near(t, test.loss+" in the graph", float64(got), want, 2e-6)
		}
	}
	if len(tried) != len(preferences) {
		t.Errorf("%d losses were tried of %d", len(tried), len(preferences))
	}
}

// pairGraph returns the graph of a pair's loss and its gradient by the log-probabilities.
func pairGraph(s Settings) func(in []*Node) []*Node {
	return func(in []*Node) []*Node {
		none := ZerosLike(in[0])
		x := inputs{weights: none, ref: in[1], pairWeight: in[2], scale: in[3], kl: in[4]}
		loss, _ := x.loss(none, in[0], s)
		return []*Node{loss, Gradient(loss, in[0])[0]}
	}
}

func pairArgs(s Settings, logp, ref [2]float64, tokens [2]int, kl float64) []any {
	scale := [][]float32{{1}, {1}}
	if preferences[s.Loss].perToken {
		scale = [][]float32{{1 / float32(tokens[0])}, {1 / float32(tokens[1])}}
	}
	if preferences[s.Loss].free {
		ref = [2]float64{}
	}
	return []any{[]float32{float32(logp[0]), float32(logp[1])}, [][]float32{{float32(ref[0])}, {float32(ref[1])}},
		[]float32{1}, scale, float32(kl)}
}

// TestLossGradients compares the graph's gradient by each log-probability with a central difference of the plain
// function: at the start of a training, off it, and where one side is far ahead.
func TestLossGradients(t *testing.T) {
	b, tokens := openBackend(t), [2]int{4, 7}
	ref := [2]float64{-8, -9}
	for _, test := range lossCases {
		s := settingsOf(test.loss, test.change)
		graph := MustNewExec(b, pairGraph(s))
		for _, logp := range [][2]float64{{-8, -9}, {-6, -12}, {-30, -4}, {-0.01, -400}, {-400, -0.01}} {
			out := graph.MustCall(pairArgs(s, logp, ref, tokens, test.kl)...)
			gradient := tensors.MustCopyFlatData[float32](out[1])
			for side := range logp {
				const h = 1e-4
				ahead, behind := logp, logp
				ahead[side] += h
				behind[side] -= h
				want := (s.PairLoss(ahead, ref, tokens, test.kl) - s.PairLoss(behind, ref, tokens, test.kl)) / (2 * h)
				near(t, test.loss+" gradient", float64(gradient[side]), want, 1e-4*math.Max(1, math.Abs(want)))
			}
		}
	}
}

// TestCertainOdds: ORPO's odds of a response that float32 cannot tell from certain have no infinite gradient.
func TestCertainOdds(t *testing.T) {
	s := settingsOf("orpo", nil)
	graph := MustNewExec(openBackend(t), pairGraph(s))
	for _, logp := range [][2]float64{{0, -9}, {-9, 0}, {0, 0}, {-1e-9, -3e38}} {
		out := graph.MustCall(pairArgs(s, logp, [2]float64{}, [2]int{1, 1}, 0)...)
		for _, x := range append(tensors.MustCopyFlatData[float32](out[1]), tensors.ToScalar[float32](out[0])) {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				t.Errorf("log-probabilities %v: loss and gradient %v", logp, out)
			}
		}
	}
}

// TestTrainEveryLoss trains by each loss: the first step's loss is the one that is said in words, the preferences' loss
// falls, the rejected answers lose against the chosen, micro-batches change rounding only, and KTO's training that was
// killed ends with the weights of an undisturbed one.
func TestTrainEveryLoss(t *testing.T) {
	b, ctx := openBackend(t), context.Background()
	pairs, tried := randomPairs(8, tiny.VocabSize, 1), map[string]bool{}
	for _, test := range lossCases {
		if tried[test.loss] {
			continue
		}
		tried[test.loss] = true
		s := settingsOf(test.loss, test.change)
		s.Objective, s.LR, s.BatchPairs, s.Epochs, s.Warmup = "dpo", 3e-3, 8, 6, 0
		if test.loss == "ipo" || test.loss == "sigmoid_norm" {
			s.Beta = 1 // a mean per token is small
		}
		train := func(micro int, h Hooks) ([]Step, *transformer.Model, error) {
			s, m := s, transformer.Init(tiny, 1)
			s.MicroBatch = micro
			var ref [][2]float64
			for _, part := range s.Referenced(pairs, tiny) {
				ref = append(ref, reference(t, b, m, part, s)...)
			}
			steps, err := Train(ctx, b, m, pairs, ref, nil, s, h)
			return steps, m, err
		}
		steps, whole, err := train(0, Hooks{})
		if err != nil {
			t.Fatalf("%s: %v", test.loss, err)
		}
		first, last := steps[0], steps[len(steps)-1]
		if !preferences[s.Loss].free {
			near(t, s.firstLoss(), first.DPO, preferences[s.Loss].plain(s, 0, 0, 0), 1e-3)
		}
		if last.DPO >= first.DPO || last.RewardsMargins <= first.RewardsMargins {
			t.Errorf("%s learned nothing: first %+v, last %+v", test.loss, first, last)
		}
		parts, _, err := train(3, Hooks{})
		if err != nil {
			t.Fatalf("%s in parts: %v", test.loss, err)
		}
		for i := range steps {
			near(t, test.loss+" loss in parts", parts[i].Loss, steps[i].Loss, 5e-4*math.Max(1, math.Abs(steps[i].Loss)))
			near(t, test.loss+" kl in parts", parts[i].KL, steps[i].KL, 1e-3)
		}
		if test.loss != "kto" { // the only one that computes more than a step's rows
			continue
		}
		h := Hooks{CheckpointDir: filepath.Join(t.TempDir(), "state"), CheckpointEvery: 2}
		h.OnStep = func(s Step) error {
			if s.Step == 5 {
				return errKilled
			}
			return nil
		}
		if _, _, err := train(0, h); !errors.Is(err, errKilled) {
			t.Fatalf("%s: the error is %v, want %v", test.loss, err, errKilled)
		}
		h.OnStep = nil
		if _, again, err := train(0, h); err != nil || !slices.Equal(weightsOf(t, whole), weightsOf(t, again)) {
			t.Errorf("%s: killed and resumed, the weights differ (error %v)", test.loss, err)
		}
	}
}
