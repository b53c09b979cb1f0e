package dpo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/transformer"
)

// testSettings trains the tiny model visibly in a few steps, with everything on that can be.
func testSettings() Settings {
	s := DefaultSettings()
	s.LR, s.WeightDecay, s.BatchPairs, s.MicroBatch, s.Replay, s.Epochs = 3e-3, 0.1, 8, 3, 3, 2
	s.Warmup = 0
	return s
}

func reference(t testing.TB, b compute.Backend, m *transformer.Model, pairs []Pair, s Settings) [][2]float64 {
	t.Helper()
	ref := make([][2]float64, len(pairs))
	undone := func(int) bool { return false }
	err := Reference(context.Background(), b, m, pairs, s, undone, func(idx []int, chosen, rejected []float64) error {
		for place, i := range idx {
			ref[i] = [2]float64{chosen[place], rejected[place]}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// weightsOf returns all weights, in the order of their names.
func weightsOf(t testing.TB, m *transformer.Model) (all []float32) {
	t.Helper()
	ck, err := m.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range ck.Tensors {
		all = append(all, lidrtest.Values(t, tensor)...)
	}
	return all
}

// TestTrainLearns: the loss falls, chosen rises above rejected, and the store holds nothing but weights afterwards.
func TestTrainLearns(t *testing.T) {
	b, m := openBackend(t), transformer.Init(tiny, 1)
	variables := m.Store.NumVariables()
	pairs, replay, s := randomPairs(20, tiny.VocabSize, 1), randomPairs(4, tiny.VocabSize, 9), testSettings()
	s.Epochs = 6
	steps, err := Train(context.Background(), b, m, pairs, reference(t, b, m, pairs, s), replay, s, Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	first, last := steps[0], steps[len(steps)-1]
	if len(steps) != 18 || last.Step != 18 {
		t.Fatalf("%d steps, the last is number %d, want 18", len(steps), last.Step)
	}
	near(t, "first DPO loss", first.DPO, math.Ln2, 1e-4)
	near(t, "first loss", first.Loss, first.DPO+s.Alpha*(first.NLL+first.Replay), 1e-9)
	// These values were computed by this code: a change that alters them needs a reason.
	for n, want := range map[int]float64{1: 8.47430, 2: 8.39578, 3: 7.28445, 6: 7.05853, 9: 6.38287, 18: 6.21127} {
		near(t, fmt.Sprintf("loss of step %d", n), steps[n-1].Loss, want, 2e-3*want)
	}
	if last.Loss > 0.9*first.Loss || last.RewardsMargins < 0.1 || last.RewardsAccuracies < 0.75 || last.RewardsChosen < 0 {
		t.Errorf("nothing was learned: first %+v, last %+v", first, last)
	}
	if got := m.Store.NumVariables(); got != variables {
		t.Errorf("the store holds %d variables after training, %d before", got, variables)
	}
}

// TestEquivalentTrainings: settings that change only how a step is computed change its numbers by rounding only.
func TestEquivalentTrainings(t *testing.T) {
	b := openBackend(t)
	pairs, replay := randomPairs(20, tiny.VocabSize, 1), randomPairs(4, tiny.VocabSize, 9)
	train := func(micro int, nll string) ([]Step, []float32) {
		m, s := transformer.Init(tiny, 1), testSettings()
		s.MicroBatch, s.NLL = micro, nll
		steps, err := Train(context.Background(), b, m, pairs, reference(t, b, m, pairs, s), replay, s, Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		return steps, weightsOf(t, m)
	}
	for _, nll := range []string{"sequence", "token"} {
		whole, weights := train(0, nll)
		for _, micro := range []int{1, 3} {
			parts, partWeights := train(micro, nll)
			for i := range whole {
				near(t, "loss in parts", parts[i].Loss, whole[i].Loss, 2e-4)
				near(t, "gradient norm in parts", parts[i].GradNorm, whole[i].GradNorm, 2e-3*whole[i].GradNorm)
			}
			for i := range weights {
				if d := math.Abs(float64(weights[i] - partWeights[i])); d > 1e-3 {
					t.Fatalf("micro-batch %d: weight %d differs by %g", micro, i, d)
				}
			}
		}
	}
}

var errKilled = errors.New("killed")

// TestResume kills trainings at each of two places and compares with one that was never interrupted, bit for bit.
func TestResume(t *testing.T) {
	b := openBackend(t)
	pairs, replay, s := randomPairs(20, tiny.VocabSize, 1), randomPairs(4, tiny.VocabSize, 9), testSettings()
	ref := reference(t, b, transformer.Init(tiny, 1), pairs, s)
	next := func(step int) []Weighted {
		var batch []Weighted
		for _, p := range randomPairs(5, tiny.VocabSize, uint64(step)) {
			w := Weighted{Tokens: append(p.Prompt, p.Chosen...)}
			for i := range len(w.Tokens) - 1 {
				w.Weights = append(w.Weights, float32(i%3)/2)
			}
			batch = append(batch, w)
		}
		return batch
	}
	for name, train := range map[string]func(*transformer.Model, Hooks) ([]Step, error){
		"train": func(m *transformer.Model, h Hooks) ([]Step, error) {
			return Train(context.Background(), b, m, pairs, ref, replay, s, h)
		},
		"pretrain": func(m *transformer.Model, h Hooks) ([]Step, error) {
			return Pretrain(context.Background(), b, m, next, 6, s, h)
		},
	} {
		straight := transformer.Init(tiny, 1)
		want, err := train(straight, Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		for _, kill := range []int{1, 5} { // before the first checkpoint, and one step after the second
			h := Hooks{CheckpointDir: filepath.Join(t.TempDir(), "state"), CheckpointEvery: 2}
			h.OnStep = func(s Step) error {
				if s.Step == kill {
					return errKilled
				}
				return nil
			}
			if _, err := train(transformer.Init(tiny, 1), h); !errors.Is(err, errKilled) {
				t.Fatalf("%s: the error is %v, want %v", name, err, errKilled)
			}
			var redone []Step
			h.OnStep = func(s Step) error { redone = append(redone, s); return nil }
			resumed := transformer.Init(tiny, 1)
			got, err := train(resumed, h)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s killed at %d: steps differ (-straight +resumed):\n%s", name, kill, diff)
			}
			if diff := cmp.Diff(want[kill/2*2:], redone); diff != "" {
				t.Errorf("%s killed at %d: reported steps differ (-want +got):\n%s", name, kill, diff)
			}
			if !reflect.DeepEqual(weightsOf(t, straight), weightsOf(t, resumed)) {
				t.Errorf("%s killed at %d: the weights differ", name, kill)
			}
			if _, err := train(transformer.Init(tiny, 2), h); err == nil || !strings.Contains(err.Error(), "another training") {
				t.Errorf("%s: a state of other starting weights gives error %v", name, err)
			}
		}
	}
}

// TestReferenceResumes: pairs that are computed in a second call get the same numbers as in one call, whatever the
// settings' batch size.
func TestReferenceResumes(t *testing.T) {
	b, m := openBackend(t), transformer.Init(tiny, 1)
	pairs, s := randomPairs(150, tiny.VocabSize, 1), testSettings()
	if n := len(lengthBatches(pairs)); n < 2 {
		t.Fatalf("%d batches, the test needs more", n)
	}
	want := reference(t, b, m, pairs, s)
	s.BatchPairs, s.MicroBatch = 5, 1
	saved := 0
	done := func(i int) bool { return i%2 == 0 || i > 99 }
	err := Reference(context.Background(), b, m, pairs, s, done, func(idx []int, chosen, rejected []float64) error {
		for place, i := range idx {
			saved++
			if i%2 == 0 || want[i] != [2]float64{chosen[place], rejected[place]} {
				t.Errorf("pair %d: got %v, want %v", i, [2]float64{chosen[place], rejected[place]}, want[i])
			}
		}
		return nil
	})
	if err != nil || saved != 50 {
		t.Errorf("saved %d with error %v, want 50 and none", saved, err)
	}
}

func TestErrors(t *testing.T) {
	b, m, ctx := openBackend(t), transformer.Init(tiny, 1), context.Background()
	good := randomPairs(3, tiny.VocabSize, 1)
	with := func(i int, p Pair) []Pair {
		pairs := append([]Pair{}, good...)
		pairs[i] = p
		return pairs
	}
	sft := DefaultSettings()
	sft.Objective = "sft"
	zero := func(int) []Weighted { return []Weighted{{[]int32{1, 2}, []float32{0}}} }
	broken := transformer.Init(tiny, 1)
	value := broken.Store.GetVariable("model.norm.weight").MustValue()
	value.MustMutableFlatData(func(flat any) { flat.([]float32)[0] = float32(math.NaN()) })

	run := func(pairs []Pair, s Settings) error {
		_, err := Train(ctx, b, m, pairs, make([][2]float64, len(pairs)), nil, s, Hooks{})
		return err
	}
	hooked := func(h Hooks) error { return second(Train(ctx, b, m, good, nil, nil, sft, h)) }
	undone := func(int) bool { return false }
	for want, err := range map[string]error{
		"the list of pairs is empty":                run(nil, sft),
		"pair 1: the prompt is empty":               run(with(1, Pair{nil, []int32{2}, []int32{2}}), sft),
		"pair 2: the chosen response is empty":      run(with(2, Pair{[]int32{1}, nil, []int32{2}}), sft),
		"pair 0: the rejected response is empty":    run(with(0, Pair{[]int32{1}, []int32{2}, nil}), DefaultSettings()),
		"pair 1 has 70 tokens, expected at most 64": run(with(1, Pair{make([]int32, 69), []int32{2}, nil}), sft),
		"pair 2: token id 29, expected 0 to 28":     run(with(2, Pair{[]int32{1}, []int32{29}, nil}), sft),
		"compute the reference anew":                run(good, DefaultSettings()),
		`field objective is "ppo"`:                  run(good, Settings{Objective: "ppo"}),
		"0 reference log-probabilities for 3 pairs": second(Train(ctx, b, m, good, nil, nil, DefaultSettings(), Hooks{})),
		"step 1: every weight is 0, so all labels":  second(Pretrain(ctx, b, m, zero, 1, sft, Hooks{})),
		"the loss is NaN at step 1":                 second(Train(ctx, b, broken, good, nil, nil, sft, Hooks{})),
		"reference log-probabilities NaN and NaN":   Reference(ctx, b, broken, good, sft, undone, nil),
		"every 5 steps in folder \"\": expected":    hooked(Hooks{CheckpointEvery: 5}),
		"delete it to train from the start":         hooked(Hooks{CheckpointDir: torn(t)}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}

func second(_ []Step, err error) error { return err }

// torn returns a folder whose state ends in mid-file.
func torn(t *testing.T) string {
	dir := t.TempDir()
	const header = "\x10\x00\x00\x00\x00\x00\x00\x00{\"a" // 3 bytes of a header of 16
	if err := os.WriteFile(filepath.Join(dir, StateFile), []byte(header), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}
