package cpu

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// step is one entry of a schedule.
type step struct {
	name    string
	reads   []*value
	writes  []*value
	run     func(x *execution)
	group   *group
	inPlace [][2]*value // (written, read): may share memory if the read value is dead after this step
}

// lowerer turns the nodes of a function, in order, into views and steps.
type lowerer struct {
	steps   []*step
	values  []*value
	views   map[*node]view
	users   map[*node][]*node // consumers that are alive
	copies  map[copyKey]view
	shared  map[*value]*sharedProducts
	results map[string][]view // of operations with several
	outputs map[*node]bool
}

type copyKey struct {
	val *value
	off int
	key string
}

func (l *lowerer) newValue(dtype dtypes.DType, size int) *value {
	v := &value{id: len(l.values), dtype: dtype, size: size, step: -1, last: -1}
	l.values = append(l.values, v)
	return v
}

// emit appends a step that writes a new value of the given shape.
func (l *lowerer) emit(name string, shape shapes.Shape, reads []view, run func(x *execution, out *value)) view {
	out := l.newValue(shape.DType, shape.Size())
	s := &step{name: name, writes: []*value{out}, run: func(x *execution) { run(x, out) }}
	for _, w := range reads {
		s.reads = append(s.reads, w.val)
	}
	l.push(s)
	return denseView(out, shape.Dimensions)
}

func (l *lowerer) push(s *step) {
	for _, v := range s.writes {
		v.step, v.stored = len(l.steps), true
	}
	for _, v := range s.reads {
		v.stored = true
	}
	l.steps = append(l.steps, s)
}

// lowerAll schedules every node that an output depends on.
func (l *lowerer) lowerAll(f *function) error {
	alive := map[*node]bool{}
	var mark func(n *node)
	mark = func(n *node) {
		if alive[n] {
			return
		}
		alive[n] = true
		for _, in := range n.inputs {
			mark(in)
			l.users[in] = append(l.users[in], n)
		}
	}
	for _, n := range f.outputs {
		l.outputs[n] = true
		mark(n)
	}
	for _, n := range f.nodes {
		if !alive[n] {
			continue
		}
		w, err := l.lower(n)
		if err != nil {
			return err
		}
		l.views[n] = w
	}
	return nil
}

func (l *lowerer) in(n *node, i int) view { return l.view(n.inputs[i]) }

func (l *lowerer) lower(n *node) (view, error) {
	dims := n.shape.Dimensions
	switch n.op {
	case compute.OpTypeParameter:
		v := l.newValue(n.shape.DType, n.shape.Size())
		v.storage, v.index = inParam, n.attr.(int)
		return denseView(v, dims), nil
	case compute.OpTypeConstant:
		v := l.newValue(n.shape.DType, n.shape.Size())
		v.storage, v.data = inConst, alignedCopy(string(n.attr.(constant)))
		return denseView(v, dims), nil
	case compute.OpTypeOptimizationBarrier:
		return l.in(n, 0), nil
	case compute.OpTypeReshape:
		if w, ok := l.in(n, 0).reshape(dims); ok {
			return w, nil
		}
		w, _ := l.dense(l.in(n, 0)).reshape(dims)
		return w, nil
	case compute.OpTypeTranspose:
		return l.in(n, 0).transpose(n.attr.([]int)), nil
	case compute.OpTypeBroadcastInDim:
		return l.in(n, 0).broadcast(dims, n.attr.([]int)), nil
	case compute.OpTypeSlice:
		a := n.attr.(sliceAttr)
		return l.in(n, 0).slice(dims, a.starts, a.strides), nil
	case compute.OpTypeReverse:
		return l.in(n, 0).reverse(n.attr.([]int)), nil
	case compute.OpTypeConvertDType:
		if half(n.inputs[0].shape.DType) && n.shape.DType == dtypes.Float32 {
			return l.in(n, 0), nil
		}
	case compute.OpTypeBitcast:
		w := l.dense(l.in(n, 0))
		return l.emit("Bitcast", n.shape, []view{w}, func(x *execution, out *value) {
			copy(x.bytes(out), x.viewBytes(w))
		}), nil
	case compute.OpTypeReduceSum, compute.OpTypeReduceMax, compute.OpTypeReduceMin:
		if w, ok := l.fuseReduce(n); ok {
			return w, nil
		}
		return l.reduce(n)
	case compute.OpTypeReduceProduct, compute.OpTypeReduceLogicalAnd, compute.OpTypeReduceLogicalOr,
		compute.OpTypeReduceLogicalXor,
		compute.OpTypeReduceBitwiseAnd, compute.OpTypeReduceBitwiseOr, compute.OpTypeReduceBitwiseXor:
		return l.reduce(n)
	case compute.OpTypeArgMinMax:
		return l.argMinMax(n)
	case compute.OpTypeConcatenate:
		if w, ok := l.fuseConcatenate(n); ok {
			return w, nil
		}
		return l.concatenate(n)
	case compute.OpTypePad:
		return l.pad(n)
	case compute.OpTypeGather:
		return l.gather(n)
	case compute.OpTypeScatterSum, compute.OpTypeScatterMax, compute.OpTypeScatterMin:
		return l.scatter(n)
	case compute.OpTypeDynamicSlice:
		return l.dynamicSlice(n)
	case compute.OpTypeDynamicUpdateSlice:
		return l.dynamicUpdateSlice(n)
	case compute.OpTypeDotGeneral:
		return l.dot(n)
	case compute.OpTypeFusedQuantizedDense:
		return l.quantizedDense(n)
	case compute.OpTypeQuantizedEmbeddingLookup:
		return l.quantizedLookup(n)
	case compute.OpTypeFusedScaledDotProductAttention:
		return l.attention(n)
	case compute.OpTypeFusedScaledDotProductAttentionVJP:
		return l.attentionVJP(n)
	case compute.OpTypeRNGBitGenerator:
		return l.rng(n)
	}
	if kernel, swap := fusedKernel(n); kernel != "" {
		return l.fuse(n, kernel, swap), nil
	}
	return l.elementwise(n)
}

