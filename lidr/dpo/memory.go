package dpo

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/dustin/go-humanize"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/backend"
)

// demand is what a training takes, in bytes.
type demand struct {
	weights     int // as they are held
	optimizer   int // gradients and moments
	activations int // of the largest micro-batch, with all else that its graph computes; of the update where that is more
}

func (d demand) total() int { return d.weights + d.optimizer + d.activations }

func (d demand) String() string {
	return fmt.Sprintf("%s of memory (weights %s, gradients and moments %s, activations %s)", inWords(d.total()),
		inWords(d.weights), inWords(d.optimizer), inWords(d.activations))
}

func inWords(n int) string { return humanize.Bytes(uint64(n)) }

// size is what the memory of a micro-batch's graph grows with.
type size struct{ positions, width, predictions int }

func (m *micro) size() size { return size{m.height * m.width, m.width, len(m.place)} }

// within reports whether no part of a is larger than b's.
func (a size) within(b size) bool {
	return a.positions <= b.positions && a.width <= b.width && a.predictions <= b.predictions
}

// largest returns the micro-batches of a training of which no other one is larger in every way.
func largest(total int, batch func(n int) ([]micro, error)) ([]micro, error) {
	var all []micro
next:
	for n := range total {
		micros, err := batch(n)
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", n+1, err)
		}
		for _, m := range micros {
			if m.kind == mismatchedRows { // a forward pass of as many rows takes less than the pairs' gradient
				continue
			}
			var rest []micro
			for _, other := range all {
				if m.kind == other.kind && m.size().within(other.size()) {
					continue next
				}
				if m.kind != other.kind || !other.size().within(m.size()) {
					rest = append(rest, other)
				}
			}
			all = append(rest, m)
		}
	}
	return all, nil
}

// planned is a compiled graph that tells how many bytes it takes beside its inputs and variables.
type planned interface{ Memory() int }

// demand returns what the training takes with these micro-batches as the largest, from the compiled graphs; false if
// the backend does not tell.
func (t *trainer) demand(micros []micro) (d demand, known bool, err error) {
	for v := range t.m.Store.IterVariables() {
		if bytes := int(v.Shape().ByteSize()); strings.HasPrefix(v.Path(), optimizerScope) {
			d.optimizer += bytes
		} else {
			d.weights += bytes
		}
	}
	for _, m := range micros {
		var in []shapes.Shape
		for _, arg := range m.args() {
			in = append(in, arg.(*tensors.Tensor).Shape())
		}
		g, err := t.gradient.Compile(in...)
		if err != nil {
			return d, false, err
		}
		plan, ok := g.Executable().(planned)
		if !ok {
			return d, false, nil
		}
		d.activations = max(d.activations, plan.Memory())
	}
	rates := slices.Repeat([]shapes.Shape{shapes.Make(dtypes.Float32)}, len(t.s.updateRates(1, 0)))
	g, err := t.update.Compile(rates...)
	if err != nil {
		return d, false, err
	}
	plan, known := g.Executable().(planned)
	if known {
		d.activations = max(d.activations, plan.Memory())
	}
	return d, known, nil
}

// garbage is how much of the memory in use may wait to be collected while a training runs, in percent. Go's own 100
// would let a training take twice what it says: the blocks that wait are hundreds of megabytes each.
const garbage = 20

// collecting counts the trainings of the process that run, and keeps what holds beside them.
var collecting collection

type collection struct {
	sync.Mutex
	trainings, percent int
}

// begin lowers what may wait for the first training. A lower percentage, or a collection that is off, stays.
func (c *collection) begin() {
	c.Lock()
	defer c.Unlock()
	if c.trainings++; c.trainings > 1 {
		return
	}
	if c.percent = debug.SetGCPercent(garbage); c.percent < garbage {
		debug.SetGCPercent(c.percent)
	}
}

// end restores it after the last.
func (c *collection) end() {
	c.Lock()
	defer c.Unlock()
	if c.trainings--; c.trainings == 0 {
		debug.SetGCPercent(c.percent)
	}
}

// noticeable is the memory, in bytes, from which on a training says what it takes: less is no machine's concern.
const noticeable = 1 << 30

// spare returns the memory that a training may take beside its weights, which are held when it begins, and in words
// what leaves it: a limit in bytes on the process, or, if that is 0, the machine.
func spare(limit int) (bytes int, whose string) {
	debug.FreeOSMemory() // what loading left behind is neither available nor in use
	if limit == 0 {
		return backend.AvailableMemory(), "the machine has, the weights included,"
	}
	return limit - backend.UsedMemory(), fmt.Sprintf("the limit of %s leaves, the weights included,", inWords(limit))
}

// fit makes the training fit into the bytes that it may take beside its weights: it turns checkpointing on where all
// activations are too much. What cannot fit is an error, before anything is computed. It says what a training takes
// that takes much, or that checkpointing makes fit.
func (t *trainer) fit(total int, batch func(n int) ([]micro, error), beside int, whose string, say func(string)) error {
	micros, err := largest(total, batch)
	if err != nil {
		return err
	}
	d, known, err := t.demand(micros)
	if err != nil || !known {
		return err
	}
	have, how := max(0, d.weights+beside), ""
	if d.total() > have && !t.m.Checkpointing {
		how = fmt.Sprintf(" with checkpointing (without it %s, and %s %s)", inWords(d.total()), whose, inWords(have))
		t.m.Checkpointing = true
		if err := t.compile(); err != nil {
			return err
		}
		if d, _, err = t.demand(micros); err != nil {
			return err
		}
	}
	if d.total() > have {
		return fmt.Errorf("this training takes %s%s, and %s %s: lower micro_batch (now %d; 1 takes least) or max_length, "+
			"hold moments as 8bit, or train an adapter (lora) on bfloat16 weights (dtype)", d, how, whose, inWords(have),
			t.s.MicroBatch)
	}
	if d.total() >= noticeable || how != "" {
		say(fmt.Sprintf("the training takes %s%s", d, how))
	}
	if err := t.m.ToDevice(t.backend); err != nil {
		return err
	}
	debug.FreeOSMemory() // the host's copies
	return nil
}
