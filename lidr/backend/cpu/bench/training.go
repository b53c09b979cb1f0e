//go:build linux

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/tokenizer"
)

//go:embed train/main.go
var trainProgram []byte

// job is a training: pairs a step, steps and settings of DPO+NLL.
type job struct {
	Model string      `json:"model"`
	Pairs []lidr.Pair `json:"pairs"`
	Rank  int         `json:"rank"`
	Batch int         `json:"batch"`
	Steps int         `json:"steps"`
	LR    float64     `json:"lr"`
	Beta  float64     `json:"beta"`
	Half  bool        `json:"half"` // products in bfloat16, and weights below an adapter
}

// newJob makes a job of pairs with sides of about 115 tokens for each repeat of ten.
func newJob(model string, rank, batch, steps, repeat int, lr float64) job {
	j := job{Model: model, Rank: rank, Batch: batch, Steps: steps, LR: lr, Beta: 0.1}
	for i := range batch * steps {
		j.Pairs = append(j.Pairs, lidr.Pair{
			ID: fmt.Sprint(i), Lang: "en", Source: "de>en",
			Prompt:   fmt.Sprintf("%d Anna has 3 apples and buys 4 more. How many apples does Anna have now?", i),
			Chosen:   strings.Repeat("3 + 4 = 7.\nAnna has 7 apples. Anna hat sieben Äpfel. ", repeat),
			Rejected: strings.Repeat("Anna hat jetzt 12 Äpfel. And she has nine. ", repeat),
		})
	}
	return j
}

// trained is what a training program prints.
type trained struct {
	Seconds, Tokens float64
	Margins         []float64
}

// training are the lines of training, each against TRL.
func (b *bench) training() []group {
	smol, qwen := b.model("smollm2", "f32", "135M"), b.model("qwen", "f32", "0.5B")
	half := func(j job) job { j.Half = true; return j }
	var groups []group
	for _, t := range []struct {
		name string
		job  job
	}{
		{"LoRA DPO 135M, rank 16, 4 steps of 4 pairs with references", newJob(smol, 16, 4, 4, 10, 1e-6)},
		{"full DPO 135M, 4 steps of 4 pairs with references", newJob(smol, 0, 4, 4, 10, 1e-6)},
		{"full DPO 135M, the same with margins above 40 nats", newJob(smol, 0, 4, 4, 10, 1e-4)},
		{"LoRA DPO 0.63B, rank 16, 2 steps of 4 pairs with references", newJob(qwen, 16, 4, 2, 10, 1e-6)},
		{"full DPO 135M, products in bf16", half(newJob(smol, 0, 4, 4, 10, 1e-6))},
		{"LoRA DPO 0.63B, weights and products in bf16", half(newJob(b.model("qwen", "bf16", "0.5B"), 16, 4, 2, 10, 1e-6))},
	} {
		groups = append(groups, group{
			lines: []line{{name: t.name, unit: "s", bound: func(outcome) float64 {
				limit, err := b.machine.training(t.job)
				if err != nil {
					b.note("the limit of %s is unknown: %v", t.name, err)
				}
				return limit
			}}},
			open: func() []side {
				sides := b.builds(func(name, command string) side {
					return side{name: name, measure: func(line) (outcome, error) { return b.train(name, command, t.job) }}
				})
				if python := b.python("training"); python != "" {
					sides = append(sides, side{name: trl, measure: func(l line) (outcome, error) {
						var got trained
						memory, err := b.runPeer(&got, python, "trl_dpo.py", t.job)
						b.noteMargins(l.name, trl, got)
						return outcome{value: got.Seconds, memory: memory}, err
					}})
				}
				return sides
			},
		})
	}
	return groups
}

// training is the least time for the products of a training, in seconds: two operations a weight and token forward for
// policy and reference, two for the gradients of activations, two more for those of weights that are trained. A prompt
// is computed once for both sides, and logits only where a token counts. Attention is not counted.
func (m machine) training(j job) (float64, error) {
	s, err := readShape(j.Model)
	if err != nil {
		return 0, err
	}
	t, err := tokenizer.Load(os.DirFS(j.Model))
	if err != nil {
		return 0, err
	}
	positions, counted := 0, 0
	for _, p := range j.Pairs {
		prompt, err := t.EncodeChat([]tokenizer.Message{{Role: "user", Content: p.Prompt}}, true, "")
		if err != nil {
			return 0, err
		}
		responses := len(t.EncodeResponse(p.Chosen)) + len(t.EncodeResponse(p.Rejected)) + 2
		positions, counted = positions+len(prompt)+responses, counted+responses
	}
	passes := 8.0
	if j.Rank > 0 {
		passes = 6
	}
	return passes * (s.body*float64(positions) + s.head*float64(counted)) / m.gflops / 1e9, nil
}

// train lets a build of lidr run the training program. Where the memory does not hold all activations, it trains again
// with checkpointing and says so.
func (b *bench) train(name, command string, j job) (outcome, error) {
	got, memory, err := b.runTraining(command, j, b.checkpointing[name+j.Model])
	if err != nil && !b.checkpointing[name+j.Model] {
		b.note("%s, %s: without checkpointing: %v", name, j.Model, err)
		b.checkpointing[name+j.Model] = true
		got, memory, err = b.runTraining(command, j, true)
	}
	b.noteMargins(j.Model, name, got)
	return outcome{value: got.Seconds, memory: memory}, err
}

func (b *bench) runTraining(command string, j job, checkpointing bool) (got trained, memory float64, err error) {
	dir, err := os.MkdirTemp("", "bench-train")
	if err != nil {
		return got, 0, err
	}
	defer os.RemoveAll(dir)
	pairs, err := json.Marshal(j.Pairs)
	if err != nil {
		return got, 0, err
	}
	file, program := filepath.Join(dir, "pairs.json"), filepath.Join(dir, "train.go")
	if err := os.WriteFile(file, pairs, 0o644); err != nil {
		return got, 0, err
	}
	if err := os.WriteFile(program, trainProgram, 0o644); err != nil {
		return got, 0, err
	}
	args := []string{"run", "--memory", b.machine.room, "--read", j.Model, "--read", dir, program,
		"-dir", filepath.Join(dir, "run"), "-model", j.Model, "-pairs", file, "-rank", fmt.Sprint(j.Rank),
		"-batch", fmt.Sprint(j.Batch), "-lr", fmt.Sprint(j.LR), "-beta", fmt.Sprint(j.Beta),
		fmt.Sprintf("-checkpointing=%t", checkpointing), fmt.Sprintf("-half=%t", j.Half)}
	cmd := exec.Command(command, args...)
	memory, err = runJSON(&got, cmd)
	return got, memory, err
}

// noteMargins says what margins a saturated training reached.
func (b *bench) noteMargins(work, side string, got trained) {
	if n := len(got.Margins); n > 0 && got.Margins[n-1] > 40 {
		b.note("%s, %s: margins of %.0f nats in the last step", work, side, got.Margins[n-1])
	}
}
