package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// tolerance is the number of failures in a row after which an endpoint is taken out.
const tolerance = 5

// caution is the number of requests, from all over the list, that are refused, and none answered, before the run ends.
const caution = 8

// pool distributes requests over the endpoints during one run. An endpoint that fails several times in a row is taken
// out. It is asked for its list of models from time to time, and taken back when it returns it: with one request at
// first, and with all once that is answered. While no endpoint is left, requests wait. When each has been taken out as
// often as one request may be tried, without an answer in between, the run ends.
//
// As long as requests are refused and none is answered, no more than caution are sent before all of them have come
// back. When all were refused, the run ends: the server would refuse every other one too.
type pool struct {
	model  *Model
	ctx    context.Context // of the run
	probes sync.WaitGroup

	mu     sync.Mutex
	free   *sync.Cond // an endpoint may have room, or the run is over
	places []*place
	over   error

	sent, ended, refused int  // requests, each counted once however often it is tried
	answered             bool // one of them
}

var errAllRefused = errors.New("the server refuses every request")

// place is an endpoint's state in a run.
type place struct {
	*endpoint
	era      int  // how often it was taken out; reports from an earlier era are ignored
	gone     bool // it is announced no more
	inFlight int
	out      bool
	trial    bool // taken back, but has not answered yet
	failures int  // in a row
	trips    int  // in a row
	waits    *backoff.ExponentialBackOff
	pause    time.Time // it asked to get no request before
	last     error
}

func (m *Model) newPool(ctx context.Context) *pool {
	p := &pool{model: m, ctx: ctx}
	p.free = sync.NewCond(&p.mu)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range m.endpoints {
		p.add(e)
	}
	if m.folder != "" {
		p.follow()
		p.probes.Go(p.goOnFollowing)
	}
	return p
}

// add is called with the lock held.
func (p *pool) add(e *endpoint) {
	at := &place{endpoint: e, waits: p.model.waits()}
	p.places = append(p.places, at)
	if !e.known {
		p.takeOut(at)
	}
}

// lease is the right to have one request in flight.
type lease struct {
	*place
	pool *pool
	era  int
	back sync.Once
}

// take waits for room and returns a lease of the endpoint with the fewest requests in flight. first says that it is for
// the first attempt of a request.
func (p *pool) take(ctx context.Context, first bool) (*lease, error) {
	defer context.AfterFunc(ctx, p.wake)()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if p.over != nil {
			return nil, p.over
		}
		if first && p.wary() {
			p.free.Wait()
			continue
		}
		var best *place
		now := time.Now()
		for _, at := range p.places {
			room := p.model.options.InFlight
			if at.trial {
				room = 1
			}
			if !at.out && at.inFlight < room && !now.Before(at.pause) && (best == nil || at.inFlight < best.inFlight) {
				best = at
			}
		}
		if best != nil {
			best.inFlight++
			if first {
				p.sent++
			}
			return &lease{place: best, pool: p, era: best.era}, nil
		}
		p.free.Wait()
	}
}

// wary reports whether the next request has to wait for those under way. It is called with the lock held.
func (p *pool) wary() bool {
	return !p.answered && p.refused > 0 && p.sent >= caution && p.ended < p.sent
}

// end records that a request has come back for the last time.
func (p *pool) end(answered, refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended++
	p.answered = p.answered || answered
	if refused {
		p.refused++
	}
	if !p.answered && p.refused >= caution && p.refused == p.sent && p.over == nil {
		p.over = errAllRefused
	}
	if p.refused > 0 {
		p.free.Broadcast()
	}
}

func (p *pool) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free.Broadcast()
}

// release ends the lease; a second call does nothing.
func (l *lease) release() {
	l.back.Do(func() {
		l.pool.mu.Lock()
		defer l.pool.mu.Unlock()
		if l.era == l.place.era {
			l.inFlight--
			l.pool.free.Signal()
		}
	})
}

// report records the result of the request; nil means that it was answered.
func (l *lease) report(f *failure) {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case l.era != l.place.era:
	case f == nil:
		l.failures, l.trips = 0, 0
		l.waits.Reset()
		if l.trial {
			l.trial = false
			p.free.Broadcast()
		}
	default:
		if f.retryAfter > 0 {
			l.pause = time.Now().Add(f.retryAfter)
			time.AfterFunc(f.retryAfter, p.wake)
		}
		if !f.outage() {
			return
		}
		l.last = f
		if l.failures++; l.failures >= tolerance || l.trial {
			p.takeOut(l.place)
		}
	}
}

// takeOut is called with the lock held.
func (p *pool) takeOut(at *place) {
	at.out, at.trial, at.inFlight, at.failures = true, false, 0, 0
	at.era++
	if p.count(at) {
		p.probes.Go(func() { p.revive(at) })
	}
}

// count adds one to an endpoint's trips; if no endpoint has another chance, the run ends.
func (p *pool) count(at *place) (goOn bool) {
	at.trips++
	for _, other := range p.places {
		if !other.out || other.trips < p.model.options.Attempts {
			return true
		}
	}
	p.over = fmt.Errorf("%w any more, the last error is: %v%s; restart the server and run again, the answers so far are "+
		"kept", ErrUnreachable, at.last, p.model.in(at.base))
	p.free.Broadcast()
	return false
}

// revive asks an endpoint for its list of models until it returns it.
func (p *pool) revive(at *place) {
	for {
		p.mu.Lock()
		wait := at.waits.NextBackOff()
		if !at.known && at.trips == 1 {
			wait = 0
		}
		p.mu.Unlock()
		select {
		case <-p.ctx.Done():
			return
		case <-time.After(wait):
		}
		said, err := p.model.describe(p.ctx, at.endpoint)
		if err == nil && said.identity != p.model.identity {
			err = fmt.Errorf("%s now serves %s instead of %s", at.url, said.identity, p.model.identity)
		}
		p.mu.Lock()
		if at.gone {
			p.mu.Unlock()
			return
		}
		if err == nil {
			at.out, at.trial, at.known = false, true, true
			p.free.Broadcast()
			p.mu.Unlock()
			return
		}
		at.last = err
		goOn := p.over == nil && p.count(at)
		p.mu.Unlock()
		if !goOn {
			return
		}
	}
}
