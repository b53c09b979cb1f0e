package tracking

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"lidrlab/lidr"
)

// sink is a program that curves are sent to.
type sink interface {
	name() string
	// send gives the points of a curve of the run in folder dir, all that there are, in the order of their steps: what
	// the program has already is not given again. ended says that no more are to come for now.
	send(dir, curve string, points []point, ended bool) error
}

// A program that failed is left alone for a while, so that a run spends at most a tenth of its time on it.
const (
	rest      = 30 * time.Second
	restTimes = 10
)

// often is the time between two sendings while a training works.
const often = 2 * time.Second

// follower passes a run's progress on and sends its curves.
type follower struct {
	mu       sync.Mutex
	inner    lidr.Progress
	settings Settings
	sinks    []*state
	runs     map[string]*record // by folder
}

// state is how a sink fares.
type state struct {
	sink
	failures int       // attempts
	again    time.Time // when it is tried again
}

// Option sends the curves of the run that is opened with it, and of what belongs to it, such as the runs of a sweep. It
// stands after lidr.WithProgress.
func Option(s Settings) (lidr.Option, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return func(r *lidr.Run) {
		follow, err := Follow(r.Progress(), s)
		if err == nil { // as it was validated
			lidr.WithProgress(follow)(r)
		}
	}, nil
}

// Follow returns a Progress that passes everything on to p and sends the curves of all runs that report to it.
func Follow(p lidr.Progress, s Settings) (lidr.Progress, error) {
	sinks, err := s.sinks()
	if err != nil {
		return nil, err
	}
	f := &follower{inner: p, settings: s, runs: map[string]*record{}}
	for _, one := range sinks {
		f.sinks = append(f.sinks, &state{sink: one})
	}
	return f.report, nil
}

func (f *follower) report(e lidr.Event) {
	f.inner(e)
	if e.Run == "" || len(f.sinks) == 0 || e.Training == nil && e.Scores == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	run := f.runs[e.Run]
	if run == nil {
		run = openRecord(e.Run)
		f.runs[e.Run] = run
	}
	if e.Training != nil {
		f.note(e.Run, run.step(e, f.settings.PeakTFLOPS))
	}
	ended := e.Scores != nil || e.Ended
	if e.Scores != nil {
		f.note(e.Run, run.readFiles())
	}
	if ended || time.Since(run.sent) >= often {
		run.sent = time.Now()
		f.send(run, ended)
	}
}

// note tells the reader what could not be read or kept; the run goes on.
func (f *follower) note(run string, err error) {
	if err != nil {
		f.inner(lidr.Event{Run: run, Note: fmt.Sprintf("tracking: %v; the run goes on", err)})
	}
}

// send gives every sink the curves of a run.
func (f *follower) send(run *record, ended bool) {
	for _, s := range f.sinks {
		if time.Now().Before(s.again) && !ended {
			continue
		}
		start := time.Now()
		var failed error
		for _, name := range run.names() {
			if failed == nil {
				failed = s.send(run.dir, name, run.points(name), ended)
			}
		}
		if failed == nil {
			s.failures = 0
			continue
		}
		s.failures++
		s.again = time.Now().Add(max(rest, restTimes*time.Since(start)))
		if s.failures == 1 {
			f.note(run.dir, fmt.Errorf("%s does not take the curves of %s: %s", s.name(), run.dir, oneLine(failed)))
		} else if ended {
			f.note(run.dir, fmt.Errorf("%s still lacks curves of %s, after %d attempts: %s; the same command sends them when "+
				"it answers", s.name(), run.dir, s.failures, oneLine(failed)))
		}
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
