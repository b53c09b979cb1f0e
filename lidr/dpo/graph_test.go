package dpo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/transformer"
)

// tiny is a model with every optional part that has a gradient: biases, grouped heads, an untied head.
var tiny = checkpoint.Config{
	Architectures: []string{"Qwen2ForCausalLM"}, ModelType: "qwen2",
	HiddenSize: 16, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 4, IntermediateSize: 24,
	VocabSize: 29, MaxPositionEmbeddings: 64, RMSNormEps: 1e-6, RopeTheta: 10000, BOSTokenID: -1, EOSTokenIDs: []int{2},
	TorchDType: "float32",
}

func openBackend(t testing.TB) compute.Backend {
	t.Helper()
	b, err := backend.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

// randomPairs makes n pairs of 4 to 39 tokens, each response ending with token 2.
func randomPairs(n, vocab int, seed uint64) []Pair {
	r := rand.New(rand.NewPCG(seed, 0))
	tokens := func(least, most int) []int32 {
		out := make([]int32, least+r.IntN(most-least+1))
		for i := range out {
			out[i] = 3 + r.Int32N(int32(vocab)-3)
		}
		return out
	}
	pairs := make([]Pair, n)
	for i := range pairs {
		pairs[i] = Pair{Prompt: tokens(2, 12), Chosen: append(tokens(1, 26), 2), Rejected: append(tokens(1, 26), 2)}
	}
	return pairs
}

// randomReference returns references of about the size of real ones.
func randomReference(n int) [][2]float64 {
	r := rand.New(rand.NewPCG(7, 7))
	ref := make([][2]float64, n)
	for i := range ref {
		ref[i] = [2]float64{-40 - 30*r.Float64(), -40 - 30*r.Float64()}
	}
	return ref
}

// TestGraphLossHandWorked feeds the graph the log-probabilities of TestPairLoss.
func TestGraphLossHandWorked(t *testing.T) {
	b := openBackend(t)
	exec := MustNewExec(b, func(sums, ref, weight *Node) *Node {
		none := ZerosLike(sums)
		x := inputs{ref: ref, pairWeight: weight, weights: none, scale: OnesLike(ref)}
		loss, _ := x.loss(none, sums, DefaultSettings())
		return loss
	})
	for i := range piChosen {
		sums := []float32{float32(piChosen[i]), float32(piRejected[i])}
		ref := [][]float32{{float32(refChosen[i])}, {float32(refRejected[i])}}
		near(t, "loss", float64(tensors.ToScalar[float32](exec.MustCall(sums, ref, []float32{1})[0])), wantLoss[i], 1e-6)
	}
}

// TestGraphMatchesPlainLoss compares the batch loss of the graph, over padded micro-batches with gathered predictions,
// with the plain functions applied to log-probabilities of every sequence alone, by transformer.Model.TokenLogprobs.
func TestGraphMatchesPlainLoss(t *testing.T) {
	b, m := openBackend(t), transformer.Init(tiny, 3)
	pairs, ref := randomPairs(6, tiny.VocabSize, 1), randomReference(6)
	each := logprobsAlone(b, m)
	logp := func(prompt, response []int32) (sum float64) {
		for _, x := range each(slices.Concat(prompt, response))[len(prompt)-1:] {
			sum += x
		}
		return sum
	}
	var chosen, dpo []float64
	var lengths []int
	for i, p := range pairs {
		c, r := logp(p.Prompt, p.Chosen), logp(p.Prompt, p.Rejected)
		chosen, lengths = append(chosen, c), append(lengths, len(p.Chosen))
		dpo = append(dpo, PairLoss(Reward(c, ref[i][0], 0.1), Reward(r, ref[i][1], 0.1)))
	}
	for _, test := range []struct {
		objective, nll string
		want           float64
	}{
		{"dpo+nll", "sequence", mean(dpo) + 5*SequenceNLL(chosen, lengths)},
		{"dpo+nll", "token", mean(dpo) + 5*TokenNLL(chosen, lengths)},
		{"dpo", "sequence", mean(dpo)},
		{"sft", "token", TokenNLL(chosen, lengths)},
	} {
		s := DefaultSettings()
		s.Objective, s.NLL, s.Alpha, s.BatchPairs, s.MicroBatch = test.objective, test.nll, 5, 6, 4
		exec := lossExec(b, m, s)
		var graph float64
		var numbers tally
		for _, part := range (&plan{pairs: pairs, ref: ref, s: s}).step(0) {
			out := exec.MustCall(part.args()...)
			graph += float64(tensors.ToScalar[float32](out[0]))
			numbers.add(part, tensors.MustCopyFlatData[float32](out[1]), 0)
		}
		near(t, test.objective+" "+test.nll+" in the graph", graph, test.want, 1e-5*math.Abs(test.want))
		near(t, test.objective+" "+test.nll+" reported", numbers.step(s).Loss, test.want, 1e-5*math.Abs(test.want))
	}
}

// TestGraphMatchesWeightedNLL does the same for a pretraining batch.
func TestGraphMatchesWeightedNLL(t *testing.T) {
	b, m := openBackend(t), transformer.Init(tiny, 3)
	each := logprobsAlone(b, m)
	var batch []Weighted
	var logps, weights []float64
	for i, p := range randomPairs(7, tiny.VocabSize, 4) {
		w := Weighted{Tokens: slices.Concat(p.Prompt, p.Chosen)}
		for range len(w.Tokens) - 1 {
			i = (i + 1) % 4
			w.Weights = append(w.Weights, float32(i)/2)
			weights = append(weights, float64(i)/2)
		}
		batch, logps = append(batch, w), append(logps, each(w.Tokens)...)
	}
	total, err := checkWeighted(batch, 64, tiny)
	if err != nil {
		t.Fatal(err)
	}
	exec, loss := lossExec(b, m, DefaultSettings()), 0.0
	for _, part := range weightedBatch(batch, total, 3) {
		loss += float64(tensors.ToScalar[float32](exec.MustCall(part.args()...)[0]))
	}
	near(t, "weighted loss", loss, WeightedNLL(logps, weights), 1e-5)
}

// logprobsAlone returns a function that computes the log-probabilities of a sequence's tokens from the second on,
// without batch or padding.
func logprobsAlone(b compute.Backend, m *transformer.Model) func(tokens []int32) []float64 {
	exec := model.MustNewExec(b, m.Store,
		func(scope *model.Scope, tokens *Node) *Node { return m.TokenLogprobs(scope, tokens) })
	return func(tokens []int32) (out []float64) {
		for _, x := range tensors.MustCopyFlatData[float32](exec.MustCall([][]int32{tokens})[0]) {
			out = append(out, float64(x))
		}
		return out
	}
}

func lossExec(b compute.Backend, m *transformer.Model, s Settings) *model.Exec {
	return model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*Node) []*Node {
		x := newInputs(in)
		each, sums := x.logprobs(scope, m)
		loss, _ := x.loss(each, sums, s)
		return []*Node{loss, sums}
	})
}

