package lidr

import (
	"fmt"
	"io"
	"time"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/printable"
)

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
			fmt.Fprintln(w, printable.Line(e.Note))
		case e.Done >= e.Total:
			fmt.Fprintf(w, "%s: %d %s\n", printable.Line(e.Step), e.Total, e.Unit)
		}
	}
}

// Meter reports the progress of one step and, when it ends, its time, which goes into timing.jsonl.
type Meter struct {
	report     Progress
	timingFile string
	step, unit string
	total      int
	done       int // items finished
	fresh      int // of them, those of this process
	tokens     int
	start      time.Time
}

// NewMeter begins to report a step of total items, of which an earlier process has finished done, outside a run: its
// time is not recorded. unit names an item.
func NewMeter(report Progress, step, unit string, total, done int) *Meter {
	m := &Meter{report: report, step: step, unit: unit, total: total, done: done, start: time.Now()}
	m.report(Event{Step: step, Done: done, Total: total, Unit: unit})
	return m
}

// Rename changes the name of the step in the reports that follow.
func (m *Meter) Rename(step string) { m.step = step }

// Add counts finished items and the tokens that they took.
func (m *Meter) Add(items, tokens int) {
	m.done += items
	m.fresh += items
	m.tokens += tokens
	event := Event{Step: m.step, Done: m.done, Total: m.total, Unit: m.unit}
	if elapsed := time.Since(m.start); m.fresh > 0 && elapsed > 0 {
		event.Rate = float64(m.fresh) / elapsed.Seconds()
		event.Left = time.Duration(float64(elapsed) * float64(m.total-m.done) / float64(m.fresh))
	}
	m.report(event)
}

// Reach counts up to item n of total, for a training that may have begun in an earlier process, or gone back to an
// earlier checkpoint.
func (m *Meter) Reach(n, total, tokens int) {
	m.total = total
	if n < 1 || n == m.done {
		return
	}
	if m.fresh == 0 || n < m.done {
		m.done = n - 1
	}
	m.Add(n-m.done, tokens)
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

// End records how long the step took.
func (m *Meter) End() error {
	if m.timingFile == "" {
		return nil
	}
	return ledger.AppendLine(m.timingFile, timing{
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