// unsupported is the error for an operation on element types it is not implemented for.
func unsupported(n *node) error {
	return errors.Wrapf(compute.ErrNotImplemented, "backend cpu: %s of %s", n.op, n.inputs[len(n.inputs)-1].shape.DType)
}

// fuse puts an elementwise operation into a group at the end of the schedule, or into a new one.
func (l *lowerer) fuse(n *node, kernel string, swap bool) view {
	args := make([]view, len(n.inputs))
	for i := range args {
		args[i] = l.in(n, i)
	}
	if swap {
		args[0], args[1] = args[1], args[0]
	}
	out := l.newValue(n.shape.DType, n.shape.Size())
	for _, g := range l.candidates(args, out.size) {
		if l.join(g, out, kernel, args, false) {
			return denseView(out, n.shape.Dimensions)
		}
	}
	g := &group{size: out.size, at: math.MaxInt}
	l.join(g, out, kernel, args, true)
	return denseView(out, n.shape.Dimensions)
}

// join tries to add an elementwise operation to a group. must: copy operands that do not fit (g is new).
func (l *lowerer) join(g *group, out *value, kernel string, args []view, must bool) bool {
	d := g.domain()
	op := groupOp{kind: mapFull, kernel: kernel, dst: out}
	r := full
	if out.size != g.size {
		if g.cols == 0 || out.size*g.cols != g.size {
			return false
		}
		op.kind, r = mapRow, row
	}
	again := &rematerializer{l: l, g: g, d: &d, done: map[*value]*value{}}
	for _, w := range args {
		if v := again.value(w); v != nil && op.kind == mapFull {
			op.args = append(op.args, operand{val: v, member: true})
			continue
		}
		before := d
		o, ok := d.operand(g, w, op.kind == mapRow)
		if must && (!ok || !d.enough()) {
			d = before
			o, ok = d.operand(g, l.dense(w), false)
		}
		if !ok {
			return false
		}
		op.args = append(op.args, o)
	}
	if must {
		l.attach(g)
	}
	for i := range again.ops {
		l.commit(g, d, again.ops[i], full)
	}
	for v, clone := range again.done {
		g.clones[v] = clone
	}
	l.commit(g, d, op, r)
	return true
}

// enough reports whether broadcast operands leave rows that are long enough for a kernel's loop.
func (d *domain) enough() bool {
	return d.cols != 0 || d.fit == 0 || d.fit >= minExtent || d.fit == d.size
}

// recent is the largest number of steps between a group and an elementwise operation on its domain that joins it.
// Joining an older group would compute values early that are needed late (in the backward pass) and keep them in
// memory.
const recent = 8

// candidates lists the groups that an operation of the given size may join, the last in the schedule first: those that
// compute an operand, and recent ones on the same domain that read or compute again one of the operands too.
func (l *lowerer) candidates(args []view, size int) []*group {
	var gs []*group
	for _, w := range args {
		if g := w.val.group; g != nil && !slices.Contains(gs, g) && (size < g.size || g.at >= len(l.steps)-recent) {
			gs = append(gs, g)
		}
	}
	for at := max(0, len(l.steps)-recent); at < len(l.steps) && size > 1; at++ {
		g := l.steps[at].group
		if g == nil || g.size != size || slices.Contains(gs, g) {
			continue
		}
		shares := func(w view) bool {
			return !w.scalar() && (slices.Contains(l.steps[at].reads, w.val) || g.clones[w.val.origin()] != nil)
		}
		if slices.ContainsFunc(args, shares) {
			gs = append(gs, g)
		}
	}
	slices.SortFunc(gs, func(a, b *group) int { return b.at - a.at })
	return gs
}

