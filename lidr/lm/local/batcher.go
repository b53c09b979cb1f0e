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
// decoding steps, waiting queries are read in the order of their arrival and join the batch, and ended answers leave
// it. A query joins when the key-value cache has room for its longest answer, so that no answer under way ever lacks
// memory.
type Batcher struct {
	model *Model
	rows  int // answers under way at once in each lane
	room  int // bytes that the caches of all lanes may fill

	mu      sync.Mutex
	changed *sync.Cond // a query has arrived, a lane needs less, or the batcher is closed
	waiting []*Stream
	needs   map[*decoding]int // bytes of each lane's cache when its answers are at their longest
	idle    *time.Timer       // returns the memory of lanes that have nothing to do
	closed  bool
	lanes   sync.WaitGroup
}

// idleTime is how long a batcher without queries keeps its memory.
const idleTime = time.Second

// NewBatcher starts a batcher that computes at least maxBatch answers together, with caches of at most room bytes.
// Until Close, other calls of the model wait.
func (l *Model) NewBatcher(maxBatch, room int) *Batcher {
	l.mu.Lock()
	b := &Batcher{model: l, rows: (max(1, maxBatch) + l.lanes - 1) / l.lanes, room: room, needs: map[*decoding]int{}}
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
	if need := b.model.cacheBytes([]*answer{s.answer}); need > b.room {
		return nil, fmt.Errorf("%w: %s for %d tokens of the prompt and up to %d of the answer, and there is %s; shorten them",
			ErrTooLarge, humanize.IBytes(uint64(need)), len(q.Prompt), s.answer.limit, humanize.IBytes(uint64(b.room)))
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
		if len(d.going()) == 0 {
			d.release()
			d.live, d.rows, d.size = nil, 0, 0
		}
		fresh, open := b.take(d)
		err := ErrClosed
		if open {
			err = d.step(fresh)
		}
		if err != nil {
			for _, a := range append(fresh, d.live...) {
				if a.stream != nil {
					a.stream.fail(err)
				}
			}
		}
		if !open {
			d.release()
			return
		}
	}
}

// take returns the waiting answers that join lane d now, and whether the batcher is open. A lane without answers waits
// for the first.
func (b *Batcher) take(d *decoding) (fresh []*answer, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var going []*answer
	for _, r := range d.going() {
		going = append(going, d.live[r])
	}
	b.claim(d, max(b.model.cacheBytes(going), d.bytes()))
	for !b.closed {
		for len(b.waiting) > 0 && len(going) < b.rows {
			next := b.waiting[0]
			if !next.unwanted() {
				all := append(going, next.answer)
				if need := max(b.model.cacheBytes(all), d.bytes()); b.claim(d, need) {
					going, fresh = all, append(fresh, next.answer)
				} else {
					break
				}
			}
			b.waiting[0] = nil
			b.waiting = b.waiting[1:]
		}
		if len(going) > 0 {
			break
		}
		b.changed.Wait()
	}
	return fresh, !b.closed
}

// claim reports whether lane d may fill need bytes, and notes it if so. A lane may always keep what it has claimed.
func (b *Batcher) claim(d *decoding, need int) bool {
	before := b.needs[d]
	total := need
	for lane, bytes := range b.needs {
		if lane != d {
			total += bytes
		}
	}
	if total > b.room && need > before {
		return false
	}
	b.needs[d] = need
	if need < before {
		b.changed.Broadcast()
	}
	if total == 0 {
		b.idle.Reset(idleTime)
	} else {
		b.idle.Stop()
	}
	return true
}

// rest returns the memory that the last answers have filled.
func (b *Batcher) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, bytes := range b.needs {
		if bytes > 0 {
			return
		}
	}
	if c, ok := b.model.backend.(*cpu.Backend); ok {
		c.Trim()
	}
	debug.FreeOSMemory()
}

// cacheBytes returns the size of the key-value cache that answers need together when each is as long as it may become,
// with an eighth for moving it.
func (l *Model) cacheBytes(answers []*answer) int {
	if len(answers) == 0 {
		return 0
	}
	longest := 0
	for _, a := range answers {
		longest = max(longest, len(a.prompt)+a.limit)
	}
	c := l.transformer.Config
	position := 2 * 4 * c.NumHiddenLayers * c.NumKeyValueHeads * c.HeadDim // keys and values, float32
	return rowBucket(len(answers)) * cacheRoom(lengthBucket(longest)) * position / 8 * 9
}

// bytes returns the size of the batch's cache now.
func (d *decoding) bytes() int {
	n := 0
	for _, t := range d.cache {
		n += 4 * t.Shape().Size()
	}
	return n
}

// step reads the fresh prompts, which gives their first tokens, and then draws one more token for every answer.
func (d *decoding) step(fresh []*answer) error {
	for _, group := range alike(fresh) {
		if err := d.model.tellPrompts(group); err != nil {
			return err
		}
		group = slices.DeleteFunc(slices.Clone(group), func(a *answer) bool { return a.finish != "" })
		if len(group) == 0 {
			continue
		}
		n := &decoding{model: d.model, live: group}
		err := n.read()
		if err == nil {
			err = d.join(n)
		}
		if err != nil {
			n.release()
			return err
		}
	}
	for _, a := range d.live {
		if a.finish == "" && a.stream.unwanted() {
			a.finish = abandoned
		}
	}
	if len(d.going()) == 0 {
		return nil
	}
	return d.advance()
}

// readAtOnce is the number of tokens of prompts, padding included, that are read together at most: what reading
// computes takes more memory than the keys and values that remain.
const readAtOnce = 8192

// alike sorts answers by the length of their prompts and cuts them into groups in which no prompt is padded to more
// than twice its length, or to more than 64 tokens if that is more, of at most readAtOnce tokens. Equal prompts count
// once.
func alike(answers []*answer) (groups [][]*answer) {
	slices.SortStableFunc(answers, func(a, b *answer) int {
		return cmp.Or(cmp.Compare(len(a.prompt), len(b.prompt)), slices.Compare(a.prompt, b.prompt))
	})
	from, distinct := 0, 0
	for to, a := range answers {
		if to > from && slices.Equal(a.prompt, answers[to-1].prompt) && !a.stream.tellsPrompt() {
			continue
		}
		if to > from && (len(a.prompt) > max(64, 2*len(answers[from].prompt)) ||
			rowBucket(distinct+1)*lengthBucket(len(a.prompt)) > readAtOnce) {
			groups = append(groups, answers[from:to])
			from, distinct = to, 0
		}
		distinct++
	}
	if len(answers) > 0 {
		groups = append(groups, answers[from:])
	}
	return groups
}
