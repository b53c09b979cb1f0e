package cpu

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

func sprint(a ...any) string { return fmt.Sprint(a...) }

// alignedCopy copies bytes to the start of a cache line.
func alignedCopy(data string) []byte {
	block := newBlock(max(len(data), 1))[:len(data)]
	copy(block, data)
	return block
}

// executable is a schedule of kernels with a plan of where every value lies.
type executable struct {
	backend *Backend
	names   []string
	inputs  []shapes.Shape
	outputs []shapes.Shape
	values  []*value
	steps   []*step
	arena   int       // bytes
	idle    sync.Pool // of executions
	reuse   []int     // for each output: the parameter whose memory it can use if that is donated, or -1
}

var _ compute.Executable = (*executable)(nil)

// compile lowers a function and plans its memory.
func compile(backend *Backend, f *function) (*executable, error) {
	ex := &executable{backend: backend, names: f.names}
	l := &lowerer{views: map[*node]view{}, users: map[*node][]*node{}, copies: map[copyKey]view{},
		shared: map[*value]*sharedProducts{}, results: map[string][]view{}, outputs: map[*node]bool{}}
	// Parameters need a place even if nothing reads them.
	for _, n := range f.params {
		ex.inputs = append(ex.inputs, n.shape)
	}
	if err := l.lowerAll(f); err != nil {
		return nil, errors.WithMessagef(err, "compiling %q", f.builder.name)
	}
	for i, n := range f.outputs {
		ex.outputs = append(ex.outputs, n.shape)
		l.output(l.view(n), i)
	}
	l.prune()
	for at, s := range l.steps {
		if s.group != nil {
			l.finish(s)
		}
		for _, v := range append(slices.Clone(s.reads), s.writes...) {
			v.last = max(v.last, at)
		}
	}
	ex.values, ex.steps = l.values, l.steps
	ex.plan()
	return ex, nil
}

// output makes a view an output of the computation: its own dense buffer that nothing else shares.
func (l *lowerer) output(w view, index int) {
	v := w.val
	if !w.dense() || w.off != 0 || w.size() != v.size || v.storage != inArena {
		w = l.copy(w)
		v = w.val
	}
	v.stored, v.storage, v.index = true, inOutput, index
}

// prune drops group operations that nothing needs, from the last step to the first, and determines again which values
// leave their groups: some were computed again elsewhere.
func (l *lowerer) prune() {
	for _, v := range l.values {
		v.stored = v.storage == inOutput || v.group == nil
	}
	for _, s := range slices.Backward(l.steps) {
		if g := s.group; g != nil {
			needed := map[*value]bool{}
			s.reads = nil
			var ops []groupOp
			for _, op := range slices.Backward(g.ops) {
				if !op.dst.stored && !needed[op.dst] {
					continue
				}
				ops = append(ops, op)
				for _, o := range op.args {
					if o.member {
						needed[o.val] = true
					} else {
						s.reads = append(s.reads, o.val)
					}
				}
			}
			slices.Reverse(ops)
			g.ops = ops
		}
		for _, v := range s.reads {
			v.stored = true
		}
	}
}

// finish compiles a group's step once all its members are known.
func (l *lowerer) finish(s *step) {
	for _, op := range s.group.ops {
		if op.dst.stored && !slices.Contains(s.writes, op.dst) {
			s.writes = append(s.writes, op.dst)
		}
	}
	if len(s.group.ops) == 0 {
		s.run = func(*execution) {}
		return
	}
	code := s.group.compile()
	if n := code.tasks * code.partials; n > 0 {
		code.room = l.newValue(dtypes.Float32, n)
		code.room.step, code.room.stored = s.group.at, true
		s.writes = append(s.writes, code.room)
	}
	s.run = code.run
	s.inPlace = s.group.inPlace()
}

// inPlace lists which outputs of a group may overwrite which inputs: both dense over the full domain, and the input
// not read by any operation after the one that writes.
func (g *group) inPlace() [][2]*value {
	lastRead, ok := map[*value]int{}, map[*value]bool{}
	for i, op := range g.ops {
		for _, o := range op.args {
			if o.member {
				continue
			}
			lastRead[o.val] = i
			good := op.kind != mapRow && o.view.dense() && o.view.off == 0 && o.view.size() == o.val.size && o.val.size == g.size
			if was, seen := ok[o.val]; seen {
				good = good && was
			}
			ok[o.val] = good
		}
	}
	var pairs [][2]*value
	for i, op := range g.ops {
		if !op.dst.stored || op.dst.role != full {
			continue
		}
		for _, other := range g.ops {
			for _, o := range other.args {
				in := o.val
				if !o.member && ok[in] && lastRead[in] <= i && in.dtype.Size() == op.dst.dtype.Size() {
					pairs = append(pairs, [2]*value{op.dst, in})
				}
			}
		}
	}
	return pairs
}