// attach puts a new group at the end of the schedule.
func (l *lowerer) attach(g *group) {
	g.at, g.clones = len(l.steps), map[*value]*value{}
	l.steps = append(l.steps, &step{name: "Fused", group: g})
}

// commit adds a checked operation to its group.
func (l *lowerer) commit(g *group, d domain, op groupOp, r role) {
	g.cols, g.fit = d.cols, d.fit
	s := l.steps[g.at]
	for _, o := range op.args {
		if !o.member {
			o.val.stored = true
			s.reads = append(s.reads, o.val)
		}
	}
	op.dst.group, op.dst.role, op.dst.step, op.dst.def = g, r, g.at, len(g.ops)
	g.ops = append(g.ops, op)
	if r == sink {
		op.dst.stored = true
	}
}

// fuseReduce adds a float32 reduction to a group: over trailing axes, over leading axes, or over everything.
func (l *lowerer) fuseReduce(n *node) (view, bool) {
	w := l.in(n, 0)
	if n.shape.DType != dtypes.Float32 || w.size() == 0 {
		return view{}, false
	}
	kept, reduced, kind := classifyReduce(w.dims, n.attr.([]int))
	if kind == mapFull {
		return view{}, false
	}
	kernel := map[compute.OpType]string{
		compute.OpTypeReduceSum: "RowSum",
		compute.OpTypeReduceMax: "RowMax",
		compute.OpTypeReduceMin: "RowMin",
	}[n.op]
	out := l.newValue(dtypes.Float32, n.shape.Size())
	cols := 0
	switch kind {
	case reduceRow:
		cols = reduced
	case reduceCol:
		cols = kept
	}
	r := sink
	if kind == reduceRow {
		r = row
	}
	try := func(g *group, w view, must bool) bool {
		d := g.domain()
		if cols != 0 && !d.fix(cols) {
			return false
		}
		rows := kind == reduceAll && g.cols != 0 && w.size()*g.cols == g.size && w.size() != g.size
		o, ok := d.operand(g, w, rows)
		if !ok || !o.member && rows || !o.member && w.size() != g.size {
			return false
		}
		if must {
			l.attach(g)
		}
		l.commit(g, d, groupOp{kind: kind, kernel: kernel, dst: out, args: []operand{o}}, r)
		return true
	}
	for _, g := range l.candidates([]view{w}, 0) {
		if try(g, w, false) {
			return denseView(out, n.shape.Dimensions), true
		}
	}
	if e := w.extent(); !w.dense() && !w.scalar() && (e < minExtent || cols != 0 && e%cols != 0) {
		w = l.dense(w)
	}
	if !try(&group{size: w.size(), at: math.MaxInt}, w, true) {
		panic("backend cpu: a new group refused a reduction")
	}
	return denseView(out, n.shape.Dimensions), true
}

// classifyReduce finds the form of a reduction, axes of dimension 1 left out: mapFull means none of the fused
// ones.
func classifyReduce(dims, axes []int) (kept, reduced int, kind opKind) {
	var pattern []bool
	kept, reduced = 1, 1
	for i, d := range dims {
		if d == 1 {
			continue
		}
		r := slices.Contains(axes, i)
		if r {
			reduced *= d
		} else {
			kept *= d
		}
		if len(pattern) == 0 || pattern[len(pattern)-1] != r {
			pattern = append(pattern, r)
		}
	}
	switch {
	case len(pattern) <= 1:
		return kept, reduced, reduceAll
	case len(pattern) == 2 && pattern[1]:
		return kept, reduced, reduceRow
	case len(pattern) == 2:
		return kept, reduced, reduceCol
	}
	return kept, reduced, mapFull
}

// fuseConcatenate lets a group that computes all operands write them where they belong.
func (l *lowerer) fuseConcatenate(n *node) (view, bool) {
	g := l.in(n, 0).val.group
	if g == nil || g.at < len(l.steps)-recent {
		return view{}, false
	}
	out := l.newValue(n.shape.DType, n.shape.Size())
	d := g.domain()
	var ops []groupOp
	for i, window := range windows(n, out) {
		w := l.in(n, i)
		o, ok := d.operand(g, w, false)
		if !ok || !o.member || o.val.role != full || stores[n.shape.DType] != "" {
			return view{}, false
		}
		e := window.extent()
		if d.cols == 0 {
			d.fit = gcd(d.fit, e)
		}
		if d.cols == 0 && d.fit < minExtent || d.cols != 0 && e%d.cols != 0 {
			return view{}, false
		}
		ops = append(ops, groupOp{kind: storeFull, kernel: "Copy", dst: out, args: []operand{o}, window: window})
	}
	for _, op := range ops {
		l.commit(g, d, op, sink)
	}
	return denseView(out, n.shape.Dimensions), true
}
