package lidr

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/transformer"
)

// peerCase is a training that another program repeats.
type peerCase struct {
	micro  int // pairs of a pass of the other program, which accumulates the rest of a step's
	change func(*TrainSettings)
}

func peerCases(environment string) map[string]peerCase {
	set := func(objective, nll, schedule string, final float64, rank int) func(*TrainSettings) {
		return func(s *TrainSettings) {
			s.Objective, s.NLL, s.Schedule, s.FinalLR = objective, nll, schedule, final
			if rank > 0 {
				s.LoRA, s.LR = LoRASettings{Rank: rank, Alpha: 2 * float64(rank)}, 1e-3
			}
		}
	}
	cases := map[string]peerCase{
		"dpo":  {2, set("dpo", "token", "cosine", 0, 0)},
		"lora": {1, set("dpo+nll", "sequence", "linear", 0, 8)},
		"sft":  {2, set("sft", "token", "cosine_with_min_lr", 0.2, 0)},
		"cut": {1, func(s *TrainSettings) {
			s.Objective, s.Schedule, s.FinalLR, s.MaxLength, s.Cut = "dpo", "linear", 0, 96, "trl"
			if environment == "llama-factory" {
				s.Cut = "llama-factory"
			}
		}},
	}
	if environment == "llama-factory" {
		cases["dpo+nll"] = peerCase{2, set("dpo+nll", "sequence", "polynomial", 0.1, 0)}
	} else {
		cases["dpo+nll"] = peerCase{1, set("dpo+nll", "sequence", "polynomial", 0.1, 0)}
		cases["dpo+nll per token"] = peerCase{4, set("dpo+nll", "token", "constant_with_warmup", 0, 0)}
	}
	return cases
}

// peerFixture is what a program logged of a case, with some of the weights that it came to.
type peerFixture struct {
	Version string
	Steps   []map[string]float64
	Moved   map[string][]float32 // by tensor, trained minus initial, of movedAt
}

// movedAt returns which numbers of a tensor a fixture holds.
func movedAt(n int) []int {
	var at []int
	for i := range 6 {
		at = append(at, (i*2+1)*n/12)
	}
	return at
}

// peerPairs are 16 pairs of the miniature world in three languages, right over another problem's solution, one with
// equal sides and one whose rejected side is far longer.
func peerPairs() []Pair {
	problems, rows := miniature.Problems("prompts", 16, 23), []Pair{}
	for i, p := range problems {
		lang := []string{"en", "de", "ru"}[i%3]
		rows = append(rows, Pair{ID: p.ID, Lang: lang, Prompt: p.Prompt(lang), Chosen: p.Answer(lang),
			Rejected: problems[(i+1)%len(problems)].Answer(lang)})
	}
	rows[3].Rejected = rows[3].Chosen
	rows[8].Rejected = strings.Repeat(rows[8].Rejected+"\n", 3)
	return rows
}

func (c peerCase) settings() Settings {
	s := MiniatureSettings()
	s.Train.BatchPairs, s.Train.Epochs, s.Train.Warmup, s.Train.LR = 4, 1, 0.25, 3e-4
	c.change(&s.Train)
	return s
}

