package local

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// decoding is a batch of answers under way.
type decoding struct {
	model *Model
	live  []*answer         // row r of the batch
	rows  int               // its size, a bucket of at least len(live)
	size  int               // positions the cache has room for
	cache []*tensors.Tensor // keys and values of each layer, [rows, kvHeads, size, dim]
}

// decode finishes all answers of a batch.
func (l *Model) decode(ctx context.Context, answers []*answer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d := &decoding{model: l, live: answers}
	defer d.release()
	err := d.read()
	for err == nil && len(d.going()) > 0 {
		if err = ctx.Err(); err == nil {
			err = d.advance()
		}
	}
	return err
}

// going returns the rows whose answer has not ended.
func (d *decoding) going() (rows []int) {
	for r, a := range d.live {
		if a.finish == "" {
			rows = append(rows, r)
		}
	}
	return rows
}

// release returns the cache's memory to the backend at once.
func (d *decoding) release() {
	for _, t := range d.cache {
		t.FinalizeAll() // nothing can be done if that fails
	}
	d.cache = nil
}

// read runs the prompts, with the tokens that follow them where they are read again, and draws the next token of each
// answer. Answers to one prompt, such as samples, share its reading.
func (d *decoding) read() error {
	live := d.live
	d.live = nil // the first answer to each text
	var texts [][]int
	of := make([]int, len(live)) // the text of each answer
	longest := 0
	for r, a := range live {
		text := slices.Concat(a.prompt, a.tokens)
		if of[r] = slices.IndexFunc(texts, func(t []int) bool { return slices.Equal(t, text) }); of[r] < 0 {
			of[r] = len(texts)
			texts, d.live = append(texts, text), append(d.live, a)
		}
		longest = max(longest, len(text))
	}
	d.rows = rowBucket(len(texts))
	lengths := make([]int32, d.rows)
	for r := range lengths {
		lengths[r] = 1 // unused rows of the bucket read one token, whose result is never used
	}
	for r, text := range texts {
		lengths[r] = int32(len(text))
	}
	length := lengthBucket(longest)
	if err := d.model.place(); err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	out, err := d.model.prefill.Call(int32s(padded(texts, d.rows, length), d.rows, length), int32s(lengths, d.rows))
	if err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	d.cache, d.size = out[1:], cacheRoom(length)
	if len(texts) < len(live) {
		from := make([]place, len(live))
		for r := range live {
			from[r] = place{d, of[r]}
		}
		if err := d.move(from, rowBucket(len(live)), d.size); err != nil {
			return err
		}
		d.live = live
	}
	return d.draw(out[0], of)
}

// draw adds to each live answer the token drawn from its row of logits [rows, V]; answer r has row of[r], or r if of is
// nil.
func (d *decoding) draw(logits *tensors.Tensor, of []int) error {
	v := logits.Shape().Dim(1)
	flat, err := d.model.flat(logits)
	if err != nil {
		return fmt.Errorf("draw tokens: %w", err)
	}
	going := d.going()
	rows, given := make([][]float32, len(going)), make([][]float32, len(going))
	taken := map[int]bool{} // rows that an answer before has: drawing changes them
	for k, r := range going {
		at := r
		if of != nil {
			at = of[r]
		}
		rows[k] = flat[at*v:][:v]
		if rows[k][0] != rows[k][0] {
			return fmt.Errorf("draw tokens: the model's logits are not numbers; its weights are broken, load another " +
				"checkpoint")
		}
		given[k] = d.live[r].stream.copied(rows[k])
		if taken[at] {
			rows[k] = slices.Clone(rows[k])
		}
		taken[at] = true
	}
	tokens := make([]int, len(going))
	d.model.each(len(going), v, func(k int) { tokens[k] = d.live[going[k]].sampler.next(rows[k]) })
	for k, r := range going {
		a, token := d.live[r], tokens[k]
		a.add(token, d.model.spelling(token), d.model.eos[token])
		a.stream.tell(token, given[k])
	}
	return logits.FinalizeAll()
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

// fit halves the batch when half of it has ended, keeping the going rows, and enlarges the cache when the next token
// would not fit.
func (d *decoding) fit() error {
	keep, size := d.going(), d.size
	if d.need(keep) > size {
		size = cacheRoom(size)
	}
	rows := rowBucket(len(keep))
	if rows == d.rows {
		keep = make([]int, len(d.live))
		for r := range keep {
			keep[r] = r
		}
	}
	if rows == d.rows && size == d.size {
		return nil
	}
	return d.move(d.places(keep), rows, size)
}

// need returns the number of positions that the given rows fill.
func (d *decoding) need(rows []int) int {
	need := 0
	for _, r := range rows {
		need = max(need, len(d.live[r].prompt)+len(d.live[r].tokens))
	}
	return need
}

// advance draws the next token of each live answer. Those whose text has just outgrown a rotary embedding's short
// factors are read again, as transformers does; the others need their last token alone.
func (d *decoding) advance() error {
	again := d.outgrown()
	if again == nil {
		return d.feed()
	}
	defer again.release()
	if err := again.read(); err != nil {
		return err
	}
	if len(d.going()) > 0 {
		if err := d.feed(); err != nil {
			return err
		}
	}
	return d.join(again)
}

// outgrown takes the answers out whose text is one token longer than the factors of the rotary embedding allow; nil
// where there are none.
func (d *decoding) outgrown() *decoding {
	limit := d.model.transformer.ShortLength()
	if limit == 0 {
		return nil
	}
	var again []*answer
	d.live = slices.Clone(d.live) // the caller's answers stay in their places
	for _, r := range d.going() {
		if a := d.live[r]; len(a.prompt)+len(a.tokens) == limit+1 {
			again = append(again, a)
			d.live[r] = &answer{finish: abandoned}
		}
	}
	if again == nil {
		return nil
	}
	return &decoding{model: d.model, live: again}
}

// feed gives the last token of each live answer to the model and draws the next. The cache's memory is donated to the
// next cache.
func (d *decoding) feed() error {
	if err := d.fit(); err != nil {
		return err
	}
	tokens, positions := make([]int32, d.rows), make([]int32, d.rows)
	for r, a := range d.live {
		if a.finish == "" {
			tokens[r] = int32(a.tokens[len(a.tokens)-1])
			positions[r] = int32(len(a.prompt) + len(a.tokens) - 1)
		}
	}
	args := []any{int32s(tokens, d.rows), int32s(positions, d.rows)}
	for _, t := range d.cache {
		donated, err := graph.DonateTensorBuffer(t, d.model.backend, 0)
		if err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		args = append(args, donated)
	}
	d.cache = nil
	out, err := d.model.step.Call(args...)
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	d.cache = out[1:]
	return d.draw(out[0], nil)
}
