package lidr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/ledger"
)

// Trainer is a program that trains a round in the place of [Train], and the machines that it has for it. Take
// [LlamaFactory] or [TRL], and change fields.
type Trainer struct {
	Program string `json:"program"` // llama-factory or trl
	// Base is what the program loads as M_t, a Hugging Face folder or a hub name; "" stands for the model's path.
	Base string `json:"base"`
	// Template is LLaMA-Factory's name of the chat template; "" for the one of the model's family. LLaMA-Factory renders
	// its own, with a system message of its own where the run's settings name none. TRL renders the model's.
	Template  string `json:"template"`
	Nodes     int    `json:"nodes"`      // machines
	GPUs      int    `json:"gpus"`       // of each machine
	PerDevice int    `json:"per_device"` // pairs in one pass of a GPU; accumulation makes up the rest of TrainSettings.BatchPairs
}

// LlamaFactory is the paper's trainer, on the GPUs of one published run name: 1 pair × 4 accumulated × 4 GPUs.
func LlamaFactory() Trainer {
	return Trainer{Program: "llama-factory", Nodes: 1, GPUs: 4, PerDevice: 1}
}

// TRL is Hugging Face's trainer (0.20 and later), on the same GPUs. With one pair a pass its NLL is the paper's, a mean over
// each sequence; with more it is the mean over their tokens, which TrainSettings.NLL must then say.
func TRL() Trainer { return Trainer{Program: "trl", Nodes: 1, GPUs: 4, PerDevice: 1} }

// ErrHandedOff says that a round is written and not trained, since its trainer cannot run here; the error that wraps it
// says what to run.
var ErrHandedOff = errors.New("run the same command again once the checkpoint is there")

// handedOff is <model>/handoff/handoff.json, written last: what <model>/model is to be made of.
type handedOff struct {
	Key      string        `json:"key"`
	From     string        `json:"from"`  // M_t
	Base     string        `json:"base"`  // its fingerprint
	Local    bool          `json:"local"` // M_t's weights are here, so M_t+1's are to be loaded too
	Pairs    int           `json:"pairs"`
	Trainer  Trainer       `json:"trainer"`
	Settings TrainSettings `json:"settings"`
}

// HandOff is [Train] by another program. It writes M<t+1>/handoff: the pairs, the settings and train.sh, which starts the
// program; whatever TrainSettings the program cannot express is an error. Then it runs train.sh, follows its progress,
// and [TakeBack] does the rest. A cancelled ctx ends the program and all that it has started; called again, LLaMA-Factory
// continues from its last checkpoint and TRL starts anew.
//
// Where the program cannot run, because it is not installed, takes several machines, or an interpreted script asks, the
// error is [ErrHandedOff] and says what to run elsewhere. The folder M<t+1> can be copied there and back, but for a base
// model outside the run folder, which train.sh names by its path here.
func HandOff(ctx context.Context, run *Run, m *Model, pairs dataframe.DataFrame, t Trainer) (*Model, dataframe.DataFrame, error) {
	fail := func(err error) (*Model, dataframe.DataFrame, error) {
		return nil, dataframe.DataFrame{}, fmt.Errorf("hand off %s: %w", m.Name, err)
	}
	rows, err := rowsOf[Pair](pairs, "pairs")
	if err != nil {
		return fail(err)
	}
	if len(rows) == 0 {
		return fail(fmt.Errorf("no pair is left after the filters; %s counts what each dropped", run.path(m.Name, "pairs.stats.json")))
	}
	name, err := nextName(m.Name)
	if err != nil {
		return fail(err)
	}
	if _, err := RewardAccuracy(run, m, pairs); err != nil {
		return fail(err)
	}
	if err := writeRound(run, m, name, rows, t); err != nil {
		return fail(err)
	}
	if err := unfinished(run, name, t); errors.Is(err, errUntrained) {
		if err := startTrainer(ctx, run, m.Name, name, t, optimizerSteps(run.Settings.Train, len(rows))); err != nil {
			return fail(err)
		}
	} else if err != nil {
		return fail(err)
	}
	return TakeBack(run, name)
}

// HandOffRound is [Round] with [HandOff] in the place of [Train].
func HandOffRound(ctx context.Context, run *Run, m *Model, round int, t Trainer) (*Model, error) {
	pairs, err := roundPairs(ctx, run, m, round)
	if err != nil {
		return nil, err
	}
	next, _, err := HandOff(ctx, run, m, pairs, t)
	return next, err
}

