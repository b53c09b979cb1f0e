package local

import (
	"context"
	"fmt"

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
	d := &decoding{model: l, live: answers, rows: rowBucket(len(answers))}
	defer func() {
		for _, t := range d.cache {
			t.FinalizeAll() // gives its memory back to the backend at once; nothing to do if that fails
		}
	}()
	logits, err := d.read()
	for err == nil {
		if err = d.draw(logits); err != nil {
			break
		}
		var going []int // rows whose answer has not ended
		for r, a := range d.live {
			if a.finish == "" {
				going = append(going, r)
			}
		}
		if len(going) == 0 {
			return nil
		}
		if err = ctx.Err(); err != nil {
			break
		}
		if err = d.fit(going); err == nil {
			logits, err = d.advance()
		}
	}
	return err
}

// read runs the prompts and returns the logits after each, [rows, V].
func (d *decoding) read() (*tensors.Tensor, error) {
	prompts := make([][]int, len(d.live))
	lengths := make([]int32, d.rows)
	longest := 0
	for r := range lengths {
		lengths[r] = 1 // rows that only fill the bucket read one token and are never looked at
	}
	for r, a := range d.live {
		prompts[r] = a.prompt
		lengths[r] = int32(len(a.prompt))
		longest = max(longest, len(a.prompt))
	}
	length := lengthBucket(longest)
	out, err := d.model.prefill.Call(int32s(padded(prompts, d.rows, length), d.rows, length), int32s(lengths, d.rows))
	if err != nil {
		return nil, fmt.Errorf("read prompts: %w", err)
	}
	d.cache, d.size = out[1:], cacheRoom(length)
	return out[0], nil
}

// draw adds to each live answer the token drawn from its row of logits [rows, V].
func (d *decoding) draw(logits *tensors.Tensor) error {
	v := logits.Shape().Dim(1)
	broken := false
	err := tensors.MutableFlatData(logits, func(flat []float32) {
		for r, a := range d.live {
			if a.finish != "" {
				continue
			}
			row := flat[r*v : (r+1)*v]
			broken = broken || row[0] != row[0]
			token := a.sampler.next(row)
			a.add(token, d.model.spelling(token), d.model.eos[token])
		}
	})
	if err != nil {
		return fmt.Errorf("draw tokens: %w", err)
	}
	if broken {
		return fmt.Errorf("draw tokens: the model's logits are not numbers; its weights are broken, load another checkpoint")
	}
	return logits.FinalizeAll()
}

// fit halves the batch when half of it has ended, which leaves the going rows alone, and makes room in the cache when
// the next token would not fit.
func (d *decoding) fit(going []int) error {
	need := 0
	for _, r := range going {
		need = max(need, len(d.live[r].prompt)+len(d.live[r].tokens))
	}
	keep, rows, size := going, rowBucket(len(going)), d.size
	if rows == d.rows {
		keep = make([]int, len(d.live))
		for r := range keep {
			keep[r] = r
		}
	}
	if need > size {
		size = cacheRoom(size)
	}
	if rows == d.rows && size == d.size {
		return nil
	}
	cache, err := remap(d.cache, keep, rows, size)
	if err != nil {
		return fmt.Errorf("move the key-value cache: %w", err)
	}
	kept := make([]*answer, len(keep))
	for k, r := range keep {
		kept[k] = d.live[r]
	}
	d.live, d.rows, d.size, d.cache = kept, rows, size, cache
	return nil
}

// advance feeds the last token of each live answer and returns the next logits. The cache's memory is handed over to
// its successor.
func (d *decoding) advance() (*tensors.Tensor, error) {
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
			return nil, fmt.Errorf("decode: %w", err)
		}
		args = append(args, donated)
	}
	d.cache = nil
	out, err := d.model.step.Call(args...)
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	d.cache = out[1:]
	return out[0], nil
}

// remap copies cache tensors [rows, kvHeads, size, dim] to new ones that hold the given rows of the old, in that order,
// and have newRows rows and room for newSize >= size positions; what is new is zero. The old ones are given up.
func remap(cache []*tensors.Tensor, keep []int, newRows, newSize int) ([]*tensors.Tensor, error) {
	out := make([]*tensors.Tensor, len(cache))
	for i, old := range cache {
		kv, size, dim := old.Shape().Dim(1), old.Shape().Dim(2), old.Shape().Dim(3)
		moved := make([]float32, newRows*kv*newSize*dim)
		err := tensors.ConstFlatData(old, func(flat []float32) {
			for r, row := range keep {
				for h := range kv {
					copy(moved[(r*kv+h)*newSize*dim:], flat[(row*kv+h)*size*dim:(row*kv+h+1)*size*dim])
				}
			}
		})
		if err == nil {
			err = old.FinalizeAll()
		}
		if err != nil {
			return nil, err
		}
		out[i] = tensors.FromFlatDataAndDimensions(moved, newRows, kv, newSize, dim)
	}
	return out, nil
}
