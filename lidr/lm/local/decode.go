package local

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// decoding is the work of a lane: answers whose texts are being read, and answers that are being written, token by
// token.
type decoding struct {
	model   *Model
	pages   *pages
	reading []*answer // in the order of their arrival
	live    []*answer // row r of the batch
}

// newDecoding returns a lane with a cache of n pages.
func (l *Model) newDecoding(n int) (*decoding, error) {
	if err := l.place(); err != nil {
		return nil, err
	}
	p, err := l.newPages(n)
	return &decoding{model: l, pages: p}, err
}

// decode finishes all answers of a batch.
func (l *Model) decode(ctx context.Context, answers []*answer) error {
	n := 0
	for _, a := range answers {
		n += pagesFor(len(a.prompt) + a.limit)
	}
	d, err := l.newDecoding(n)
	if err != nil {
		return err
	}
	defer d.pages.release()
	d.join(answers)
	for d.busy() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.round(readAtOnce); err != nil {
			return err
		}
	}
	return nil
}

// busy reports whether any answer is under way.
func (d *decoding) busy() bool { return len(d.reading)+len(d.live) > 0 }

// round reads the next pieces of prompts, of about most tokens together, and then draws one more token for every answer
// whose prompt has been read.
func (d *decoding) round(most int) error {
	if len(d.reading) > 0 {
		if err := d.read(most); err != nil {
			return err
		}
	}
	if err := d.readOutgrown(); err != nil {
		return err
	}
	d.leave()
	if len(d.live) == 0 {
		return nil
	}
	return d.feed()
}

// leave takes answers that have ended out of the batch.
func (d *decoding) leave() {
	d.live = slices.DeleteFunc(d.live, func(a *answer) bool {
		if a.finish == "" {
			return false
		}
		d.pages.drop(a)
		return true
	})
}

// readOutgrown reads answers again whose text has just outgrown a rotary embedding's short factors, as transformers
// does, and draws their next token.
func (d *decoding) readOutgrown() error {
	limit := d.model.transformer.ShortLength()
	if limit == 0 {
		return nil
	}
	grown := func(a *answer) bool { return a.finish == "" && a.length() == limit+1 && a.read == limit }
	var again []*answer
	for _, a := range d.live {
		if grown(a) {
			again = append(again, a)
		}
	}
	d.live = slices.DeleteFunc(d.live, grown)
	later := d.reading
	for d.reading = again; len(d.reading) > 0; {
		for _, a := range d.reading {
			d.pages.drop(a)
		}
		if err := d.read(readAtOnce); err != nil {
			return err
		}
	}
	d.reading = later
	return nil
}

// feed gives the last token of each live answer to the model and draws the next.
func (d *decoding) feed() error {
	rows, n := rowBucket(len(d.live)), 0
	tokens, lengths, starts := make([]int32, rows), make([]int32, rows), make([]int32, rows)
	for _, a := range d.live {
		if err := d.pages.take(a, pagesFor(a.read+1)-len(a.pages)); err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		n = max(n, len(a.pages))
	}
	table := newTable(rows, n)
	for r, a := range d.live {
		tokens[r], lengths[r], starts[r] = int32(a.tokens[len(a.tokens)-1]), 1, int32(a.read)
		table.set(r, a.pages)
		a.read++
	}
	logits, err := d.call(d.model.step, int32s(tokens, rows), lengths, starts, table)
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return d.draw(logits, d.live, nil)
}

// table names the pages of each row of a batch.
type table struct {
	ids  []int32
	wide int
}

// newTable returns a table for up to n pages a row: a graph is compiled for one size, a power of two.
func newTable(rows, n int) table { return table{make([]int32, rows*rowBucket(n)), rowBucket(n)} }

func (t table) set(row int, pages []int32) { copy(t.ids[row*t.wide:][:t.wide], pages) }

// call computes logits [rows, V] by a graph that changes the cache.
func (d *decoding) call(exec *model.Exec, tokens *tensors.Tensor, lengths, starts []int32,
	t table) (*tensors.Tensor, error) {
	cache, err := d.pages.donated()
	if err != nil {
		return nil, err
	}
	rows := len(lengths)
	out, err := exec.Call(tokens, int32s(lengths, rows), int32s(starts, rows), int32s(t.ids, rows, t.wide), cache)
	if err != nil {
		return nil, err
	}
	d.pages.cache = out[1]
	return out[0], nil
}

// draw adds to each of some answers that have not ended the token drawn from its row of logits [rows, V]; answer k has
// row of[k], or k if of is nil.
func (d *decoding) draw(logits *tensors.Tensor, answers []*answer, of []int) error {
	v := logits.Shape().Dim(1)
	flat, err := d.model.flat(logits)
	if err != nil {
		return fmt.Errorf("draw tokens: %w", err)
	}
	rows, given := make([][]float32, len(answers)), make([][]float32, len(answers))
	taken := map[int]bool{} // rows that an answer before has: drawing changes them
	for k, a := range answers {
		at := k
		if of != nil {
			at = of[k]
		}
		rows[k] = flat[at*v:][:v]
		if rows[k][0] != rows[k][0] {
			return fmt.Errorf("draw tokens: the model's logits are not numbers; its weights are broken, load another " +
				"checkpoint")
		}
		given[k] = a.stream.copied(rows[k])
		if taken[at] {
			rows[k] = slices.Clone(rows[k])
		}
		taken[at] = true
	}
	tokens := make([]int, len(answers))
	d.model.each(len(answers), v, func(k int) { tokens[k] = answers[k].sampler.next(rows[k]) })
	for k, a := range answers {
		a.add(tokens[k], d.model.spelling(tokens[k]), d.model.eos[tokens[k]])
		a.stream.tell(tokens[k], given[k])
	}
	return logits.FinalizeAll()
}

// flat returns the data of a tensor: its own memory if the backend shares it, else a copy.
func (l *Model) flat(t *tensors.Tensor) (flat []float32, err error) {
	if !l.backend.HasSharedBuffers() {
		return tensors.CopyFlatData[float32](t)
	}
	buffer, err := t.Buffer(l.backend, 0)
	if err != nil {
		return nil, err
	}
	data, err := buffer.Data()
	if err != nil {
		return nil, err
	}
	return data.([]float32), nil
}

// each calls f for the numbers below n, side by side if the work of each, in values of a vocabulary, is worth it.
func (l *Model) each(n, work int, f func(k int)) {
	const grain = 1 << 15
	workers := min(n, n*work/grain, runtime.GOMAXPROCS(0)/l.lanes)
	if workers <= 1 {
		for k := range n {
			f(k)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for k := next.Add(1); k <= int64(n); k = next.Add(1) {
				f(int(k) - 1)
			}
		})
	}
	group.Wait()
}