// TakeBack makes model name, "M1", of the checkpoint that the trainer of its [HandOff] left in <name>/model, with a frame
// of one row a step as [Train] returns, NaN for what the program does not log. It writes <name>/train.jsonl, training.json
// with the checkpoint's hash, and warnings.json, and names the model in run.json. If the round's base was a model behind a
// server, the weights stay on the disk: serve <name>/model and go on with [UseModel].
func TakeBack(run *Run, name string) (*Model, dataframe.DataFrame, error) {
	fail := func(err error) (*Model, dataframe.DataFrame, error) {
		return nil, dataframe.DataFrame{}, fmt.Errorf("take back %s: %w", name, err)
	}
	var h handedOff
	if err := ledger.ReadJSON(run.path(name, "handoff", "handoff.json"), &h); errors.Is(err, fs.ErrNotExist) {
		return fail(fmt.Errorf("%s was not handed off; call HandOff first", name))
	} else if err != nil {
		return fail(err)
	}
	if err := unfinished(run, name, h.Trainer); errors.Is(err, errUntrained) {
		return fail(fmt.Errorf("%w; %w", err, ErrHandedOff))
	} else if err != nil {
		return fail(err)
	}
	steps, err := trainerSteps(logFolder(run, name))
	if err != nil {
		return fail(err)
	}
	var before trained
	if err := ledger.ReadJSON(run.path(name, "training.json"), &before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	next, err := openTrained(run, name, h, before)
	if err != nil {
		return fail(err)
	}
	if before.Key == h.Key && before.Fingerprint != next.Fingerprint() {
		return fail(fmt.Errorf("%s was changed after its training; delete %s and run again", next.Path, run.path(name)))
	}
	if err := writeLines(run, run.path(name, "train.jsonl"), loggedSteps(steps)); err != nil {
		return fail(err)
	}
	if err := writeJSON(run, run.path(name, "warnings.json"), roundWarnings(run.Settings, h.From, nil, loggedHealth(steps))); err != nil {
		return fail(err)
	}
	if err := recordModel(run, next); err != nil {
		return fail(err)
	}
	return next, stepFrame(steps), writeJSON(run, run.path(name, "training.json"), trained{
		Key: h.Key, Base: h.Base, Model: name, Pairs: h.Pairs, Settings: h.Settings, Fingerprint: next.Fingerprint(),
	})
}

// openTrained loads the checkpoint, or only names it where nothing of it is needed here. Its hash is then the one that was
// recorded when it was taken back first: reading tens of gigabytes again would keep every later step waiting.
func openTrained(run *Run, name string, h handedOff, before trained) (*Model, error) {
	folder := run.path(name, "model")
	if h.Local {
		engine, err := backend.Open("")
		if err != nil {
			return nil, err
		}
		return loadModel(folder, name, engine)
	}
	fingerprint := before.Fingerprint
	if before.Key != h.Key {
		var err error
		if fingerprint, err = hashFolder(folder); err != nil {
			return nil, err
		}
	}
	return &Model{Name: name, Path: folder, lm: unserved{folder, fingerprint}}, nil
}

// writeRound writes <name>/handoff.
func writeRound(run *Run, m *Model, name string, rows []Pair, t Trainer) error {
	s := run.Settings.Train
	accumulation, err := t.accumulation(s.BatchPairs)
	if err != nil {
		return err
	}
	if err := t.expresses(s); err != nil {
		return err
	}
	base, err := t.base(run, m)
	if err != nil {
		return err
	}
	if m.tokenizer != nil {
		if err := fitPairs(run, m, rows); err != nil {
			return err
		}
	}
	labelled := relabel(run.Settings, rows)
	h := handedOff{From: m.Name, Base: m.Fingerprint(), Local: m.weights != nil, Pairs: len(rows), Trainer: t, Settings: s}
	// How many machines share the work does not change what is trained.
	h.Key = m.key("handoff", labelled, s, run.Settings.Generate.Template, run.Settings.Generate.System, t.Program, t.Base, t.Template)
	folder := run.path(name, "handoff")
	var before handedOff
	if err := ledger.ReadJSON(filepath.Join(folder, "handoff.json"), &before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, output := range []string{run.path(name, "model"), logFolder(run, name)} {
		if _, err := os.Stat(output); err == nil && before.Key != h.Key {
			return fmt.Errorf("%s was trained on other pairs or with other settings; delete %s, or take another run folder", output, run.path(name))
		}
	}
	write := writeTRL
	if t.Program == "llama-factory" {
		if t.Template, err = t.template(base); err != nil {
			return err
		}
		write = writeLlamaFactory
	}
	if base, err = seenFrom(run, base); err != nil {
		return err
	}
	if err := write(run, folder, labelled, round{run.Settings, t, base, optimizerSteps(s, len(rows)), accumulation}); err != nil {
		return err
	}
	return ledger.WriteJSON(filepath.Join(folder, "handoff.json"), h)
}

// round is what the files of a trainer are made of.
type round struct {
	settings     Settings
	trainer      Trainer
	base         string // as seen from the folder of the files
	steps        int    // of the optimizer
	accumulation int    // passes a step
}

func optimizerSteps(s TrainSettings, pairs int) int {
	return s.Epochs * ((pairs + s.BatchPairs - 1) / s.BatchPairs)
}

// accumulation is how many passes of all GPUs make up a step of batch pairs.
func (t Trainer) accumulation(batch int) (int, error) {
	pass := t.PerDevice * t.GPUs * t.Nodes
	if t.PerDevice < 1 || t.GPUs < 1 || t.Nodes < 1 {
		return 0, fmt.Errorf("trainer: per_device is %d, gpus %d and nodes %d, expected at least 1 of each", t.PerDevice, t.GPUs, t.Nodes)
	}
	if batch%pass != 0 {
		return 0, fmt.Errorf("trainer: %d per_device × %d gpus × %d nodes are %d pairs a pass, which does not divide train.batch_pairs, %d; change one of them",
			t.PerDevice, t.GPUs, t.Nodes, pass, batch)
	}
	return batch / pass, nil
}

// expresses is an error that names the settings which the program has no equal of. MicroBatch, DType and Checkpointing are
// about memory, and the program's own affair.
func (t Trainer) expresses(s TrainSettings) error {
	var lacks []string
	lack := func(is bool, format string, a ...any) {
		if is {
			lacks = append(lacks, fmt.Sprintf(format, a...))
		}
	}
	lack(s.Objective != "dpo" && s.Objective != "dpo+nll", "objective %q (expected dpo or dpo+nll)", s.Objective)
	lack(s.Replay > 0, "replay %d (no program mixes sequences into pairs)", s.Replay)
	lack(s.Schedule != "constant" && s.FinalLR != 0, "final_lr %g (its schedules end at 0)", s.FinalLR)
	lack(s.WeightDecay != 0, "weight_decay %g (it would decay the embeddings too)", s.WeightDecay)
	lack(s.MaxLength < 1, "max_length %d (expected a number of tokens)", s.MaxLength)
	switch t.Program {
	case "llama-factory":
		lack(s.LoRA.Alpha != math.Trunc(s.LoRA.Alpha), "lora.alpha %g (expected a whole number)", s.LoRA.Alpha)
		lack(s.Objective == "dpo+nll" && s.NLL != "sequence", "nll %q (its NLL is a mean over each sequence)", s.NLL)
	case "trl":
		lack(s.Objective == "dpo+nll" && s.NLL == "sequence" && t.PerDevice > 1, "nll %q with per_device %d (its NLL is a mean over the tokens of a pass; take per_device 1, or nll token)", s.NLL, t.PerDevice)
		lack(s.LoRA.Rank > 0, "lora of rank %d (it has no command that merges adapters; take llama-factory)", s.LoRA.Rank)
	default:
		return fmt.Errorf("trainer: program is %q, expected llama-factory or trl", t.Program)
	}
	if len(lacks) > 0 {
		return fmt.Errorf("%s cannot train with %s", t.Program, strings.Join(lacks, ", "))
	}
	return nil
}

var hubName = regexp.MustCompile(`^[\w.-]+/[\w.-]+$`)

// base returns what the trainer loads as M_t, a folder or a hub name.
func (t Trainer) base(run *Run, m *Model) (string, error) {
	base := t.Base
	if base == "" {
		base = m.Path
	}
	if base == "miniature" {
		base = run.path(m.Name, "model")
		return base, checkpoint.Save(base, m.checkpoint, "F32")
	}
	if info, err := os.Stat(base); (err != nil || !info.IsDir()) && !hubName.MatchString(base) {
		return "", fmt.Errorf("trainer: base %q is neither a folder nor a hub name such as meta-llama/Meta-Llama-3-8B-Instruct; say in Trainer.Base what the trainer is to load", base)
	}
	return base, nil
}

// seenFrom returns base as seen from <M_t+1>/handoff: a path inside the run folder is relative, so that it can be moved.
func seenFrom(run *Run, base string) (string, error) {
	if _, err := os.Stat(base); err != nil {
		return base, nil // a hub name
	}
	root, err := filepath.Abs(run.Dir)
	if err != nil {
		return "", err
	}
	if base, err = filepath.Abs(base); err != nil {
		return "", err
	}
	if inside, err := filepath.Rel(root, base); err == nil && filepath.IsLocal(inside) {
		return "../../" + filepath.ToSlash(inside), nil
	}
	return base, nil
}

// fitPairs is an error for a pair that the trainer would cut without a word.
func fitPairs(run *Run, m *Model, rows []Pair) error {
	tokens, err := tokenPairs(m, run.Settings.Generate, rows)
	if err != nil {
		return err
	}
	for i, pair := range tokens {
		if n := len(pair.Prompt) + max(len(pair.Chosen), len(pair.Rejected)); n > run.Settings.Train.MaxLength {
			return fmt.Errorf("pair %d (prompt %s in %s) has %d tokens, expected at most max_length, %d; raise it, or drop the pair by a Filter", i, rows[i].ID, rows[i].Lang, n, run.Settings.Train.MaxLength)
		}
	}
	return nil
}