// train trains M0 on the pairs. It returns the steps and, by tensor, the weights before and after.
func (c peerCase) train(t *testing.T, m *Model) (steps []dpo.Step, initial, trained []checkpoint.Tensor) {
	t.Helper()
	s := c.settings()
	pairs, err := TokenPairs(m, s, peerPairs())
	if err != nil {
		t.Fatal(err)
	}
	weights, err := policy(m, m.weights, s.Train)
	if err != nil {
		t.Fatal(err)
	}
	initial = tensorsOf(t, weights)
	reference := make([][2]float64, len(pairs))
	none := func(int) bool { return false }
	err = dpo.Reference(context.Background(), m.engine, m.weights, pairs, s.Train.Settings, none,
		func(idx []int, chosen, rejected []float64) error {
			for k, i := range idx {
				reference[i] = [2]float64{chosen[k], rejected[k]}
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Objective == "sft" {
		reference = nil
	}
	steps, err = dpo.Train(context.Background(), m.engine, weights, pairs, reference, nil, s.Train.Settings, dpo.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return steps, initial, tensorsOf(t, weights)
}

// tensorsOf returns copies of the tensors that are trained: the adapter's, or all.
func tensorsOf(t *testing.T, m *transformer.Model) []checkpoint.Tensor {
	t.Helper()
	adapter, err := m.Adapter()
	if err != nil {
		t.Fatal(err)
	}
	var tensors []checkpoint.Tensor
	if adapter != nil {
		tensors = adapter.Tensors
	} else {
		ck, err := m.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		tensors = ck.Tensors
	}
	out := make([]checkpoint.Tensor, len(tensors))
	for i, w := range tensors {
		out[i] = checkpoint.NewTensor(w.Name, w.Shape, slices.Clone(lidrtest.Values(t, w)))
	}
	return out
}

// compareSteps returns the largest difference of any number of any step, relative to the number's size or to 1, and the
// learning rate's relative to the highest. Before anything is learned, rewards are rounding: which of two is larger
// says nothing.
func compareSteps(t *testing.T, steps []dpo.Step, theirs []map[string]float64) (worst float64, where string) {
	t.Helper()
	if len(steps) != len(theirs) {
		t.Fatalf("%d steps, and %d of theirs", len(steps), len(theirs))
	}
	for i, step := range steps {
		ours := map[string]float64{
			"loss": step.Loss, "grad_norm": step.GradNorm, "learning_rate": step.LR, "rewards/chosen": step.RewardsChosen,
			"rewards/rejected": step.RewardsRejected, "rewards/margins": step.RewardsMargins,
			"rewards/accuracies": step.RewardsAccuracies, "logps/chosen": step.LogpsChosen,
			"logps/rejected": step.LogpsRejected,
		}
		for name, want := range theirs[i] {
			off := math.Abs(ours[name]-want) / max(1, math.Abs(want))
			if name == "learning_rate" {
				off = math.Abs(ours[name]-want) / steps[1].LR
			}
			if name == "rewards/accuracies" && math.Abs(step.RewardsMargins) < 1e-5 {
				continue
			}
			if off >= worst {
				worst, where = off, fmt.Sprintf("%s of step %d is %.7g, theirs %.7g", name, i+1, ours[name], want)
			}
		}
	}
	return worst, where
}

// The fixtures are what TRL and LLaMA-Factory computed from the same pairs in the same order with the same settings, in
// float32: bin/peers/trajectory-….json of TestPeersTrajectory.
func TestTrajectoriesOfPeers(t *testing.T) {
	m, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	for _, environment := range []string{"training", "llama-factory"} {
		data, err := os.ReadFile("testdata/peers/trajectory-" + environment + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var fixtures map[string]peerFixture
		if err := json.Unmarshal(data, &fixtures); err != nil {
			t.Fatal(err)
		}
		for name, c := range peerCases(environment) {
			steps, initial, trained := c.train(t, m)
			worst, where := compareSteps(t, steps, fixtures[name].Steps)
			var off, moved float64
			for i, w := range trained {
				want, ok := fixtures[name].Moved[w.Name]
				if !ok {
					continue
				}
				for k, at := range movedAt(w.Len()) {
					d := lidrtest.Values(t, w)[at] - lidrtest.Values(t, initial[i])[at]
					off += math.Pow(float64(d-want[k]), 2)
					moved += math.Pow(float64(want[k]), 2)
				}
			}
			off = math.Sqrt(off / moved)
			t.Logf("%s, %s: steps within %.1e, weights within %.1e of their movement", environment, name, worst, off)
			if !(worst < 1e-4) || !(off < 1e-3) {
				t.Errorf("%s, %s: %s; weights differ by %.1e of their movement", environment, name, where, off)
			}
		}
	}
}
