package handoff

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/ledger"
)

// job is a round's training as a program is to do it.
type job struct {
	run          *lidr.Run
	model        *lidr.Model // M_t
	next         string      // name of M_t+1
	trainer      Trainer
	base         base
	template     string // LLaMA-Factory's name of the chat template
	accumulation int    // passes of all GPUs a step

	pairs   []lidr.Pair // as the program is to see them
	ordered bool        // in the order of the batches
	first   dpo.Pair    // the first of them, where the model's tokenizer is here
	steps   int         // of the optimizer
	key     string
}

// record is <model>/handoff/handoff.json, written last: what <model>/model is to be made of.
type record struct {
	Key  string `json:"key"`
	From string `json:"from"` // M_t
	Base string `json:"base"` // its fingerprint
	// Elsewhere says that M_t is behind a server, so that M_t+1 is not loaded here either.
	Elsewhere bool               `json:"elsewhere,omitempty"`
	Pairs     int                `json:"pairs"`
	Trainer   Trainer            `json:"trainer"`
	Settings  lidr.TrainSettings `json:"settings"`
}

// readRecord returns the record of a model; fs.ErrNotExist where the model's training was not handed off.
func readRecord(run *lidr.Run, name string) (record, error) {
	var r record
	err := ledger.ReadSealed(run.Path(name, "handoff", "handoff.json"), &r)
	if errors.Is(err, ledger.ErrDamaged) {
		err = fmt.Errorf("%w; put it back, or delete %s and hand the training off again", err, run.Path(name))
	}
	return r, err
}

// newJob refuses what can be refused without the pairs. It writes nothing.
func newJob(run *lidr.Run, m *lidr.Model, t Trainer) (*job, error) {
	j := &job{run: run, model: m, next: fmt.Sprintf("M%d", m.Round+1), trainer: t}
	if err := t.Check(run.Settings.Train); err != nil {
		return nil, err
	}
	var err error
	if j.accumulation, err = t.accumulation(run.Settings.Train.BatchPairs); err != nil {
		return nil, err
	}
	if j.base, err = t.findBase(run, m); err != nil {
		return nil, err
	}
	if t.Program == programLlamaFactory {
		j.template, err = t.chatTemplate(j.base, m)
	}
	return j, err
}

// sft reports whether the chosen sides alone are trained on.
func (j *job) sft() bool { return j.run.Settings.Train.Objective == "sft" }

// about is what the settings' header says of the objective, for a command.
func (j *job) about(command string) string {
	what := "DPO+NLL as in section 3 of arXiv 2410.08964"
	switch s := j.run.Settings.Train; {
	case j.sft():
		what = "SFT on the chosen side"
	case s.Loss != "sigmoid" || s.Objective == "dpo":
		what = fmt.Sprintf("Preferences by the loss %s, objective %s", s.Loss, s.Objective)
	}
	what += ", for " + command + "."
	if j.sft() {
		what += "\nIts loss is the mean NLL of all chosen tokens of a step."
	}
	return what
}

// baseRow names what the program loads as M_t.
func (j *job) baseRow() yamlRow {
	comment := "M_t, which is also the frozen reference"
	if s := j.run.Settings.Train; j.sft() || s.Loss == "simpo" || s.Loss == "orpo" {
		comment = "M_t"
	}
	return yamlRow{"model_name_or_path", j.base.seen, comment}
}

// config is the name of the file with the settings.
func (j *job) config() string {
	if j.sft() {
		return "sft.yaml"
	}
	return "dpo.yaml"
}

// take gives the job its pairs, and refuses those that it cannot train on. It writes nothing.
func (j *job) take(pairs []lidr.Pair) error {
	s := j.run.Settings
	if len(pairs) == 0 {
		return fmt.Errorf("no pair is left after the filters; %s counts what each dropped",
			j.run.Path(j.model.Name(), "pairs.stats.json"))
	}
	j.pairs = s.Relabel(pairs)
	j.steps = s.Train.Epochs * ((len(pairs) + s.Train.BatchPairs - 1) / s.Train.BatchPairs)
	// How many machines share the work does not change what is trained.
	j.key = j.model.Key("handoff", j.pairs, s.Train, s.Generate.Template, s.Generate.System,
		j.trainer.Program, j.trainer.Base, j.trainer.Template)
	if j.model.Tokenizer() != nil {
		if err := j.order(); err != nil {
			return err
		}
	}
	return j.unclaimed()
}

// order puts the pairs into the order that [lidr.Train] takes them in, a batch that is not full last, and refuses one
// that the program would cut without saying so. Several epochs are left to the program's own shuffling: it has one file
// for all of them.
func (j *job) order() error {
	tokens, err := lidr.TokenPairs(j.model, j.run.Settings, j.pairs)
	if err != nil {
		return err
	}
	s := j.run.Settings.Train
	for i, pair := range tokens {
		if n := len(pair.Prompt) + max(len(pair.Chosen), len(pair.Rejected)); n > s.MaxLength {
			return fmt.Errorf("pair %d (prompt %s in %s) has %d tokens, expected at most max_length, %d; raise it, or drop "+
				"the pair by a Filter", i, j.pairs[i].ID, j.pairs[i].Lang, n, s.MaxLength)
		}
	}
	if j.ordered = s.Epochs == 1; !j.ordered {
		return j.keepFirst()
	}
	batches := s.Batches(tokens, 0)
	slices.SortStableFunc(batches, func(a, b []int) int { return len(b) - len(a) })
	var ordered []lidr.Pair
	for _, i := range slices.Concat(batches...) {
		ordered = append(ordered, j.pairs[i])
	}
	j.pairs = ordered
	return j.keepFirst()
}

// keepFirst keeps the first pair's tokens for train.sh --check, uncut, as the program renders it.
func (j *job) keepFirst() error {
	s := j.run.Settings
	s.Train.Cut = ""
	tokens, err := lidr.TokenPairs(j.model, s, j.pairs[:1])
	if err == nil {
		j.first = tokens[0]
	}
	return err
}

// unclaimed returns an error where the output of another training is in the way.
func (j *job) unclaimed() error {
	before, err := readRecord(j.run, j.next)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, output := range []string{j.run.Path(j.next, "model"), logFolder(j.run, j.next)} {
		if _, err := os.Stat(output); err == nil && before.Key != j.key {
			return fmt.Errorf("%s was trained on other pairs or with other settings; delete %s, or take another run folder",
				output, j.run.Path(j.next))
		}
	}
	return nil
}

// write writes M<t+1>/handoff, and the base where a program could not load it otherwise.
func (j *job) write() error {
	fingerprint, err := j.fingerprint()
	if err != nil {
		return err
	}
	if err := j.base.save(j.model); err != nil {
		return err
	}
	write := j.writeTRL
	if j.trainer.Program == programLlamaFactory {
		write = j.writeLlamaFactory
	}
	if err := write(); err != nil {
		return err
	}
	return ledger.WriteSealed(j.path("handoff.json"), record{
		Key: j.key, From: j.model.Name(), Base: fingerprint, Elsewhere: j.model.Weights() == nil,
		Pairs: len(j.pairs), Trainer: j.trainer, Settings: j.run.Settings.Train,
	})
}

// fingerprint returns the one of the checkpoint that the program starts from. A server may be known by another than the
// checkpoint that it serves, which is the one that the run has recorded.
func (j *job) fingerprint() (string, error) {
	if j.model.Checkpoint() != nil {
		return j.model.Fingerprint(), nil
	}
	recorded, err := j.run.Model(j.model.Name())
	if err != nil {
		return "", err
	}
	return recorded.Fingerprint(), nil
}
