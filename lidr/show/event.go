package show

import (
	"sync"
	"time"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
)

// Event is one report of progress.
type Event struct {
	Run     string // the run's folder, "" outside of one
	Step    string // what is being done, with the model's name: "M0 generate"
	Done    int    // items finished, those of an earlier process included
	Total   int    // items in all
	Unit    string // what an item is: "answers", "steps"
	Elapsed time.Duration
	Rate    float64       // items a second in this process, 0 before the first
	Left    time.Duration // of the step, 0 while Rate is
	Ended   bool          // no event of the step follows: it failed, or Done = Total
	Note    string        // if not empty, the event is this message to the reader, and nothing else

	Part, Parts int           // which of the steps of the run it is, from 1; 0 where their number is not known
	Cell, Cells int           // which of several runs, from 1; 0 where there is one
	Whole       time.Duration // time left in all, 0 where it is not known
	AtLeast     bool          // steps whose like was never timed are missing from Whole

	Training   *dpo.Step    // of a training, the step that it has just taken; nil elsewhere
	Parameters int          // of the model in training
	Scores     []eval.Score // if not nil, the event is this: a model of the run was evaluated, now or earlier
}

// Work says whether the event is about a step's work, and no message or result.
func (e Event) Work() bool { return e.Note == "" && e.Scores == nil }

// Display draws the events of one process. While a step works, what is drawn is never older than Every.
type Display struct {
	Least time.Duration // between two drawings
	Every time.Duration
	Draw  func(Event)  // a step at work
	Done  func(Event)  // a step has ended, or has failed, which its error tells
	Note  func(string) // a message to the reader

	mu    sync.Mutex
	open  map[string]Event // of the steps at work, the last event
	at    map[string]time.Time
	last  string // the step that is drawn
	drawn time.Time
	timer *time.Timer
}

// Report draws an event, or lets it pass.
func (d *Display) Report(e Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.Note != "" {
		d.Note(e.Note)
		return
	}
	if !e.Work() {
		return
	}
	if d.open == nil {
		d.open, d.at = map[string]Event{}, map[string]time.Time{}
	}
	if e.Done >= e.Total || e.Ended {
		delete(d.open, e.Step)
		delete(d.at, e.Step)
		if len(d.open) == 0 && d.timer != nil {
			d.timer.Stop()
		}
		d.Done(e)
		return
	}
	d.open[e.Step], d.at[e.Step], d.last = e, time.Now(), e.Step
	if time.Since(d.drawn) >= d.Least {
		d.draw(e)
	}
	if d.timer == nil {
		d.timer = time.AfterFunc(d.Every, d.again)
	} else if len(d.open) == 1 {
		d.timer.Reset(max(0, d.Every-time.Since(d.drawn)))
	}
}

func (d *Display) draw(e Event) {
	d.drawn = time.Now()
	d.Draw(e)
}

// again draws what the last event said, with the time that has passed since.
func (d *Display) again() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.open) == 0 {
		return
	}
	e, known := d.open[d.last]
	for step := range d.open {
		if !known { // the drawn step has ended, another of a sweep is at work
			e, known, d.last = d.open[step], true, step
		}
	}
	if wait := d.Every - time.Since(d.drawn); wait > 0 {
		d.timer.Reset(wait)
		return
	}
	passed := time.Since(d.at[d.last])
	e.Elapsed += passed
	e.Left, e.Whole = max(0, e.Left-passed), max(0, e.Whole-passed)
	d.draw(e)
	d.timer.Reset(d.Every)
}
