package lidr

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxForeign bounds what is read of a text file that a trainer or another program wrote, in bytes; weights have their own reader.
const maxForeign = 256 << 20

// readForeign reads such a file.
func readForeign(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.Size() > maxForeign {
		return nil, fmt.Errorf("%s: longer than %d MiB", path, maxForeign>>20)
	}
	return io.ReadAll(io.LimitReader(f, maxForeign))
}

// yamlRow is a line of a YAML file.
type yamlRow struct {
	key     string
	value   any
	comment string // "" for none
}

// yamlOf writes rows after a header of comments. JSON's texts and lists are YAML too.
func yamlOf(header string, rows []yamlRow) []byte {
	var out strings.Builder
	for _, line := range strings.Split(header, "\n") {
		fmt.Fprintln(&out, "#", line)
	}
	for _, row := range rows {
		fmt.Fprintf(&out, "%s: %s", row.key, yamlValue(row.value))
		if row.comment != "" {
			out.WriteString("  # " + row.comment)
		}
		out.WriteString("\n")
	}
	return []byte(out.String())
}

func yamlValue(value any) string {
	switch v := value.(type) {
	case float64:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		if mantissa, exponent, ok := strings.Cut(text, "e"); ok && !strings.Contains(mantissa, ".") {
			text = mantissa + ".0e" + exponent // PyYAML reads 5e-07 as a text
		} else if v == math.Trunc(v) && !ok {
			text += ".0"
		}
		return text
	case []float64:
		texts := make([]string, len(v))
		for i, x := range v {
			texts[i] = yamlValue(x)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts, numbers, truth values and lists of them
	}
	return string(text)
}

// training are the fields that both programs take over from Transformers' TrainingArguments.
func (r round) training() []yamlRow {
	s := r.settings.Train
	schedule := s.Schedule
	warmup := int(math.Ceil(s.Warmup * float64(r.steps)))
	if schedule == "constant" && warmup > 0 {
		schedule = "constant_with_warmup"
	}
	return []yamlRow{
		{"per_device_train_batch_size", r.trainer.PerDevice, ""},
		{"gradient_accumulation_steps", r.accumulation, fmt.Sprintf("%d pairs a step on %d × %d GPUs", s.BatchPairs, r.trainer.Nodes, r.trainer.GPUs)},
		{"num_train_epochs", s.Epochs, fmt.Sprintf("%d steps in all", r.steps)},
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

// nodeVariables are what LLaMA-Factory's launcher reads of a training on several machines.
func (t Trainer) nodeVariables() string {
	if t.Nodes == 1 {
		return ""
	}
	return fmt.Sprintf(" NNODES=%d NODE_RANK=$NODE_RANK MASTER_ADDR=$MASTER_ADDR MASTER_PORT=$MASTER_PORT", t.Nodes)
}

// writeLaunch writes train.sh.
func writeLaunch(run *Run, folder string, t Trainer, commands ...string) error {
	text := "#!/bin/sh\n# Trains the round with " + t.Program + " and leaves the checkpoint in ../model.\n"
	if t.Nodes > 1 {
		text += fmt.Sprintf("# Run it on each of the %d machines, which share this folder: NODE_RANK is 0 to %d, MASTER_ADDR the address of the first.\n", t.Nodes, t.Nodes-1) +
			": ${NODE_RANK:?} ${MASTER_ADDR:?} ${MASTER_PORT:=29500}\n"
	}
	text += "set -e\ncd \"$(dirname \"$0\")\"\n" + strings.Join(commands, "\n") + "\n"
	return run.write(filepath.Join(folder, "train.sh"), []byte(text))
}

// commands says in words what to run for model name.
func (t Trainer) commands(run *Run, name string) string {
	script := "sh " + run.path(name, "handoff", "train.sh")
	if t.Nodes == 1 {
		return script
	}
	lines := make([]string, t.Nodes)
	for rank := range lines {
		lines[rank] = fmt.Sprintf("NODE_RANK=%d MASTER_ADDR=… %s", rank, script)
	}
	return strings.Join(lines, " and ")
}
