package local

import (
	"context"
	"slices"
	"sync"
)

// queue holds the answers of Generate that no lane has begun, and tells of batches whose answers have all ended.
type queue struct {
	mu      sync.Mutex
	waiting []*answer
	todo    []*generation // batches that are not finished
}

// take removes up to n answers from the queue.
func (q *queue) take(n int) []*answer {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.waiting))
	taken := slices.Clone(q.waiting[:n])
	q.waiting = q.waiting[n:]
	return taken
}

// ended notes which of the answers have ended, and tells of the batches that are finished by it.
func (q *queue) ended(answers []*answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	news := false
	for _, a := range answers {
		a.ended = a.finish != ""
		news = news || a.ended
	}
	if !news {
		return
	}
	q.todo = slices.DeleteFunc(q.todo, func(g *generation) bool {
		finished := !slices.ContainsFunc(g.wanted, func(a *answer) bool { return !a.ended })
		if finished {
			g.finished <- nil
		}
		return finished
	})
}

// end hands a lane's error to all batches that are not finished.
func (q *queue) end(err error) {
	if err == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, g := range q.todo {
		g.finished <- err
	}
	q.todo, q.waiting = nil, nil
}

// refillAt is the number of free rows that are worth reading prompts for: reading a few takes about as long as a step
// of the whole batch.
const refillAt = batchSize / 4

// refill decodes answers of the queue until it is empty. Prompts take the places of answers that have ended.
func (l *Model) refill(ctx context.Context, q *queue) error {
	d, err := l.newDecoding(q.pages())
	if err != nil {
		return err
	}
	defer d.pages.release()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if free := batchSize - len(d.live); free >= refillAt {
			for d.join(q.take(free)); len(d.reading) > 0; {
				if err := d.read(readAtOnce); err != nil {
					return err
				}
			}
		}
		if !d.busy() {
			return nil
		}
		under := slices.Clone(d.live)
		if err := d.round(readAtOnce); err != nil {
			return err
		}
		q.ended(under)
	}
}

// pages returns the number of pages that as many answers as a lane decodes together need at most, with those that
// are kept for prompts to come.
func (q *queue) pages() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	var need []int
	for _, a := range q.waiting {
		need = append(need, pagesFor(len(a.prompt)+a.limit))
	}
	slices.Sort(need)
	n := 0
	for _, p := range need[max(0, len(need)-batchSize):] {
		n += p
	}
	return n + n/2
}
