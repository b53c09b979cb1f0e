package local

import (
	"fmt"
	"runtime/debug"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// place is a row of a batch, with its part of the cache.
type place struct {
	of  *decoding
	row int
}

func (d *decoding) places(rows []int) []place {
	out := make([]place, len(rows))
	for k, r := range rows {
		out[k] = place{d, r}
	}
	return out
}

// move replaces the batch by one of the given places, its own or another's, in that order, with rows rows and room for
// size positions.
func (d *decoding) move(from []place, rows, size int) error {
	cache := make([]*tensors.Tensor, len(d.cache))
	garbage := 0
	for i, t := range d.cache {
		kv, dim := t.Shape().Dim(1), t.Shape().Dim(3)
		next, moved, err := d.model.room(rows, kv, size, dim)
		if err != nil {
			return fmt.Errorf("move the key-value cache: %w", err)
		}
		flats := map[*decoding][]float32{}
		for r, p := range from {
			if flats[p.of] == nil {
				flat, err := d.model.flat(p.of.cache[i])
				if err != nil {
					return fmt.Errorf("move the key-value cache: %w", err)
				}
				flats[p.of] = flat
			}
			copyRow(moved, r, size, flats[p.of], p.row, p.of.size, kv, dim)
		}
		cache[i] = next
		if err := t.FinalizeAll(); err != nil { // before the next layer needs memory
			return fmt.Errorf("move the key-value cache: %w", err)
		}
		if garbage += 4 * len(moved); garbage > max(collectEvery, d.bytes()/4) {
			debug.FreeOSMemory()
			garbage = 0
		}
	}
	live := make([]*answer, len(from))
	for r, p := range from {
		live[r] = p.of.live[p.row]
	}
	d.live, d.rows, d.size, d.cache = live, rows, size, cache
	return nil
}

// collectEvery is the number of bytes of old tensors after which a move collects them, if they are a quarter of the
// cache. The garbage collector alone would wait until they are as much as everything that is in use; answers grow by 48
// tokens or more between two moves, so that the extra collections cost little.
const collectEvery = 8 << 20

// room returns a tensor of zeros and its data, in the backend's own memory if it shares that: a tensor in Go's memory
// would be copied there by the next step.
func (l *Model) room(dims ...int) (t *tensors.Tensor, flat []float32, err error) {
	shape := shapes.Make(dtypes.Float32, dims...)
	if !l.backend.HasSharedBuffers() {
		t = tensors.FromShape(shape)
		err = tensors.MutableFlatData(t, func(f []float32) { flat = f })
		return t, flat, err
	}
	buffer, data, err := l.backend.NewSharedBuffer(0, shape)
	if err != nil {
		return nil, nil, err
	}
	t, err = tensors.FromBuffer(buffer)
	return t, data.([]float32), err
}

// flat returns the data of a tensor: its own memory if the backend shares it, so that writing to it changes the tensor,
// else a copy.
func (l *Model) flat(t *tensors.Tensor) (flat []float32, err error) {
	if !l.backend.HasSharedBuffers() {
		return tensors.CopyFlatData[float32](t)
	}
	if t.IsLocal() { // not yet given to the backend
		err = tensors.MutableFlatData(t, func(f []float32) { flat = f })
		return flat, err
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

// copyRow copies a row [kvHeads, size, dim] of one cache tensor over a row of another of any size, which must have room
// for the filled slots of the row. The slots after them become zero, as free slots must be.
func copyRow(to []float32, toRow, toSize int, from []float32, fromRow, fromSize, kv, dim int) {
	for h := range kv {
		target := to[(toRow*kv+h)*toSize*dim:][:toSize*dim]
		clear(target[copy(target, from[(fromRow*kv+h)*fromSize*dim:][:fromSize*dim]):])
	}
}

// join adds the going answers of n, a batch that has just been read, to this one and releases n. They get the places of
// answers that have ended; if these are too few or of the wrong size, the whole batch is moved.
func (d *decoding) join(n *decoding) error {
	mine, theirs := d.going(), n.going()
	defer n.release()
	if len(mine) == 0 {
		d.release()
		d.live, d.rows, d.size, d.cache, n.cache = n.live, n.rows, n.size, n.cache, nil
		return nil
	}
	size := max(n.size, cacheRoom(lengthBucket(d.need(mine))))
	fits := d.rows >= len(mine)+len(theirs) && d.size >= size && d.size <= 2*size
	if !fits || !d.model.backend.HasSharedBuffers() {
		all := append(d.places(mine), n.places(theirs)...)
		return d.move(all, max(d.rows, rowBucket(len(all))), size)
	}
	var free []int
	for r := range d.rows {
		if r == len(d.live) {
			d.live = append(d.live, &answer{finish: abandoned})
		}
		if d.live[r].finish != "" {
			free = append(free, r)
		}
	}
	for i, t := range d.cache {
		to, err := d.model.flat(t)
		if err != nil {
			return fmt.Errorf("join the key-value caches: %w", err)
		}
		from, err := d.model.flat(n.cache[i])
		if err != nil {
			return fmt.Errorf("join the key-value caches: %w", err)
		}
		for k, r := range theirs {
			copyRow(to, free[k], d.size, from, r, n.size, t.Shape().Dim(1), t.Shape().Dim(3))
		}
	}
	for k, r := range theirs {
		d.live[free[k]] = n.live[r]
	}
	return nil
}
