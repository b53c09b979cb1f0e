package lidr

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lidrlab/lidr/ledger"
)

// Run is one experiment: its settings, its folder of open files, and the store of model outputs that it shares with
// the runs beside it.
type Run struct {
	Dir      string
	Settings Settings

	store    ledger.Store
	progress Progress
	writing  sync.Mutex // files.json
}

// Option changes how a run is opened.
type Option func(*Run)

// WithProgress sends the progress of long steps to p; the default is silence.
func WithProgress(p Progress) Option { return func(r *Run) { r.progress = p } }

// WithStore uses dir as the content-keyed store instead of the folder "store" beside the run folder.
func WithStore(dir string) Option { return func(r *Run) { r.store = ledger.Store{Dir: dir} } }

// Open makes or continues the run in folder dir, which is this process's until it ends: a folder that another process works in
// is refused. So is one that holds outputs of other settings: a run folder is one experiment, and the store makes another one
// cheap.
func Open(dir string, s Settings, options ...Option) (*Run, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	run := &Run{
		Dir: dir, Settings: s,
		store:    ledger.Store{Dir: filepath.Join(filepath.Dir(filepath.Clean(dir)), "store")},
		progress: func(Event) {},
	}
	for _, option := range options {
		option(run)
	}
	if err := ledger.LockFolder(dir); err != nil {
		return nil, err
	}
	path := run.path("settings.json")
	var before Settings
	if err := ledger.ReadJSON(path, &before); err == nil {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		outputs := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != "settings.json" && e.Name() != ledger.LockName })
		if changed := changedFields(before, s); len(changed) > 0 && outputs {
			return nil, fmt.Errorf("%s was made with other settings (%s); choose another run folder, or delete this one: what the models have said stays in %s",
				dir, strings.Join(changed, ", "), run.store.Dir)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return run, ledger.WriteJSON(path, s)
}

// Reopen continues the run in folder dir with the settings that it was made with.
func Reopen(dir string, options ...Option) (*Run, error) {
	var s Settings
	if err := ledger.ReadJSON(filepath.Join(dir, "settings.json"), &s); err != nil {
		return nil, fmt.Errorf("%s is not a run folder: %w", dir, err)
	}
	return Open(dir, s, options...)
}

// path joins parts below the run folder.
func (r *Run) path(parts ...string) string {
	return filepath.Join(append([]string{r.Dir}, parts...)...)
}

// Event is one report of progress.
type Event struct {
	Step  string  // what is being done, with the model's name: "M0 generate"
	Done  int     // items finished, those of an earlier process included
	Total int     // items in all
	Unit  string  // what an item is: "responses", "steps"
	Rate  float64 // items a second in this process, 0 before the first
	Left  time.Duration
	Note  string // if not empty, the event is this message to the reader, and nothing else
}

// Progress receives events while a step works, from one goroutine at a time: one at the beginning, one after each
// batch, the last one with Done = Total. A step that finds its output in the store sends none.
type Progress func(Event)

// ProgressLines returns a Progress that writes one line a finished step, for scripts.
func ProgressLines(w io.Writer) Progress {
	return func(e Event) {
		switch {
		case e.Note != "":
			fmt.Fprintln(w, e.Note)
		case e.Done >= e.Total:
			fmt.Fprintf(w, "%s: %d %s\n", e.Step, e.Total, e.Unit)
		}
	}
}

// timing is one line of timing.jsonl: all that depends on the clock is there and nowhere else.
type timing struct {
	Step    string    `json:"step"`
	Unit    string    `json:"unit"`
	Items   int       `json:"items"`
	Tokens  int       `json:"tokens,omitempty"`
	Seconds float64   `json:"seconds"`
	Ended   time.Time `json:"ended"`
}

// meter reports the progress of one step and, when it ends, its time.
type meter struct {
	run         *Run
	step, unit  string
	total       int
	done, fresh int
	tokens      int
	start       time.Time
}

func (r *Run) meter(step, unit string, total, done int) *meter {
	m := &meter{run: r, step: step, unit: unit, total: total, done: done, start: time.Now()}
	r.progress(Event{Step: step, Done: done, Total: total, Unit: unit})
	return m
}

func (m *meter) add(items, tokens int) {
	m.done, m.fresh, m.tokens = m.done+items, m.fresh+items, m.tokens+tokens
	event := Event{Step: m.step, Done: m.done, Total: m.total, Unit: m.unit}
	if elapsed := time.Since(m.start); m.fresh > 0 && elapsed > 0 {
		event.Rate = float64(m.fresh) / elapsed.Seconds()
		event.Left = time.Duration(float64(elapsed) * float64(m.total-m.done) / float64(m.fresh))
	}
	m.run.progress(event)
}

// reached is add(1) for the numbered steps of a training, which may have begun in an earlier process.
func (m *meter) reached(step, tokens int) {
	m.done = step - 1
	m.add(1, tokens)
}

func (m *meter) end() error {
	return ledger.AppendLine(m.run.path("timing.jsonl"), timing{
		Step: m.step, Unit: m.unit, Items: m.fresh, Tokens: m.tokens,
		Seconds: time.Since(m.start).Seconds(), Ended: time.Now().UTC().Truncate(time.Second),
	})
}

// countDone counts the items of n that done knows.
func countDone(n int, done func(int) bool) int {
	count := 0
	for i := range n {
		if done(i) {
			count++
		}
	}
	return count
}

// changedFields names the settings that differ, by their path in settings.json, with both values.
func changedFields(before, now Settings) []string {
	var changed []string
	var walk func(path string, a, b any)
	walk = func(path string, a, b any) {
		left, isMap := a.(map[string]any)
		right, _ := b.(map[string]any)
		if !isMap || right == nil {
			if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
				changed = append(changed, fmt.Sprintf("%s: %s there, %s now", strings.TrimPrefix(path, "."), x, y))
			}
			return
		}
		for _, key := range slices.Sorted(maps.Keys(left)) {
			walk(path+"."+key, left[key], right[key])
		}
	}
	walk("", asMap(before), asMap(now))
	return changed
}

func asMap(s Settings) map[string]any {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // a Settings of plain fields always marshals, but for NaN or Inf, which Validate refuses
	}
	var m map[string]any
	if err := json.Unmarshal(encoded, &m); err != nil {
		panic(err)
	}
	return m
}
