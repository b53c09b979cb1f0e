package local

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/transformer"
)

// pages is the key-value cache of one lane: pages that answers take as they grow and give back when they end, and that
// hold the beginnings of prompts in between.
type pages struct {
	model    *Model
	cache    *tensors.Tensor
	reserved *cpu.Reserved // where the cache lies on our backend: memory is taken as pages are first written
	size     int           // pages of the cache's shape
	bytes    int           // of a page
	free     []int32       // those that are in use last are taken first
	users    []int         // answers that have the page
	dirty    []bool        // it does not hold zeros
	known    prefixes
}

// pagesFor returns the number of pages that n positions fill.
func pagesFor(n int) int { return (n + transformer.PageSize - 1) / transformer.PageSize }

// keepBytes bounds the pages that only hold the beginnings of prompts for those to come.
const keepBytes = 512 << 20

// pageBytes returns the size of a page.
func (l *Model) pageBytes() int {
	shape := l.transformer.CacheShape(1)
	return shape.Size() * shape.DType.Size()
}

// newPages returns a cache of n pages, and of page 0, which is nobody's. A graph is compiled for one shape, so the
// cache has more pages, up to few sizes: to a power of two where nothing but what is written takes memory.
func (l *Model) newPages(n int) (*pages, error) {
	p := &pages{model: l, bytes: l.pageBytes(), users: make([]int, n+1), dirty: make([]bool, n+1)}
	p.size = lengthBucket(n + 1)
	if b, ok := l.backend.(*cpu.Backend); ok {
		var err error
		for _, p.size = range []int{rowBucket(n + 1), n + 1} { // the second where a limit is on the process's addresses
			if p.reserved, err = b.Reserve(l.transformer.CacheShape(p.size)); err == nil {
				break
			}
		}
		if err != nil {
			return nil, fmt.Errorf("make a key-value cache: %w", err)
		}
	}
	p.known.keep = min(n/4, keepBytes/p.bytes)
	return p, p.empty()
}

// empty forgets everything, as after an error, when the cache may be lost.
func (p *pages) empty() (err error) {
	p.free, p.known.root, p.known.nodes = p.free[:0], branch{}, nil
	for id := len(p.users) - 1; id > 0; id-- {
		p.free, p.users[id] = append(p.free, int32(id)), 0
	}
	if p.reserved == nil {
		p.cache = tensors.FromShape(p.model.transformer.CacheShape(p.size))
		clear(p.dirty)
		return nil
	}
	p.cache, err = tensors.FromBuffer(p.reserved.Buffer())
	return err
}

// release returns the memory to the system.
func (p *pages) release() {
	p.cache.FinalizeAll() // nothing can be done if that fails
	if p.reserved != nil {
		p.reserved.Release()
	}
}

// donated gives the cache to a computation, which returns it.
func (p *pages) donated() (any, error) { return graph.DonateTensorBuffer(p.cache, p.model.backend, 0) }

// idle returns the number of pages that no answer has.
func (p *pages) idle() int { return len(p.free) + p.known.unused(p.users) }

// take gives an answer n pages of zeros. The beginnings that were not asked for longest are forgotten for them.
func (p *pages) take(a *answer, n int) error {
	for len(p.free) < n {
		id, ok := p.known.forget(p.users)
		if !ok {
			return fmt.Errorf("the key-value cache has %d pages, and %d more are needed: the answers together were let in "+
				"wrongly", len(p.users)-1, n-len(p.free))
		}
		p.free = append(p.free, id)
	}
	taken := slices.Clone(p.free[len(p.free)-n:])
	p.free = p.free[:len(p.free)-n]
	slices.Reverse(taken)
	var dirty []int32
	for _, id := range taken {
		if p.users[id] = 1; p.dirty[id] {
			dirty = append(dirty, id)
		}
		p.dirty[id] = true
	}
	a.pages = append(a.pages, taken...)
	return p.copy(make([]int32, len(dirty)), dirty)
}

// share gives an answer pages that hold the beginning of its text.
func (p *pages) share(a *answer, shared []int32) {
	for _, id := range shared {
		p.users[id]++
	}
	a.pages = append(a.pages, shared...)
}

// drop takes an answer's pages from it.
func (p *pages) drop(a *answer) {
	for _, id := range a.pages {
		if p.users[id]--; p.users[id] == 0 && !p.known.holds(id) {
			p.free = append(p.free, id)
		}
	}
	a.pages, a.read = nil, 0
	for p.known.unused(p.users) > p.known.keep {
		id, ok := p.known.forget(p.users)
		if !ok {
			return
		}
		p.free = append(p.free, id)
	}
}

// learn keeps what has been read of a prompt for those that begin with the same tokens.
func (p *pages) learn(a *answer) {
	if p.model.shares {
		p.free = append(p.free, p.known.add(a.prompt, a.pages, p.users)...)
	}
}

// copy makes each page of to a copy of one of from, page 0 for an empty one. Another backend than ours does it by a
// graph.
func (p *pages) copy(from, to []int32) error {
	if len(to) == 0 {
		return nil
	}
	if p.reserved != nil {
		mem := p.reserved.Bytes()
		for k, id := range to {
			copy(mem[int(id)*p.bytes:][:p.bytes], mem[int(from[k])*p.bytes:][:p.bytes])
		}
		return nil
	}
	n := rowBucket(len(to))
	padded := func(ids []int32) *tensors.Tensor {
		return int32s(append(slices.Clone(ids), make([]int32, n-len(ids))...), n)
	}
	cache, err := p.donated()
	if err != nil {
		return fmt.Errorf("copy pages: %w", err)
	}
	p.cache, err = p.model.copyPages.Call1(padded(from), padded(to), cache)
	return err
}

// begin makes the next page of an answer a copy of the first n positions of another page, of which no more are the
// answer's. Only our backend does it.
func (p *pages) begin(a *answer, from int32, n int) error {
	p.users[from]++ // so that it is not forgotten for the new page
	err := p.take(a, 1)
	p.users[from]--
	if err != nil {
		return err
	}
	mem, to := p.reserved.Bytes(), a.pages[len(a.pages)-1]
	part := p.bytes / p.model.transformer.CacheShape(1).Dim(1) // of one head's keys or values
	for at := 0; at < p.bytes; at += part {
		some := part / transformer.PageSize * n
		copy(mem[int(to)*p.bytes+at:][:some], mem[int(from)*p.bytes+at:][:some])
	}
	return nil
}

// rest returns the memory of free pages to the system.
func (p *pages) rest() {
	if p.reserved == nil {
		return
	}
	for _, id := range p.free {
		if p.dirty[id] {
			p.reserved.Forget(int(id)*p.bytes, (int(id)+1)*p.bytes)
			p.dirty[id] = false
		}
	}
}
