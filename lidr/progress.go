package lidr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/printable"
	"lidrlab/lidr/show"
)

// Event is one report of progress.
type Event = show.Event

// Progress receives events while a step works, from one goroutine at a time: one at the beginning, one after each
// batch, the last one with Done = Total, or with Ended where the step failed. A step that finds its output in the store
// sends none, but for the scores of an evaluation.
type Progress func(Event)

// ProgressLines returns a Progress that writes one line a finished step, for scripts.
func ProgressLines(w io.Writer) Progress {
	return func(e Event) {
		switch {
		case e.Note != "":
			fmt.Fprintln(w, printable.Line(e.Note))
		case e.Work() && e.Done >= e.Total:
			fmt.Fprintf(w, "%s: %d %s\n", printable.Line(e.Step), e.Total, e.Unit)
		}
	}
}

// Meter reports the progress of one step and, when it ends, its time, which goes into timing.jsonl.
type Meter struct {
	report     Progress
	plan       *plan // of the run, nil outside of one
	timingFile string
	last       Event // with the numbers of the items
	fresh      int   // items of this process
	tokens     int
	start      time.Time
}

// NewMeter begins to report a step of total items, of which an earlier process has finished done, outside a run: its
// time is not recorded. unit names an item.
func NewMeter(report Progress, step, unit string, total, done int) *Meter {
	m := &Meter{report: report, start: time.Now(), last: Event{Step: step, Done: done, Total: total, Unit: unit}}
	m.send()
	return m
}

// Add counts finished items and the tokens that they took.
func (m *Meter) Add(items, tokens int) {
	m.last.Done += items
	m.fresh += items
	m.tokens += tokens
	m.send()
}

// settled is how long a step works before its speed is told: what comes first, from a cache or in a burst, says little.
const settled = time.Second

func (m *Meter) send() {
	e := &m.last
	e.Elapsed, e.Rate, e.Left = time.Since(m.start), 0, 0
	e.Ended = e.Done >= e.Total
	if m.fresh > 0 && e.Elapsed >= settled {
		e.Rate = float64(m.fresh) / e.Elapsed.Seconds()
		e.Left = time.Duration(float64(e.Elapsed) * float64(e.Total-e.Done) / float64(m.fresh))
	}
	m.plan.place(e, m.fresh)
	m.report(*e)
}

// Reach counts up to item n of total, for a training that may have begun in an earlier process, or gone back to an
// earlier checkpoint.
func (m *Meter) Reach(n, total, tokens int) {
	m.last.Total = total
	if n < 1 || n == m.last.Done {
		return
	}
	if m.fresh == 0 || n < m.last.Done {
		m.last.Done = n - 1
	}
	m.Add(n-m.last.Done, tokens)
}

// Took is [Meter.Reach] for a step of a training of so many parameters, 0 where their number is not known.
func (m *Meter) Took(step dpo.Step, total, parameters int) {
	m.last.Training, m.last.Parameters = &step, parameters
	m.Reach(step.Step, total, step.Tokens)
}

// Stop says that the step has ended before its last item, if it has: for a step that fails, by defer.
func (m *Meter) Stop() {
	if !m.last.Ended {
		m.last.Ended = true
		m.report(m.last)
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

// End records how long the step took.
func (m *Meter) End() error {
	if m.timingFile == "" {
		return nil
	}
	return ledger.AppendLine(m.timingFile, timing{
		Step: m.last.Step, Unit: m.last.Unit, Items: m.fresh, Tokens: m.tokens,
		Seconds: time.Since(m.start).Seconds(), Ended: time.Now().UTC().Truncate(time.Second),
	})
}

// plan is what a run has still to do, so that its progress can say where the whole stands. A nil plan knows nothing.
type plan struct {
	steps   []planned
	seconds map[string]float64 // that an item takes, by kind of step, as far as it was timed
}

// planned is a step to come. It takes no time where the store holds its output.
type planned struct {
	name  string // "M0 generate"
	items int    // 0 where their number is not known
}

// newPlan is of these steps, with what an earlier process has timed. A line that cannot be read was torn when that
// process was killed.
func newPlan(steps []string, timingFile string) *plan {
	p := &plan{seconds: map[string]float64{}}
	for _, name := range steps {
		p.steps = append(p.steps, planned{name: name})
	}
	data, err := input.ReadFile(timingFile)
	if err != nil {
		return p
	}
	for line := range bytes.Lines(data) {
		var t timing
		if json.Unmarshal(line, &t) == nil && t.Items > 0 && t.Seconds > 0 {
			p.seconds[kindOf(t.Step)] = t.Seconds / float64(t.Items)
		}
	}
	return p
}

// kindOf is what a step does, whatever its model: steps of one kind take about as long for an item.
func kindOf(step string) string {
	_, kind, found := strings.Cut(step, " ")
	if !found {
		return step
	}
	return kind
}

// place says in e, of which so many items were done by this process, which of the steps it is and how long the whole
// takes still.
func (p *plan) place(e *Event, fresh int) {
	if p == nil {
		return
	}
	if fresh > 0 && e.Elapsed >= settled {
		p.seconds[kindOf(e.Step)] = e.Elapsed.Seconds() / float64(fresh)
	}
	at := slices.IndexFunc(p.steps, func(s planned) bool { return s.name == e.Step })
	if at < 0 {
		return
	}
	e.Part, e.Parts, e.Whole, e.AtLeast = at+1, len(p.steps), e.Left, false
	p.steps[at].items = e.Total
	if e.Rate == 0 {
		_, known := p.seconds[kindOf(e.Step)]
		e.AtLeast = !known
		e.Whole = p.takes(at, e.Total-e.Done)
	}
	for i := range p.steps[at+1:] {
		left := p.takes(at+1+i, p.items(at+1+i))
		e.Whole += left
		e.AtLeast = e.AtLeast || left == 0
	}
}

// items is how many a step to come has: as many as the last one of its kind, where it is not known otherwise.
func (p *plan) items(i int) int {
	for k := i - 1; k >= 0 && p.steps[i].items == 0; k-- {
		if kindOf(p.steps[k].name) == kindOf(p.steps[i].name) && p.steps[k].items > 0 {
			return p.steps[k].items
		}
	}
	return p.steps[i].items
}

// takes is the time of so many items of a step, 0 where nothing of its kind was timed. Steps in which a model answers
// take about the same.
func (p *plan) takes(i, items int) time.Duration {
	answering := []string{"evaluate", "generate", "translate", "evaluate translation"}
	kind := kindOf(p.steps[i].name)
	seconds, known := p.seconds[kind]
	for _, like := range answering {
		if !known && slices.Contains(answering, kind) {
			seconds, known = p.seconds[like]
		}
	}
	return time.Duration(seconds * float64(items) * float64(time.Second))
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
