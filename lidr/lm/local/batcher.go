package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/lm"
)

// ErrClosed is the error of answers that are under way when their batcher is closed.
var ErrClosed = errors.New("the model is being stopped")

// ErrTooLarge is the error of a query whose answer would not fit in the batcher's memory even alone.
var ErrTooLarge = errors.New("prompt and answer need more memory than there is for answers")

// Batcher answers queries as they arrive, by continuous batching (Yu et al. 2022, "Orca", OSDI): between any two
// decoding steps, waiting queries join in the order of their arrival, a piece of their prompts is read (Agrawal et al.
// 2023, "Sarathi", arXiv 2308.16369), and ended answers leave. A query joins when the key-value cache has pages for its
// longest answer, so that no answer under way ever lacks memory. The beginnings of prompts stay in the cache for later
// queries as long as there is room.
type Batcher struct {
	model *Model
	rows  int // answers under way at once in each lane
	room  int // pages of each lane
	piece int // tokens of prompts that are read between two steps

	mu      sync.Mutex
	changed *sync.Cond // a query has arrived, or the batcher is closed
	waiting []*Stream
	resting []*decoding // lanes that have nothing to do
	idle    *time.Timer // returns their memory
	closed  bool
	lanes   sync.WaitGroup
}

// idleTime is how long a batcher without queries keeps its memory.
const idleTime = time.Second

// PromptPiece is the number of tokens of prompts that are read between two steps of answers under way, unless a caller
// chooses another: a step of a large batch takes about as long.
const PromptPiece = 256

// NewBatcher starts a batcher that computes at least maxBatch answers together, with caches of at most room bytes.
// While answers are being written, prompts are read in pieces of about that many tokens between their tokens. Until
// Close, other calls of the model wait.
func (l *Model) NewBatcher(maxBatch, room, piece int) *Batcher {
	l.mu.Lock()
	b := &Batcher{model: l, rows: (max(1, maxBatch) + l.lanes - 1) / l.lanes, piece: max(1, piece)}
	b.room = min(room/l.pageBytes()/l.lanes, b.rows*pagesFor(l.ContextLength())+keepBytes/l.pageBytes())
	b.changed = sync.NewCond(&b.mu)
	b.idle = time.AfterFunc(idleTime, b.rest)
	for range l.lanes {
		b.lanes.Go(b.lane)
	}
	return b
}

// Close ends the answers under way with ErrClosed and waits for the end of all computation.
func (b *Batcher) Close() {
	b.mu.Lock()
	again := b.closed
	b.closed = true
	for _, s := range b.waiting {
		s.fail(ErrClosed)
	}
	b.waiting = nil
	b.idle.Stop()
	b.changed.Broadcast()
	b.mu.Unlock()
	b.lanes.Wait()
	if !again {
		b.model.mu.Unlock()
	}
}

// Submit puts a query at the end of the queue, which has no limit. A query whose ctx has ended leaves the queue, or the
// batch before its next step.
func (b *Batcher) Submit(ctx context.Context, q Query) (*Stream, error) {
	if q.PromptOnly {
		q.Sampling = lm.Sampling{}
	} else if err := q.Sampling.Validate(); err != nil {
		return nil, fmt.Errorf("sampling: %w", err)
	}
	limit, vocabulary := b.model.ContextLength(), b.model.transformer.Config.VocabSize
	room := limit - 1 // for the prompt
	if q.PromptOnly {
		room = limit
	}
	if n := len(q.Prompt); n == 0 || n > room {
		return nil, fmt.Errorf("the prompt has %d tokens, expected 1 to %d in the context of %d", n, room, limit)
	}
	for _, id := range q.Prompt {
		if id < 0 || id >= vocabulary {
			return nil, fmt.Errorf("the prompt has token %d, expected 0 to %d", id, vocabulary-1)
		}
	}
	s := &Stream{query: q, context: ctx, news: make(chan struct{}, 1)}
	id := "" // as that of a request of Generate without an ID
	if q.Choice > 0 {
		id = strconv.Itoa(q.Choice)
	}
	s.answer = &answer{prompt: q.Prompt, limit: min(q.Sampling.MaxTokens, limit-len(q.Prompt)),
		sampler: newSampler(q.Sampling, id, q.Prompt), stream: s, endless: q.IgnoreEnd}
	if need := s.answer.most(); need > b.room {
		bytes := func(pages int) string { return humanize.IBytes(uint64(pages * b.model.pageBytes())) }
		return nil, fmt.Errorf("%w: %s for %d tokens of the prompt and up to %d of the answer, and there is %s; shorten them",
			ErrTooLarge, bytes(need), len(q.Prompt), s.answer.limit, bytes(b.room))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	b.waiting = append(slices.DeleteFunc(b.waiting, (*Stream).unwanted), s)
	b.changed.Broadcast()
	return s, nil
}

// lane decodes a batch until the batcher is closed.
func (b *Batcher) lane() {
	d := &decoding{model: b.model}
	for {
		fresh, open := b.take(d)
		err := ErrClosed
		if open {
			err = b.step(d, fresh)
		}
		if err != nil {
			for _, a := range slices.Concat(fresh, d.all()) {
				a.stream.fail(err)
			}
			if d.pages != nil {
				d.pages.release()
			}
			d = &decoding{model: b.model}
		}
		if !open {
			return
		}
	}
}

// take returns the waiting answers that join lane d now, and whether the batcher is open. A lane without answers waits
// for the first.
func (b *Batcher) take(d *decoding) (fresh []*answer, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	under, need := len(d.all()), d.need()
	for !b.closed {
		for len(b.waiting) > 0 && under < b.rows {
			if next := b.waiting[0]; !next.unwanted() {
				if need+next.answer.most() > b.room {
					break
				}
				need, under = need+next.answer.most(), under+1
				fresh = append(fresh, next.answer)
			}
			b.waiting[0] = nil
			b.waiting = b.waiting[1:]
		}
		if under > 0 {
			break
		}
		b.resting = append(b.resting, d)
		b.idle.Reset(idleTime)
		b.changed.Wait()
		b.idle.Stop()
		b.resting = slices.DeleteFunc(b.resting, func(other *decoding) bool { return other == d })
	}
	return fresh, !b.closed
}

// rest returns the memory that the last answers have filled.
func (b *Batcher) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.resting) < b.model.lanes {
		return
	}
	for _, d := range b.resting {
		if d.pages != nil {
			d.pages.rest()
		}
	}
	if c, ok := b.model.backend.(*cpu.Backend); ok {
		c.Trim()
	}
	debug.FreeOSMemory()
}