// extendOutputs puts values that single operations update in place, one after the other until they are an output, into
// that output's memory from the first on: a cache that every layer adds to is then never copied. It returns the step
// from which on each output's memory is in use.
func (ex *executable) extendOutputs() (begin map[int]int) {
	begin = map[int]int{}
	for _, v := range ex.values {
		if v.storage == inOutput {
			begin[v.index] = v.step
		}
	}
	for at, s := range slices.Backward(ex.steps) {
		if s.group != nil || len(s.inPlace) != 1 {
			continue
		}
		out, in := s.inPlace[0][0], s.inPlace[0][1]
		if out.storage == inOutput && in.storage == inArena && in.step >= 0 && in.last == at && in.bytes() == out.bytes() {
			in.storage, in.index = inOutput, out.index
			begin[in.index] = min(begin[in.index], in.step)
		}
	}
	return begin
}

// plan gives every value a place: arena offsets by first fit over lifetimes, memory shared where a step works in
// place, and donated parameters for outputs.
func (ex *executable) plan() {
	begin := ex.extendOutputs()
	ex.reuse = slices.Repeat([]int{-1}, len(ex.outputs))
	host := map[*value]*value{} // arena value → the one whose memory it continues
	taken := map[*value]bool{}
	usedParam := map[int]bool{}
	lastOf := map[int]int{} // parameter → last step that reads it
	for _, v := range ex.values {
		if v.storage == inParam {
			lastOf[v.index] = v.last
		}
	}
	for at, s := range ex.steps {
		for _, pair := range s.inPlace {
			out, in := pair[0], pair[1]
			if in.last != at || taken[in] || out.bytes() != in.bytes() || host[out] != nil {
				continue
			}
			switch {
			case out.storage == inArena && in.storage == inArena:
				host[out] = in
				taken[in] = true
			case out.storage == inOutput && in.storage == inParam && ex.reuse[out.index] < 0 && !usedParam[in.index]:
				ex.reuse[out.index] = in.index
				usedParam[in.index] = true
				taken[in] = true
			}
		}
	}
	// The memory of other donated parameters is used for outputs of their size that are written after the last use.
	for _, v := range ex.values {
		if v.storage != inOutput || ex.reuse[v.index] >= 0 {
			continue
		}
		for _, p := range ex.values {
			if p.storage == inParam && !usedParam[p.index] && p.bytes() == v.bytes() && p.last < begin[v.index] {
				ex.reuse[v.index] = p.index
				usedParam[p.index] = true
				break
			}
		}
	}
	// A value that continues another's memory prolongs its life.
	root := func(v *value) *value {
		for host[v] != nil {
			v = host[v]
		}
		return v
	}
	last := map[*value]int{}
	for _, v := range ex.values {
		if v.storage == inArena && v.step >= 0 {
			r := root(v)
			last[r] = max(last[r], v.last)
		}
	}
	type span struct{ lo, hi, until int }
	var live []span // sorted by lo
	for at, s := range ex.steps {
		live = slices.DeleteFunc(live, func(p span) bool { return p.until < at })
		for _, v := range s.writes {
			if v.storage != inArena || host[v] != nil {
				continue
			}
			need := max(roundUp(v.bytes(), align), align)
			lo, k := 0, 0
			for k < len(live) && live[k].lo-lo < need {
				lo = live[k].hi
				k++
			}
			v.offset = lo
			live = slices.Insert(live, k, span{lo, lo + need, last[v]})
			ex.arena = max(ex.arena, lo+need)
		}
	}
	for _, v := range ex.values {
		v.offset = root(v).offset
	}
}

// execution is one run of an executable.
type execution struct {
	backend *Backend
	base    []unsafe.Pointer // of every value, by id
	own     *workspace       // of the goroutine that executes
	guarded bool             // workers hand over what they panic with
}

func (x *execution) ptr(w view) unsafe.Pointer {
	return unsafe.Add(x.base[w.val.id], w.off*w.val.dtype.Size())
}

func (x *execution) bytes(v *value) []byte { return unsafe.Slice((*byte)(x.base[v.id]), v.bytes()) }

