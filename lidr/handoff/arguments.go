package handoff

import (
	"fmt"
	"math"
)

// arguments returns the settings that both programs take over from Transformers' TrainingArguments.
func (j *job) arguments() []yamlRow {
	s, t := j.run.Settings.Train, j.trainer
	schedule := s.Schedule
	warmup := int(math.Ceil(s.Warmup * float64(j.steps)))
	if schedule == "constant" && warmup > 0 {
		schedule = "constant_with_warmup"
	}
	batch := fmt.Sprintf("%d pairs a step on %d × %d GPUs", s.BatchPairs, t.Nodes, t.GPUs)
	return []yamlRow{
		{"per_device_train_batch_size", t.PerDevice, ""},
		{"gradient_accumulation_steps", j.accumulation, batch},
		{"num_train_epochs", s.Epochs, fmt.Sprintf("%d steps in all", j.steps)},
		{"learning_rate", s.LR, ""},
		{"lr_scheduler_type", schedule, ""},
		{"warmup_steps", warmup, ""},
		{"weight_decay", s.WeightDecay, ""},
		{"adam_beta1", s.AdamBeta1, ""},
		{"adam_beta2", s.AdamBeta2, ""},
		{"adam_epsilon", s.AdamEps, ""},
		{"max_grad_norm", s.ClipNorm, ""},
		{"seed", s.Seed, ""},
		{"bf16", true, ""},
		{"logging_steps", 1, ""},
		{"save_steps", 100, ""},
		{"save_total_limit", 1, ""},
		{"report_to", "none", ""},
		{"ddp_timeout", 180000000, "seconds: tokenising all pairs takes longer than the default"},
	}
}