// TestGradient compares the directional derivative of the loss along each weight's own gradient, which is its norm,
// with a central difference of the loss.
func TestGradient(t *testing.T) {
	b, m := openBackend(t), transformer.Init(tiny, 3)
	s := DefaultSettings()
	s.BatchPairs = 5
	pairs := randomPairs(5, tiny.VocabSize, 2)
	part := (&plan{pairs: pairs, ref: randomReference(5), s: s}).step(0)[0]
	tr, err := newTrainer(b, m, s)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	tr.gradient.MustCall(part.args()...)
	loss := lossExec(b, m, s)
	for _, p := range tr.params {
		gradient := tensors.MustCopyFlatData[float32](p.gradient.MustValue())
		weights := tensors.MustCopyFlatData[float32](p.value.MustValue())
		var norm float64
		for _, g := range gradient {
			norm += float64(g) * float64(g)
		}
		norm = math.Sqrt(norm)
		if norm == 0 {
			t.Errorf("the gradient of %s is 0", p.name)
			continue
		}
		at := func(step float64) float64 {
			moved := make([]float32, len(weights))
			for i := range moved {
				moved[i] = weights[i] + float32(step*float64(gradient[i])/norm)
			}
			if err := p.value.SetValue(tensors.FromFlatDataAndDimensions(moved, p.value.Shape().Dimensions...)); err != nil {
				t.Fatal(err)
			}
			return float64(tensors.ToScalar[float32](loss.MustCall(part.args()...)[0]))
		}
		// The step balances the error of the difference, h², with that of a float32 loss of about 3, 6e-7/h.
		h := 0.002
		slope := (at(h) - at(-h)) / (2 * h)
		at(0)
		near(t, "the slope along the gradient of "+p.name, slope, norm, 0.01*norm+3e-4)
	}
}

// TestSaturatedGradient takes rewards 100 apart, where exp(-100) is subnormal in float32: pairs that are learnt leave
// the gradient of the NLL alone, and the slope of pairs that are far wrong is β, however far.
func TestSaturatedGradient(t *testing.T) {
	b, m := openBackend(t), transformer.Init(tiny, 3)
	pairs, s := randomPairs(4, tiny.VocabSize, 2), DefaultSettings()
	s.BatchPairs = 4
	gradient := func(objective string, margin float64) []float32 {
		s.Objective = objective
		tr, err := newTrainer(b, m, s)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		ref := slices.Repeat([][2]float64{{-margin / s.Beta, 0}}, 4)
		tr.gradient.MustCall((&plan{pairs: pairs, ref: ref, s: s}).step(0)[0].args()...)
		var all []float32
		for _, p := range tr.params {
			all = append(all, tensors.MustCopyFlatData[float32](p.gradient.MustValue())...)
		}
		return all
	}
	nll, learnt := gradient("sft", 0), gradient("dpo+nll", 100)
	wrong, wronger := gradient("dpo", -100), gradient("dpo", -120)
	for i := range nll {
		near(t, "learnt", float64(learnt[i]), float64(nll[i]), 1e-5)
		near(t, "wrong", float64(wrong[i]), float64(wronger[i]), 1e-5)
	}
	if slices.Max(wrong) < 1e-3 {
		t.Error("pairs that are far wrong have no gradient")
	}
}