// viewBytes are the bytes of a dense view.
func (x *execution) viewBytes(w view) []byte {
	return unsafe.Slice((*byte)(x.ptr(w)), w.size()*w.val.dtype.Size())
}

// data is a dense view as a slice of Go values.
func data[T any](x *execution, w view) []T { return unsafe.Slice((*T)(x.ptr(w)), w.size()) }

// result is a value as a slice of Go values.
func result[T any](x *execution, v *value) []T { return unsafe.Slice((*T)(x.base[v.id]), v.size) }

// Finalize implements compute.Executable.
func (ex *executable) Finalize() { ex.steps, ex.values = nil, nil }

// Inputs implements compute.Executable.
func (ex *executable) Inputs() ([]string, []shapes.Shape) { return ex.names, ex.inputs }

// Outputs implements compute.Executable.
func (ex *executable) Outputs() []shapes.Shape { return ex.outputs }

// Execute implements compute.Executable. Donated inputs are overwritten if the plan allows it and returned to the pool
// otherwise.
func (ex *executable) Execute(inputs []compute.Buffer, donate []bool, _ compute.DeviceNum) ([]compute.Buffer, error) {
	if ex.values == nil {
		return nil, errors.New("backend cpu: Execute of a finalized executable")
	}
	if len(inputs) != len(ex.inputs) || donate != nil && len(donate) != len(inputs) {
		return nil, errors.Errorf("backend cpu: Execute got %d inputs and %d donate flags, want %d", len(inputs), len(donate),
			len(ex.inputs))
	}
	in := make([]*buffer, len(inputs))
	for i, b := range inputs {
		mine, ok := b.(*buffer)
		if !ok || mine.mem == nil {
			return nil, errors.Errorf("backend cpu: input %d (%q) is a %T that is not a live buffer of this backend", i,
				ex.names[i], b)
		}
		if mine.shape.DType != ex.inputs[i].DType || !mine.shape.EqualDimensions(ex.inputs[i]) {
			return nil, errors.Errorf("backend cpu: input %d (%q) has shape %s, want %s", i, ex.names[i], mine.shape,
				ex.inputs[i])
		}
		in[i] = mine
	}
	files, err := checkFiles(in)
	if err != nil {
		return nil, err
	}
	donated := func(i int) bool { return i >= 0 && donate != nil && donate[i] && !in[i].foreign }
	out := make([]compute.Buffer, len(ex.outputs))
	mem := make([][]byte, len(ex.outputs))
	for i, shape := range ex.outputs {
		lent := false
		if p := ex.reuse[i]; donated(p) {
			mem[i], lent = in[p].mem, in[p].lent
		} else {
			mem[i] = ex.backend.buffers.get(shape.Size() * shape.DType.Size())
		}
		out[i] = &buffer{backend: ex.backend, shape: shape, mem: mem[i], lent: lent}
	}
	arena := ex.backend.buffers.getArena(ex.arena)
	x, _ := ex.idle.Get().(*execution)
	if x == nil {
		x = &execution{backend: ex.backend, base: make([]unsafe.Pointer, len(ex.values))}
	}
	x.own = ex.backend.workspaces.Get().(*workspace)
	for _, v := range ex.values {
		switch v.storage {
		case inParam:
			x.base[v.id] = unsafe.Pointer(unsafe.SliceData(in[v.index].mem))
		case inConst:
			x.base[v.id] = unsafe.Pointer(unsafe.SliceData(v.data))
		case inOutput:
			x.base[v.id] = unsafe.Pointer(unsafe.SliceData(mem[v.index]))
		default:
			if v.step >= 0 && v.stored {
				x.base[v.id] = unsafe.Pointer(unsafe.SliceData(arena[v.offset:]))
			}
		}
	}
	ensureWorkers(ex.backend.threads - 1)
	executions.Add(1)
	defer executions.Add(-1)
	if err := ex.run(x, files); err != nil {
		return nil, err // what was in use is left to the garbage collector
	}
	runtime.KeepAlive(in)
	ex.backend.buffers.putArena(arena)
	x.own.forget()
	ex.backend.workspaces.Put(x.own)
	x.own, x.guarded = nil, false
	clear(x.base) // an idle execution keeps no memory alive
	ex.idle.Put(x)
	for i, b := range in {
		if donated(i) {
			if !slices.Contains(ex.reuse, i) && b.mem != nil && !b.lent {
				ex.backend.buffers.put(b.mem)
			}
			b.mem = nil
		}
	}
	return out, nil
}
