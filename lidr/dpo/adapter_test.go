package dpo

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/transformer"
)

// adapted returns the model with a new adapter on all its projections.
func adapted(t *testing.T, base *transformer.Model, seed int64) *transformer.Model {
	t.Helper()
	a, err := transformer.InitAdapter(base.Config, 4, 8, base.Config.AdapterTargets(), seed)
	if err != nil {
		t.Fatal(err)
	}
	m, err := base.WithAdapter(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestTrainAdapter: the model below is the reference, so DPO's loss begins at ln 2; every part of the adapter learns;
// the model below keeps its weights and its log-probabilities to the bit. The same holds for weights held as bfloat16,
// multiplied in float32 and in bfloat16, and for layers that are computed again in the backward pass.
func TestTrainAdapter(t *testing.T) {
	b, pairs, s := openBackend(t), randomPairs(20, tiny.VocabSize, 1), testSettings()
	s.LR, s.Replay, s.Epochs = 1e-2, 0, 6
	for name, load := range map[string]func(*checkpoint.Checkpoint) (*transformer.Model, error){
		"float32":  transformer.New,
		"bfloat16": func(ck *checkpoint.Checkpoint) (*transformer.Model, error) { return transformer.NewBFloat16(ck, b) },
		"products": func(ck *checkpoint.Checkpoint) (*transformer.Model, error) {
			m, err := transformer.NewBFloat16(ck, b)
			m.Quantization = transformer.InBFloat16
			return m, err
		},
	} {
		ck, err := transformer.Init(tiny, 1).Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		base, err := load(ck)
		if err != nil {
			t.Fatal(err)
		}
		weights, ref := weightsOf(t, base), reference(t, b, base, pairs, s)
		m := adapted(t, base, 1)
		m.Checkpointing = name == "bfloat16"
		before, err := m.Adapter()
		if err != nil {
			t.Fatal(err)
		}
		steps, err := Train(context.Background(), b, m, pairs, ref, nil, s, Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		first, last := steps[0], steps[len(steps)-1]
		near(t, name+": first DPO loss", first.DPO, math.Ln2, 1e-4)
		if last.Loss > 0.95*first.Loss || last.RewardsAccuracies < 0.75 {
			t.Errorf("%s: nothing was learned: first %+v, last %+v", name, first, last)
		}
		after, err := m.Adapter()
		if err != nil {
			t.Fatal(err)
		}
		for i, tensor := range after.Tensors {
			if slices.Equal(lidrtest.Values(t, tensor), lidrtest.Values(t, before.Tensors[i])) {
				t.Errorf("%s: %s was not trained", name, tensor.Name)
			}
		}
		if !reflect.DeepEqual(weights, weightsOf(t, base)) || !reflect.DeepEqual(ref, reference(t, b, base, pairs, s)) {
			t.Errorf("%s: training the adapter changed the model below", name)
		}
		if name == "bfloat16" {
			_, err := Train(context.Background(), b, base, pairs, ref, nil, s, Hooks{})
			if err == nil || !strings.Contains(err.Error(), "too coarse") {
				t.Errorf("training coarse weights gives error %v", err)
			}
		}
	}
}

// TestAdapterResumes is TestResume for an adapter. The state holds only the adapter and its moments.
func TestAdapterResumes(t *testing.T) {
	b, s := openBackend(t), testSettings()
	pairs, replay := randomPairs(20, tiny.VocabSize, 1), randomPairs(4, tiny.VocabSize, 9)
	base := transformer.Init(tiny, 1)
	ref := reference(t, b, base, pairs, s)
	train := func(m *transformer.Model, h Hooks) ([]Step, *checkpoint.Adapter, error) {
		steps, err := Train(context.Background(), b, m, pairs, ref, replay, s, h)
		if err != nil {
			return nil, nil, err
		}
		a, err := m.Adapter()
		return steps, a, err
	}
	want, straight, err := train(adapted(t, base, 1), Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	h := Hooks{CheckpointDir: filepath.Join(t.TempDir(), "state"), CheckpointEvery: 2}
	h.OnStep = func(s Step) error {
		if s.Step == 5 {
			return errKilled
		}
		return nil
	}
	if _, _, err := train(adapted(t, base, 1), h); !errors.Is(err, errKilled) {
		t.Fatalf("the error is %v, want %v", err, errKilled)
	}
	h.OnStep = nil
	if _, _, err := train(adapted(t, base, 2), h); err == nil || !strings.Contains(err.Error(), "another training") {
		t.Errorf("a state of another adapter gives error %v", err)
	}
	got, resumed, err := train(adapted(t, base, 1), h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps differ (-straight +resumed):\n%s", diff)
	}
	for i, tensor := range straight.Tensors {
		if !slices.Equal(lidrtest.Values(t, tensor), lidrtest.Values(t, resumed.Tensors[i])) {
			t.Errorf("%s differs after the training was resumed", tensor.Name)
		}
	}
}
