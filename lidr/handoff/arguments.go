package handoff

import (
	"cmp"
	"fmt"
	"path/filepath"
)

// checkpoints is how many checkpoints a short training leaves on its way, and longest the steps between two of a long
// one: what a kill costs.
const (
	checkpoints = 5
	longest     = 100
)

// arguments returns the settings that both programs take over from Transformers' TrainingArguments.
func (j *job) arguments() []yamlRow {
	s, t := j.run.Settings.Train, j.trainer
	batch := fmt.Sprintf("%d pairs a step on %d × %d GPUs", s.BatchPairs, t.Nodes, t.GPUs)
	if t.GPUs == 0 {
		batch = fmt.Sprintf("%d pairs a step on the CPU", s.BatchPairs)
	}
	rows := []yamlRow{
		{"per_device_train_batch_size", t.PerDevice, ""},
		{"gradient_accumulation_steps", j.accumulation, batch},
		{"num_train_epochs", s.Epochs, fmt.Sprintf("%d steps in all", j.steps)},
		{"learning_rate", s.LR, ""},
	}
	rows = append(rows, j.schedule()...)
	rows = append(rows, []yamlRow{
		{"weight_decay", s.WeightDecay, ""},
		{"adam_beta1", s.AdamBeta1, ""},
		{"adam_beta2", s.AdamBeta2, ""},
		{"adam_epsilon", s.AdamEps, ""},
		{"max_grad_norm", s.ClipNorm, ""},
		{"seed", s.Seed, ""},
		{"bf16", t.GPUs > 0, ""},
	}...)
	if t.GPUs == 0 {
		rows = append(rows, yamlRow{"use_cpu", true, ""})
	}
	rows = append(rows, []yamlRow{
		{"logging_steps", 1, ""},
		{"save_steps", min((j.steps+checkpoints-1)/checkpoints, longest), ""},
		{"save_total_limit", 1, ""},
		{"report_to", cmp.Or(t.ReportTo, "none"), ""},
	}...)
	if t.ReportTo != "" {
		rows = append(rows, yamlRow{"run_name", filepath.Base(j.run.Dir) + "/" + j.next, ""})
	}
	return append(rows, []yamlRow{
		{"ddp_timeout", 180000000, "seconds: tokenising all pairs takes longer than the default"},
	}...)
}

// schedule returns the course of the learning rate by its name and arguments in Transformers (optimization.py).
func (j *job) schedule() []yamlRow {
	s := j.run.Settings.Train
	name, arguments := s.Scheduler(), map[string]float64(nil)
	switch {
	case name == "polynomial" && s.FinalLR == 1: // which refuses no fall
		name = "constant_with_warmup"
	case name == "polynomial":
		arguments = map[string]float64{"lr_end": s.FinalLR * s.LR, "power": 1}
	case name == "cosine_with_min_lr":
		arguments = map[string]float64{"min_lr_rate": s.FinalLR}
	}
	rows := []yamlRow{{"lr_scheduler_type", name, ""}, {"warmup_steps", j.warmup(), ""}}
	if arguments != nil {
		rows = append(rows, yamlRow{"lr_scheduler_kwargs", arguments, fmt.Sprintf("ends at %g of it", s.FinalLR)})
	}
	return rows
}

// warmup returns the number of steps that the learning rate rises over.
func (j *job) warmup() int { return j.run.Settings.Train.WarmupSteps(j.steps) }
