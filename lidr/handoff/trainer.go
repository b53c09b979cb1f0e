package handoff

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"lidrlab/lidr"
)

// Trainer is a program that trains a round in the place of [lidr.Train], and the machines that it has for it. Take
// [LlamaFactory] or [TRL], and change fields.
type Trainer struct {
	Program string `json:"program"` // llama-factory or trl
	// Base is what the program loads as M_t, a Hugging Face folder or a name on the hub; "" stands for the model's
	// path.
	Base string `json:"base"`
	// Template is LLaMA-Factory's name of the chat template; "" for the one of the model's family. LLaMA-Factory
	// renders its own, with a system message of its own where the run's settings name none. TRL renders the model's.
	Template  string `json:"template"`
	Nodes     int    `json:"nodes"`      // machines
	GPUs      int    `json:"gpus"`       // of each machine; 0 trains on the CPU of one machine, in float32
	PerDevice int    `json:"per_device"` // pairs in one pass of a GPU; accumulation makes up the rest of a step's batch
	// ReportTo is where the program sends its curves while it trains: wandb, tensorboard, mlflow, trackio or swanlab, by
	// the name of the run's folder and the model; "" for nowhere. It reads the addresses and keys that it always reads.
	ReportTo string `json:"report_to"`
}

// The programs, as Trainer.Program names them.
const (
	programLlamaFactory = "llama-factory"
	programTRL          = "trl"
)

// LlamaFactory returns the paper's trainer, on the GPUs that a published run name shows: 1 pair × 4 accumulated × 4
// GPUs.
func LlamaFactory() Trainer {
	return Trainer{Program: programLlamaFactory, Nodes: 1, GPUs: 4, PerDevice: 1}
}

// TRL returns Hugging Face's trainer, on the same GPUs. With one pair a pass its NLL is the paper's, a mean over each
// sequence; with more it is the mean over their tokens, which the run's train.nll must then say.
func TRL() Trainer { return Trainer{Program: programTRL, Nodes: 1, GPUs: 4, PerDevice: 1} }

// losses are the values of dpo.Settings.Loss that a program's trainer of preferences has, under its own names: those of
// LLaMA-Factory's pref_loss but kto_pair, which fails in 0.9.5, and of DPOConfig's loss_type in TRL 1.16, whose
// trainers of KTO, CPO, SimPO and ORPO are others, with other files.
var losses = map[string][]string{
	programLlamaFactory: {"sigmoid", "hinge", "ipo", "simpo", "orpo"},
	programTRL:          {"sigmoid", "robust", "hinge", "ipo", "sigmoid_norm", "apo_zero", "apo_down", "nca_pair"},
}

// trackers are the values of Trainer.ReportTo beside "", those of report_to in transformers' TrainingArguments that are
// not bound to a cloud's own machines.
var trackers = []string{"wandb", "tensorboard", "mlflow", "trackio", "swanlab"}

// maxCount bounds machines, GPUs and pairs a pass; more of them is a mistake.
const maxCount = 1 << 16

var templateName = regexp.MustCompile(`^[\w.-]+$`)

// Validate returns an error naming the field that cannot work, and what was expected.
func (t Trainer) Validate() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("trainer: field %s is %#v, expected %s", field, value, expected)
	}
	switch {
	case t.Program != programLlamaFactory && t.Program != programTRL:
		return bad("program", t.Program, "llama-factory or trl")
	case t.Base != "" && !isFolder(t.Base) && !isHubName(t.Base):
		return bad("base", t.Base, "a folder, or a name on the hub such as meta-llama/Meta-Llama-3-8B-Instruct")
	case t.Template != "" && !templateName.MatchString(t.Template):
		return bad("template", t.Template, "LLaMA-Factory's name of a chat template, such as llama3")
	}
	if t.ReportTo != "" && !slices.Contains(trackers, t.ReportTo) {
		return bad("report_to", t.ReportTo, strings.Join(trackers, ", ")+`, or "" for none`)
	}
	for _, count := range []struct {
		field   string
		n, from int
	}{{"nodes", t.Nodes, 1}, {"gpus", t.GPUs, 0}, {"per_device", t.PerDevice, 1}} {
		if count.n < count.from || count.n > maxCount {
			return bad(count.field, count.n, fmt.Sprintf("%d to %d", count.from, maxCount))
		}
	}
	if t.GPUs == 0 && t.Nodes > 1 {
		return bad("nodes", t.Nodes, "1 with gpus 0, which trains on the CPU of one machine")
	}
	return nil
}

