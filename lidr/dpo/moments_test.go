package dpo

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/transformer"
)

// kept returns what a moment holds of values [blocks·256] after each is written at its step, read from memory.
func kept(t *testing.T, kind string, steps int, at func(n int, before []float32) []float32, size int) []float32 {
	t.Helper()
	store, b := model.NewStore(), openBackend(t)
	m, err := newMoment(store, kind, "weight", shapes.Make(dtypes.Float32, size/128, 128), true)
	if err != nil {
		t.Fatal(err)
	}
	write := model.MustNewExec(b, store, func(_ *model.Scope, in []*Node) []*Node {
		m.write(in[0], in[1])
		return []*Node{in[1]}
	})
	read := model.MustNewExec(b, store, func(_ *model.Scope, in []*Node) []*Node { return []*Node{m.read(in[0])} })
	like, held := tensors.FromShape(shapes.Make(dtypes.Float32, size/128, 128)), make([]float32, size)
	for n := range steps {
		write.MustCall(tensors.FromFlatDataAndDimensions(at(n, held), size/128, 128), momentOffset(n))
		held = tensors.MustCopyFlatData[float32](read.MustCall(like)[0])
	}
	return held
}

// A moment in 8 bits is a code next to the value, over seven orders of magnitude in a block; the largest value of a
// block and 0 are exact.
func TestMomentsAreKept(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 16*momentBlock) // its last block is 0
	for i := range len(x) - momentBlock {
		x[i] = float32(math.Pow(10, -7*r.Float64()-float64(i/momentBlock)/2) * float64(1-2*(i%2)))
	}
	x[0], x[1], x[2] = 1, 0, -0x1p-140
	for kind, code := range map[string]func(share float64) float64{
		"first":  func(share float64) float64 { return 127 * math.Copysign(math.Pow(math.Abs(share), 1./4), share) },
		"second": func(share float64) float64 { return 255 * math.Pow(share, 1./8) },
	} {
		input := slices.Clone(x)
		if kind == "second" {
			for i, v := range x {
				input[i] = v * v
			}
		}
		got := kept(t, kind, 1, func(int, []float32) []float32 { return input }, len(input))
		for from := 0; from < len(x); from += momentBlock {
			largest := float64(0)
			for _, v := range input[from : from+momentBlock] {
				largest = max(largest, math.Abs(float64(v)))
			}
			for i := from; i < from+momentBlock; i++ {
				want, g := float64(input[i]), float64(got[i])
				if math.Abs(want) == largest && g != want || want == 0 && g != 0 {
					t.Errorf("%s[%d]: %g is kept as %g", kind, i, want, g)
				}
				if largest == 0 {
					continue
				}
				if d := math.Abs(code(g/largest) - code(want/largest)); d > 1.001 {
					t.Fatalf("%s[%d]: %g is kept as %g, %g codes away", kind, i, want, g, d)
				}
			}
		}
	}
}

// Averages in 8 bits stay those in float32 over a thousand steps, though a step changes them by less than half a code:
// of gradients that are one size, spread over two decades, or gone after a while. Each is off by chance as its
// gradients are rounded, so medians are compared.
func TestMomentsDoNotFreeze(t *testing.T) {
	const size, steps = 16 * momentBlock, 1000
	for name, gradient := range map[string]func(r *rand.Rand, n, i int) float64{
		"one size": func(r *rand.Rand, _, _ int) float64 { return r.NormFloat64() },
		"spread":   func(r *rand.Rand, _, i int) float64 { return r.NormFloat64() * math.Pow(10, -2*float64(i%7)/6) },
		"gone": func(r *rand.Rand, n, i int) float64 {
			if n > 50 && i%2 == 0 {
				return 0
			}
			return r.NormFloat64()
		},
	} {
		r, exact := rand.New(rand.NewPCG(3, 4)), make([]float64, size)
		got := kept(t, "second", steps, func(n int, before []float32) []float32 {
			next := make([]float32, size)
			for i := range next {
				g := gradient(r, n, i)
				exact[i] = 0.999*exact[i] + 0.001*g*g
				next[i] = 0.999*before[i] + 0.001*float32(g*g)
			}
			return next
		}, size)
		ratios := make([]float64, size)
		for i, v := range got {
			ratios[i] = math.Sqrt(float64(v) / exact[i])
		}
		slices.Sort(ratios)
		if median := ratios[size/2]; math.Abs(median-1) > 0.03 || ratios[size/20] < 0.8 || ratios[size-size/20] > 1.2 {
			t.Errorf("%s: the second moment's root is %.3f of the one in float32 (median; of nine in ten %.3f to %.3f)", name,
				median, ratios[size/20], ratios[size-size/20])
		}
	}
}

// A training with moments in 8 bits learns what one in float32 does, in less memory, and resumes bit for bit.
func TestTrainingWithMomentsIn8Bit(t *testing.T) {
	b := openBackend(t)
	pairs, s := randomPairs(16, million.VocabSize, 5), DefaultSettings()
	s.Objective, s.LR, s.BatchPairs, s.Epochs, s.Warmup, s.Schedule = "sft", 1e-3, 4, 2, 0, "constant_with_warmup"
	train := func(moments string, h Hooks) ([]Step, []float32, error) {
		m := transformer.Init(million, 3)
		s.Moments = moments
		steps, err := Train(context.Background(), b, m, pairs, nil, nil, s, h)
		if err != nil {
			return nil, nil, err
		}
		return steps, weightsOf(t, m), nil
	}
	plain, _, err := train("", Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	steps, weights, err := train("8bit", Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	fallen := plain[0].Loss - plain[len(plain)-1].Loss
	near(t, "last loss", steps[len(steps)-1].Loss, plain[len(plain)-1].Loss, 0.02*fallen)
	if cmp.Equal(plain, steps) {
		t.Error("the moments are held as in float32")
	}

	h := Hooks{CheckpointDir: filepath.Join(t.TempDir(), "state"), CheckpointEvery: 2}
	h.OnStep = func(s Step) error {
		if s.Step == 5 {
			return errKilled
		}
		return nil
	}
	if _, _, err := train("8bit", h); !errors.Is(err, errKilled) {
		t.Fatalf("the error is %v, want %v", err, errKilled)
	}
	h.OnStep = nil
	if _, _, err := train("", h); err == nil {
		t.Error("a state with moments in 8 bits is taken by a training in float32")
	}
	resumed, resumedWeights, err := train("8bit", h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(steps, resumed); diff != "" || !slices.Equal(weights, resumedWeights) {
		t.Errorf("resumed, the training differs (-straight +resumed):\n%s", diff)
	}

	memory := map[string]int{}
	for _, s.Moments = range []string{"", "8bit"} {
		tr, err := newTrainer(b, transformer.Init(million, 3), s)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		d, _, err := tr.demand(nil)
		if err != nil {
			t.Fatal(err)
		}
		memory[s.Moments] = d.optimizer
	}
	if share := float64(memory["8bit"]) / float64(memory[""]); share > 0.52 { // (4+1+1)/12 and scales
		t.Errorf("gradients and moments take %.2f of what they do in float32", share)
	}
}
