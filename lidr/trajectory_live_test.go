package lidr

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
)

// write writes a case for testdata/peers/trajectory.py, its pairs in the order of our batches.
func (c peerCase) write(t *testing.T, m *Model, dir string) {
	t.Helper()
	s, rows := c.settings(), peerPairs()
	tokens, err := TokenPairs(m, s, rows)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []map[string]any
	for _, i := range slices.Concat(s.Train.Batches(tokens, 0)...) {
		messages, err := s.Generate.Messages(rows[i].Prompt, rows[i].Lang)
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, map[string]any{
			"prompt": messages, "chosen": rows[i].Chosen, "rejected": rows[i].Rejected,
		})
	}
	x := s.Train
	arguments := map[string]any{
		"per_device_train_batch_size": c.micro, "gradient_accumulation_steps": x.BatchPairs / c.micro,
		"num_train_epochs": x.Epochs, "learning_rate": x.LR, "lr_scheduler_type": x.Scheduler(),
		"warmup_steps": 1, "weight_decay": 0, "adam_beta1": x.AdamBeta1, "adam_beta2": x.AdamBeta2,
		"adam_epsilon": x.AdamEps, "max_grad_norm": x.ClipNorm,
	}
	switch x.Scheduler() {
	case "polynomial":
		arguments["lr_scheduler_kwargs"] = map[string]any{"lr_end": x.FinalLR * x.LR, "power": 1.0}
	case "cosine_with_min_lr":
		arguments["lr_scheduler_kwargs"] = map[string]any{"min_lr_rate": x.FinalLR}
	}
	data, err := json.Marshal(map[string]any{
		"pairs": pairs, "arguments": arguments, "objective": x.Objective, "alpha": x.Alpha, "beta": x.Beta,
		"max_length": x.MaxLength,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "case.json"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	weights, err := policy(m, m.weights, x)
	if err != nil {
		t.Fatal(err)
	}
	if err := saveAdapter(filepath.Join(dir, "adapter"), weights, m); err != nil {
		t.Fatal(err)
	}
}

// theirTensors reads what a case came to: an adapter in PEFT's form, or a model.
func (c peerCase) theirTensors(t *testing.T, dir string, config checkpoint.Config) map[string][]float32 {
	t.Helper()
	var tensors []checkpoint.Tensor
	if c.settings().Train.LoRA.Rank > 0 {
		adapter, err := checkpoint.LoadAdapter(os.DirFS(dir), config)
		if err != nil {
			t.Fatal(err)
		}
		tensors = adapter.Tensors
	} else {
		ck, err := checkpoint.Load(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		tensors = ck.Tensors
	}
	out := map[string][]float32{}
	for _, w := range tensors {
		out[w.Name] = lidrtest.Values(t, w)
	}
	return out
}

// The same pairs in the same order with the same settings give what TRL and LLaMA-Factory log, and their weights.
func TestPeersTrajectory(t *testing.T) {
	for environment, program := range map[string]string{"training": "trl", "llama-factory": "llamafactory"} {
		t.Run(program, func(t *testing.T) { comparePeer(t, environment, program) })
	}
}

func comparePeer(t *testing.T, environment, program string) {
	peer := lidrtest.OpenPeer(t, environment, program)
	m, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	dir, cases := t.TempDir(), peerCases(environment)
	if err := os.CopyFS(filepath.Join(dir, "m0"), miniature.M0()); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(cases))
	for _, name := range names {
		cases[name].write(t, m, filepath.Join(dir, name))
	}
	var logs map[string][]map[string]float64
	out := peer.Run(t, "testdata/peers/trajectory.py", append([]string{dir}, names...)...)
	if err := json.Unmarshal(out, &logs); err != nil {
		t.Fatal(err)
	}
	var fixtures []string
	for _, name := range names {
		c := cases[name]
		steps, initial, trained := c.train(t, m)
		worst, where := compareSteps(t, steps, logs[name])
		t.Logf("%s: %s", name, where)
		peer.Within(t, name+": loss, rewards, log-probabilities, gradient norm, learning rate of each step", worst, 1e-4)
		theirs := c.theirTensors(t, filepath.Join(dir, name, "out"), m.weights.Config)
		var off, moved float64
		sampled := map[string][]float32{}
		for i, w := range trained {
			ours, before, want := lidrtest.Values(t, w), lidrtest.Values(t, initial[i]), theirs[w.Name]
			if len(want) != len(ours) {
				t.Fatalf("%s: %s has %d numbers, expected %d", name, w.Name, len(want), len(ours))
			}
			for k := range ours {
				off += math.Pow(float64(ours[k]-want[k]), 2)
				moved += math.Pow(float64(want[k]-before[k]), 2)
			}
			if strings.Contains(w.Name, "layers.2.") {
				for _, at := range movedAt(len(ours)) {
					sampled[w.Name] = append(sampled[w.Name], want[at]-before[at])
				}
			}
		}
		peer.Within(t, name+": weights after the last step, of their movement", math.Sqrt(off/moved), 1e-3)
		line, err := json.Marshal(peerFixture{peer.Version, logs[name], sampled})
		if err != nil {
			t.Fatal(err)
		}
		fixtures = append(fixtures, fmt.Sprintf("%q: %s", name, line))
	}
	file := filepath.Join(os.Getenv("LIDR_PEERS"), "trajectory-"+environment+".json")
	if err := os.WriteFile(file, []byte("{\n"+strings.Join(fixtures, ",\n")+"\n}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
}