// Check returns an error that names what cannot work, of the trainer alone or with a run's settings, and what was
// expected: before a model is asked anything.
func (t Trainer) Check(s lidr.TrainSettings) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if _, err := t.accumulation(s.BatchPairs); err != nil {
		return err
	}
	return t.expresses(s)
}

// processes is how many processes train: one a GPU, or one on the CPU.
func (t Trainer) processes() int { return max(t.GPUs, 1) * t.Nodes }

// command is the name of the program's executable.
func (t Trainer) command() string {
	if t.Program == programLlamaFactory {
		return "llamafactory-cli"
	}
	return "trl"
}

// accumulation returns how many passes of all GPUs make up a step of batch pairs.
func (t Trainer) accumulation(batch int) (int, error) {
	pass := t.PerDevice * t.processes()
	if batch%pass != 0 {
		return 0, fmt.Errorf("trainer: %d per_device × %d gpus × %d nodes are %d pairs a pass, which does not divide "+
			"train.batch_pairs, %d; change one of them", t.PerDevice, t.GPUs, t.Nodes, pass, batch)
	}
	return batch / pass, nil
}

// expresses returns an error that names the settings which the program has no equal of. MicroBatch, DType and
// Checkpointing are about memory, which the program manages by itself.
func (t Trainer) expresses(s lidr.TrainSettings) error {
	var lacks []string
	lack := func(is bool, format string, args ...any) {
		if is {
			lacks = append(lacks, fmt.Sprintf(format, args...))
		}
	}
	if s.Objective != "sft" {
		lack(!slices.Contains(losses[t.Program], s.Loss), "loss %q (expected %s)", s.Loss,
			strings.Join(losses[t.Program], ", "))
		lack(t.Program == programTRL && s.Loss == "sigmoid" && s.LabelSmoothing > 0,
			"label_smoothing %g under loss sigmoid (it reads it under robust alone)", s.LabelSmoothing)
		lack(s.Loss == "orpo" && (s.Objective == "dpo" || s.Alpha < 1),
			"loss orpo under objective %q with alpha %g (its ORPO has the NLL in it: take dpo+nll with alpha 1 or more)",
			s.Objective, s.Alpha)
	}
	lack(s.Order != "" || s.Curriculum != "", "order %q and curriculum %q (it has its own order, or Train's by seed)",
		s.Order, s.Curriculum)
	lack(s.LanguageTemperature != 0, "language_temperature %g (its data are the round's pairs)", s.LanguageTemperature)
	lack(s.WithoutTail, "without_tail (it trains on what the chat template writes behind an answer's end)")
	lack(s.Cut != "" && s.Cut != t.Program, "cut %q (it cuts as %[2]q does)", s.Cut, t.Program)
	lack(s.Moments == "8bit", "moments as 8bit (bitsandbytes has other codes)")
	lack(s.Replay > 0, "replay %d (no program mixes sequences into pairs)", s.Replay)
	lack(s.WeightDecay != 0, "weight_decay %g (it would decay the embeddings too)", s.WeightDecay)
	lack(s.MaxLength < 1, "max_length %d (expected a number of tokens)", s.MaxLength)
	lack(s.Objective == "sft" && s.NLL == "sequence" && s.BatchPairs > 1,
		"nll %q under objective sft (its SFT takes the mean over the tokens of a step; take nll token)", s.NLL)
	if t.Program == programLlamaFactory {
		lack(s.LoRA.Alpha != math.Trunc(s.LoRA.Alpha), "lora.alpha %g (expected a whole number)", s.LoRA.Alpha)
		lack(s.Objective == "dpo+nll" && s.NLL != "sequence", "nll %q (its NLL is a mean over each sequence)", s.NLL)
	} else {
		lack(s.Objective == "dpo+nll" && s.NLL == "sequence" && t.PerDevice > 1,
			"nll %q with per_device %d (its NLL is a mean over the tokens of a pass; take per_device 1, or nll token)",
			s.NLL, t.PerDevice)
		lack(s.LoRA.Rank > 0, "lora of rank %d (it has no command that merges adapters; take llama-factory)", s.LoRA.Rank)
	}
	if len(lacks) > 0 {
		return fmt.Errorf("%s cannot train with %s", t.Program, strings.Join(lacks, ", "))
	}
	return nil
}
