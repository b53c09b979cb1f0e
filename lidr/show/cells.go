package show

import (
	"sync"
	"time"
)

// Cells are several runs at work, such as those of a sweep, of which each one's progress tells where the whole stands.
type Cells struct {
	reporting sync.Mutex // a progress is called from one goroutine at a time
	number    int
	over      int           // of them
	timed     int           // of those that are over, the ones that had to work
	began     time.Time     // of the first work
	took      time.Duration // until the last that worked was over
}

// NewCells begins so many runs, of which some are over already.
func NewCells(number, over int) *Cells { return &Cells{number: number, over: over} }

// Cell reports the work of run k, from 1, to outer, as one of all. over is to be called when the run is done.
func (c *Cells) Cell(k int, name string, outer func(Event)) (progress func(Event), over func()) {
	worked := false
	progress = func(e Event) {
		c.reporting.Lock()
		defer c.reporting.Unlock()
		if e.Work() {
			worked = true
			c.place(&e, k, name)
		}
		outer(e)
	}
	return progress, func() {
		c.reporting.Lock()
		defer c.reporting.Unlock()
		c.over++
		if worked {
			c.timed++
			c.took = time.Since(c.began)
		}
	}
}

// place says in e which of all it is, and how long they take still: before one of them is over, no less than this one.
func (c *Cells) place(e *Event, k int, name string) {
	if c.began.IsZero() {
		c.began = time.Now()
	}
	e.Step, e.Cell, e.Cells, e.AtLeast = name+": "+e.Step, k, c.number, true
	if c.timed > 0 {
		all := c.took / time.Duration(c.timed) * time.Duration(c.number-c.over)
		e.Whole, e.AtLeast = max(e.Left, all-(time.Since(c.began)-c.took)), false
	}
}
