package cpu

import (
	"slices"

	"github.com/gomlx/compute/dtypes"
)

// storage is the kind of a value's memory during an execution.
type storage uint8

const (
	inArena  storage = iota // scratch memory of the execution, reused when the value is dead
	inParam                 // an input buffer
	inConst                 // part of the executable
	inOutput                // a buffer handed to the caller
)

// value is a block of memory that one step writes and later steps read.
type value struct {
	id      int
	dtype   dtypes.DType
	size    int // elements
	storage storage
	index   int    // number of the parameter or output
	data    []byte // of a constant
	step    int    // the step that writes it; -1 for parameters and constants
	last    int    // the last step that reads it
	offset  int    // in the arena
	group   *group // the fused group that computes it, or nil
	role    role   // its role in the group
	def     int    // the group's operation that computes it
	stored  bool   // it leaves the group's registers
	first   *value // the equal value of an older group, if this one is computed again
}

func (v *value) bytes() int { return v.size * v.dtype.Size() }

// view is a strided window onto a value, as which an operation reads it: reshapes, transposes, broadcasts and slices
// cost nothing.
type view struct {
	val     *value
	off     int // elements
	dims    []int
	strides []int // elements; 0 for broadcast axes
}

func denseStrides(dims []int) []int {
	s := make([]int, len(dims))
	step := 1
	for i := len(dims) - 1; i >= 0; i-- {
		s[i] = step
		step *= dims[i]
	}
	return s
}

func denseView(v *value, dims []int) view { return view{v, 0, dims, denseStrides(dims)} }

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func (w view) size() int { return product(w.dims) }

// dense reports whether the elements lie one after the other in row-major order.
func (w view) dense() bool {
	step := 1
	for i := len(w.dims) - 1; i >= 0; i-- {
		if w.dims[i] != 1 && w.strides[i] != step {
			return false
		}
		step *= w.dims[i]
	}
	return true
}

// scalar reports whether all elements of the view are one element in memory.
func (w view) scalar() bool {
	for i, d := range w.dims {
		if d != 1 && w.strides[i] != 0 {
			return false
		}
	}
	return true
}

// collapsed merges neighbouring axes that one stride describes, and drops axes of dimension 1.
func (w view) collapsed() (dims, strides []int) {
	for i, d := range w.dims {
		if d == 1 {
			continue
		}
		if k := len(dims) - 1; k >= 0 && strides[k] == d*w.strides[i] {
			dims[k] *= d
			strides[k] = w.strides[i]
			continue
		}
		dims, strides = append(dims, d), append(strides, w.strides[i])
	}
	return dims, strides
}

// extent returns the length of the longest run of trailing elements that lie one after the other, or are all the same.
func (w view) extent() int {
	dims, strides := w.collapsed()
	k := len(dims) - 1
	if k < 0 {
		return 1
	}
	if strides[k] > 1 || strides[k] < 0 {
		return 1
	}
	return dims[k]
}

// rows cuts the view into rows of c elements: the row axes, outermost first, and the stride inside a row (0 or 1).
// c must divide the extent.
func (w view) rows(c int) (dims, strides []int, inner int) {
	dims, strides = w.collapsed()
	if k := len(dims) - 1; k >= 0 && c > 1 {
		inner = strides[k]
		dims[k] /= c
		strides[k] *= c
		if dims[k] == 1 {
			dims, strides = dims[:k], strides[:k]
		}
	}
	return dims, strides, inner
}

// reshape returns the view with other dimensions, if strides can express it.
func (w view) reshape(dims []int) (view, bool) {
	if w.dense() {
		return view{w.val, w.off, dims, denseStrides(dims)}, true
	}
	if w.size() == 0 {
		return view{}, false
	}
	from, strides := w.collapsed()
	out := make([]int, len(dims))
	k := len(from) - 1
	left, step := 1, 0
	if k >= 0 {
		left, step = from[k], strides[k]
	}
	for i := len(dims) - 1; i >= 0; i-- {
		if dims[i] == 1 {
			continue
		}
		for left == 1 {
			k--
			if k < 0 {
				return view{}, false
			}
			left, step = from[k], strides[k]
		}
		if left%dims[i] != 0 {
			return view{}, false
		}
		out[i] = step
		left /= dims[i]
		step *= dims[i]
	}
	return view{w.val, w.off, dims, out}, true
}

func (w view) transpose(perm []int) view {
	dims, strides := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		dims[i], strides[i] = w.dims[p], w.strides[p]
	}
	return view{w.val, w.off, dims, strides}
}

func (w view) broadcast(dims, axes []int) view {
	strides := make([]int, len(dims))
	for i, a := range axes {
		if w.dims[i] == dims[a] {
			strides[a] = w.strides[i]
		}
	}
	return view{w.val, w.off, dims, strides}
}

func (w view) slice(dims, starts, steps []int) view {
	out := view{w.val, w.off, dims, slices.Clone(w.strides)}
	for i, s := range starts {
		out.off += s * w.strides[i]
		out.strides[i] *= steps[i]
	}
	return out
}

func (w view) reverse(axes []int) view {
	out := view{w.val, w.off, w.dims, slices.Clone(w.strides)}
	for _, a := range axes {
		out.off += (w.dims[a] - 1) * w.strides[a]
		out.strides[a] = -w.strides[a]
	}
	return out
}