// step computes what queries ask of their prompts, and then a round. A lane gets its cache when it has the first query.
func (b *Batcher) step(d *decoding, fresh []*answer) error {
	if d.pages == nil {
		begun, err := b.model.newDecoding(b.room)
		if err != nil {
			return err
		}
		*d = *begun
	}
	for _, group := range alike(fresh) {
		if err := b.model.tellPrompts(group); err != nil {
			return err
		}
	}
	d.join(slices.DeleteFunc(fresh, func(a *answer) bool { return a.finish != "" }))
	for _, a := range d.all() {
		if a.finish == "" && a.stream.unwanted() {
			a.finish = abandoned
		}
	}
	d.forsake()
	if d.leave(); len(d.live) == 0 {
		return d.round(readAtOnce)
	}
	return d.round(b.piece)
}

// all returns the answers under way.
func (d *decoding) all() (all []*answer) {
	for _, a := range d.reading {
		all = append(append(all, a), a.twins...)
	}
	return append(all, d.live...)
}

// need returns the number of pages that the answers under way have, or will have when each is as long as it may become.
func (d *decoding) need() int {
	if d.pages == nil {
		return 0
	}
	n := len(d.pages.users) - 1 - d.pages.idle()
	for _, a := range d.all() {
		n += a.most() - len(a.pages)
	}
	return n
}

// most returns the number of pages that the answer needs when it is as long as it may become.
func (a *answer) most() int { return pagesFor(len(a.prompt) + a.limit) }

// forsake takes answers that nobody waits for out of those being read. The first twin of one goes on in its place.
func (d *decoding) forsake() {
	reading := d.reading
	d.reading = nil
	for _, a := range reading {
		twins := slices.DeleteFunc(a.twins, func(a *answer) bool { return a.finish != "" })
		if a.finish != "" && len(twins) > 0 {
			heir := twins[0]
			heir.pages, heir.read, heir.shared, a.pages, twins = a.pages, a.read, a.shared, nil, twins[1:]
			d.reading = append(d.reading, heir)
			heir.twins = twins
			continue
		}
		if a.twins = twins; a.finish != "" {
			d.pages.drop(a)
			continue
		}
		d.reading = append(d.reading, a)
	}
}

// alike sorts answers by the length of their prompts and cuts them into groups in which no prompt is padded to more
// than twice its length, or to more than 64 tokens if that is more, of at most readAtOnce tokens.
func alike(answers []*answer) (groups [][]*answer) {
	answers = slices.Clone(answers)
	slices.SortStableFunc(answers, func(a, b *answer) int { return cmp.Compare(len(a.prompt), len(b.prompt)) })
	from := 0
	for to, a := range answers {
		if to > from && (len(a.prompt) > max(64, 2*len(answers[from].prompt)) ||
			rowBucket(to+1-from)*lengthBucket(len(a.prompt)) > readAtOnce) {
			groups = append(groups, answers[from:to])
			from = to
		}
	}
	if len(answers) > 0 {
		groups = append(groups, answers[from:])
	}
	return groups
}
