package lidr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lidrlab/lidr/ledger"
)

// Run is one experiment: its settings, its folder of open files, and the store of model outputs that it shares with
// the runs beside it.
type Run struct {
	Dir      string
	Settings Settings // as they were at [Open]: steps refuse a run whose settings were changed since

	own      Task // of [WithTask], nil for none
	store    ledger.Store
	shard    ledger.Shard // of [Run.Divide], 0 for the whole
	progress Progress
	plan     *plan        // nil where nothing says what is to come
	memory   int          // of [Run.LimitMemory]
	opened   []byte       // the settings of Open, encoded
	unlock   func() error // nil once the run is closed
	writing  sync.Mutex   // files.json
}

// Option changes how a run is opened.
type Option func(*Run)

// WithProgress sends the progress of long steps to p; the default is silence.
func WithProgress(p Progress) Option { return func(r *Run) { r.progress = p } }

// Progress is where the run reports to.
func (r *Run) Progress() Progress { return r.progress }

// WithStore uses dir as the content-keyed store instead of the folder "store" beside the run folder.
func WithStore(dir string) Option { return func(r *Run) { r.store = ledger.Store{Dir: dir} } }

// Divide, in an [Option], makes the run's steps ask their model for one part of of only: of a list of requests those
// whose number, from 0, leaves part−1 when divided by of. Such a run neither locks its folder nor writes into it, so
// that all parts can be at work at once, on machines that share it or have settings and M0 alone; each part is kept in
// the store. A step ends with ledger.ErrShard when its part is done. Once all are there, a run that is not divided
// takes their answers, having proved that none is missing, double, or of another list, and its bytes are those of a run
// that never was.
func (r *Run) Divide(part, of int) { r.shard = ledger.Shard{Part: part, Of: of} }

// Sharded tells whether the run is divided: a step of one's own that cannot be leaves it alone.
func (r *Run) Sharded() bool { return r.shard.Of > 0 }

// wholeList is an error for a run of a shard, on which no model is trained.
func (r *Run) wholeList() error {
	if r.shard.Of > 0 {
		return fmt.Errorf("the run in %s was opened for shard %s, and models are made of whole lists; open it without one",
			r.Dir, r.shard)
	}
	return nil
}

// LimitMemory, in an [Option], bounds the memory, in bytes, that the process takes while it trains a model here; 0 for
// what the machine has available. It changes no result: where a training would take more, activations are computed
// twice, and one that cannot fit even so is refused before its first step.
func (r *Run) LimitMemory(bytes int) { r.memory = bytes }

// WithTask asks and checks by a task of the caller's, whose name the settings then hold as the source of prompts and
// evaluation.
func WithTask(t Task) Option {
	return func(r *Run) {
		r.own = t
		r.Settings.Prompts.Source, r.Settings.Evaluate.Source = t.Name(), t.Name()
	}
}

// Close gives the run's folder free for other processes. No step takes the run from then on.
func (r *Run) Close() error {
	if r.unlock == nil {
		return nil
	}
	unlock := r.unlock
	r.unlock = nil
	return unlock()
}

// Path joins parts below the run folder.
func (r *Run) Path(parts ...string) string {
	return filepath.Join(append([]string{r.Dir}, parts...)...)
}

// Store holds what models have said, and what else is costly to compute, under content keys.
func (r *Run) Store() ledger.Store { return r.store }

// unchanged is an error for a run that is closed, or whose settings are not those of Open any more.
func (r *Run) unchanged() error {
	if r.unlock == nil {
		return fmt.Errorf("the run in %s is closed; open it again", r.Dir)
	}
	if err := ledger.Locked(r.Dir); err != nil {
		return err
	}
	now, err := json.Marshal(r.Settings)
	if err != nil {
		return fmt.Errorf("settings of %s: %w", r.Dir, err)
	}
	if bytes.Equal(now, r.opened) {
		return nil
	}
	var before Settings
	if err := json.Unmarshal(r.opened, &before); err != nil {
		return err
	}
	return fmt.Errorf("the settings of %s were changed after Open (%s); open another run folder with them",
		r.Dir, strings.Join(changedFields(before, r.Settings), ", "))
}

// promptTask is the task that the run's pairs are made of. Its languages are named by the identifier of the evaluation,
// so that a filter never sees another language than the off-target rate does.
func (r *Run) promptTask() Task { return r.taskOf(r.Settings.Prompts.Source) }

// evalTask is the task that the run's models are measured on.
func (r *Run) evalTask() Task { return r.taskOf(r.Settings.Evaluate.Source) }

func (r *Run) taskOf(source string) Task {
	switch {
	case r.own != nil:
		return r.own
	case source == miniatureSource:
		return miniatureTask{}
	}
	return fileTask{source, r.Settings.Evaluate.Identifier}
}

// synthetic says that what the run measures says nothing about real models. A run without evaluation measures what is
// made of its prompts.
func (r *Run) synthetic() bool {
	task := r.evalTask()
	if r.Settings.Evaluate.Source == "" {
		task = r.promptTask()
	}
	b, ok := task.(builtin)
	return ok && b.synthetic()
}

// Note sends a message to the reader of the run's progress.
func (r *Run) Note(format string, args ...any) {
	r.progress(Event{Run: r.Dir, Note: fmt.Sprintf(format, args...)})
}

// Meter begins to report a step of total items, of which an earlier process has finished done. unit names an item.
func (r *Run) Meter(step, unit string, total, done int) *Meter {
	m := &Meter{report: r.progress, plan: r.plan, start: time.Now(),
		last: Event{Run: r.Dir, Step: step, Done: done, Total: total, Unit: unit}}
	if r.shard.Of == 0 {
		m.timingFile = r.Path("timing.jsonl")
	}
	m.send()
	return m
}

// Plan says which steps are to come, in their order and by the names that they report, such as "M0 generate", for a
// program that calls them one by one: the progress then tells which of them is at work, and how long all of them take.
func (r *Run) Plan(steps ...string) {
	r.plan = newPlan(steps, r.Path("timing.jsonl"))
}
