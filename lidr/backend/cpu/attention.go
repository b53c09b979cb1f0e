package cpu

import (
	"math"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// Scaled dot-product attention, softmax(q·kᵀ·scale)·v for each head, and its gradient. The scores of a block of queries
// live in scratch memory only; for the gradient the forward pass keeps one number a query, the logarithm of its
// softmax's denominator, and the backward pass computes the probabilities again (Dao et al., FlashAttention, 2022).
// With a causal mask, blocks beyond the diagonal are not computed at all.

// attentionAttr are the parameters of the fused attention operations.
type attentionAttr struct {
	layout compute.AttentionAxesLayout
	scale  float64
	causal bool
	// inputs after query, key and value:
	biased  bool // [batch, heads, queries, keys], added to the scores
	spanned bool // int32 [batch, queries, 3]: keys in sight
	lengths bool // int32 [batch]: keys in use
	page    int  // keys of a page, where keys and values are a pool and the last input is its table (attention_pages.go)
}

// FusedScaledDotProductAttention implements compute.Function for float32, with masks (bool, added to the scores, or
// spans), biases and key lengths. Without lengths it has a state for the gradient, the logarithm of the softmax's
// denominator, [batch, heads, queries]; masks and biases are constants in it.
func (f *function) FusedScaledDotProductAttention(query, key, value compute.Value, layout compute.AttentionAxesLayout,
	options *compute.ScaledDotProductAttentionConfig) (compute.Value, []compute.Value, error) {
	in, attr, err := f.attentionInputs(layout, options, query, key, value)
	if err != nil {
		return nil, nil, err
	}
	q := in[0].shape
	state := shapes.Make(dtypes.Float32, q.Dim(0), q.Dim(layout.HeadsAxis()), q.Dim(layout.SeqAxis()))
	op := compute.OpTypeFusedScaledDotProductAttention
	if in, attr, err = f.addBiases(in, attr, layout, options); err != nil {
		return nil, nil, err
	}
	if options != nil {
		if options.KeyValueSeqLen != nil {
			n, err := f.node(op.String(), options.KeyValueSeqLen)
			if err != nil {
				return nil, nil, err
			}
			if n.shape.Check(dtypes.Int32, q.Dim(0)) != nil {
				return nil, nil, errors.Errorf("backend cpu: %s: KeyValueSeqLen must be int32 [%d], got %s", op, q.Dim(0), n.shape)
			}
			in, attr.lengths = append(in, n), true
		}
	}
	if keys, values, table, ok := paged(in[1], in[2]); ok && attr.lengths && layout == compute.AttentionAxesLayoutBHSD {
		attr.page, in[1], in[2], in = keys.shape.Dim(2), keys, values, append(in, table)
	}
	out := f.addOutput(op, q, attr, 0, in...)
	if attr.lengths {
		return out, nil, nil
	}
	return out, []compute.Value{f.addOutput(op, state, attr, 1, in...)}, nil
}

// addBiases appends the sum of mask and bias to the inputs, where there is one.
func (f *function) addBiases(in []*node, attr attentionAttr, layout compute.AttentionAxesLayout,
	options *compute.ScaledDotProductAttentionConfig) ([]*node, attentionAttr, error) {
	if options == nil {
		return in, attr, nil
	}
	q, k := in[0].shape, in[1].shape
	if options.Mask != nil {
		spans, err := f.node("FusedScaledDotProductAttention", options.Mask)
		if err != nil {
			return nil, attr, err
		}
		if spans.shape.DType == dtypes.Int32 {
			attr.spanned = true
			return append(in, spans), attr, checkSpans(spans.shape, q, k, layout, options)
		}
	}
	scores := shapes.Make(dtypes.Float32, q.Dim(0), q.Dim(layout.HeadsAxis()), q.Dim(layout.SeqAxis()),
		k.Dim(layout.SeqAxis()))
	var sum *node
	for _, m := range []compute.Value{options.Mask, options.Bias} {
		if m == nil {
			continue
		}
		add, err := f.scoreBias(m, scores)
		if err != nil {
			return nil, attr, err
		}
		if sum != nil {
			add = f.add(compute.OpTypeAdd, scores, nil, sum, add)
		}
		sum = add
	}
	if sum != nil {
		in, attr.biased = append(in, sum), true
	}
	return in, attr, nil
}

// scoreBias broadcasts a mask or bias to the shape of the scores; false becomes a number that makes the probability 0.
func (f *function) scoreBias(v compute.Value, scores shapes.Shape) (*node, error) {
	n, err := f.node("FusedScaledDotProductAttention", v)
	if err != nil {
		return nil, err
	}
	shape := n.shape
	axes := make([]int, shape.Rank())
	for i := range axes {
		axes[i] = 4 - len(axes) + i
		if i >= 4 || axes[i] < 0 || shape.Dim(i) != 1 && shape.Dim(i) != scores.Dim(axes[i]) {
			return nil, errors.Errorf("backend cpu: FusedScaledDotProductAttention: mask or bias %s does not broadcast to "+
				"the scores %s", shape, scores)
		}
	}
	switch shape.DType {
	case dtypes.Float32:
	case dtypes.Bool:
		number := func(v float32) *node {
			c, err := f.Constant([]float32{v})
			if err != nil {
				panic(err) // a scalar of a supported element type
			}
			return f.broadcastTo(c.(*node), withDType(shape, dtypes.Float32))
		}
		n = f.add(compute.OpTypeWhere, withDType(shape, dtypes.Float32), nil, n, number(0), number(hidden))
	default:
		return nil, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: FusedScaledDotProductAttention with a mask of %s",
			shape.DType)
	}
	if shape.EqualDimensions(scores) {
		return n, nil
	}
	return f.add(compute.OpTypeBroadcastInDim, scores, axes, n), nil
}

// hidden is what is added to the score of a masked key. Any sum at or below half of it is a probability of exactly
// zero.
const hidden = -1e9

// FusedScaledDotProductAttentionVJP implements compute.Function.
func (f *function) FusedScaledDotProductAttentionVJP(query, key, value compute.Value,
	layout compute.AttentionAxesLayout, options *compute.ScaledDotProductAttentionConfig, output compute.Value,
	states []compute.Value, dOutput compute.Value) (dQuery, dKey, dValue compute.Value, err error) {
	in, attr, err := f.attentionInputs(layout, options, query, key, value)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(states) != 1 {
		return nil, nil, nil, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: FusedScaledDotProductAttentionVJP: %d "+
			"states; there is one without lengths", len(states))
	}
	rest, err := f.castAll("FusedScaledDotProductAttentionVJP", output, states[0], dOutput)
	if err != nil {
		return nil, nil, nil, err
	}
	if !rest[0].shape.Equal(in[0].shape) || !rest[2].shape.Equal(in[0].shape) {
		return nil, nil, nil, errors.Errorf("backend cpu: FusedScaledDotProductAttentionVJP: output %s and its gradient "+
			"%s must have the query's shape %s", rest[0].shape, rest[2].shape, in[0].shape)
	}
	if in, attr, err = f.addBiases(append(in, rest...), attr, layout, options); err != nil {
		return nil, nil, nil, err
	}
	op := compute.OpTypeFusedScaledDotProductAttentionVJP
	return f.addOutput(op, in[0].shape, attr, 0, in...), f.addOutput(op, in[1].shape, attr, 1, in...),
		f.addOutput(op, in[2].shape, attr, 2, in...), nil
}

func (f *function) attentionInputs(layout compute.AttentionAxesLayout, o *compute.ScaledDotProductAttentionConfig,
	qkv ...compute.Value) ([]*node, attentionAttr, error) {
	attr := attentionAttr{layout: layout}
	in, err := f.castAll("FusedScaledDotProductAttention", qkv...)
	if err != nil {
		return nil, attr, err
	}
	q, k, v := in[0].shape, in[1].shape, in[2].shape
	if q.DType != dtypes.Float32 || o != nil && o.QuerySeqLen != nil {
		return nil, attr, errors.Wrap(compute.ErrNotImplemented, "backend cpu: FusedScaledDotProductAttention with query "+
			"lengths or other than float32")
	}
	heads, seq := layout.HeadsAxis(), layout.SeqAxis()
	if q.Rank() != 4 || !k.Equal(v) || k.Rank() != 4 || k.DType != q.DType || q.Dim(0) != k.Dim(0) ||
		q.Dim(3) != k.Dim(3) || k.Dim(heads) == 0 || q.Dim(heads)%k.Dim(heads) != 0 {
		return nil, attr, errors.Errorf("backend cpu: FusedScaledDotProductAttention: query %s, key %s and value %s in "+
			"layout %s do not fit", q, k, v, layout)
	}
	if o != nil {
		attr.scale, attr.causal = o.Scale, o.Causal
	}
	if attr.scale == 0 {
		attr.scale = 1 / math.Sqrt(float64(q.Dim(3)))
	}
	if attr.causal && q.Dim(seq) != k.Dim(seq) && o.KeyValueSeqLen == nil {
		return nil, attr, errors.Wrap(compute.ErrNotImplemented, "backend cpu: causal attention of queries and keys of "+
			"different lengths, without the keys in use")
	}
	return in, attr, nil
}

// heads is a [batch, head, position, dim] tensor with strides in elements; the last axis is contiguous.
type heads struct {
	view             view
	batch, head, row int
}

func headsOf(w view, layout compute.AttentionAxesLayout) heads {
	return heads{w, w.strides[0], w.strides[layout.HeadsAxis()], w.strides[layout.SeqAxis()]}
}

func (h heads) matrix(x *execution, batch, head int) matrix {
	return matrix{unsafe.Add(x.ptr(h.view), (batch*h.batch+head*h.head)*4), h.row, 1}
}

// attention holds the sizes of one attention operation.
type attention struct {
	attentionAttr
	batch, heads, kvHeads, queries, keys, dim int
	q, k, v, o, do, dq, dk, dv                heads
	lse                                       view // [batch, heads, queries]
	bias, spans, lens, table                  view
}

// queryBlock is the number of queries whose scores are computed at a time: a multiple of the kernels' rows.
const queryBlock = 48

func (l *lowerer) newAttention(n *node) *attention {
	attr := n.attr.(attentionAttr)
	q, k := n.inputs[0].shape, n.inputs[1].shape
	a := &attention{attentionAttr: attr, batch: q.Dim(0), heads: q.Dim(attr.layout.HeadsAxis()),
		kvHeads: k.Dim(attr.layout.HeadsAxis()),
		queries: q.Dim(attr.layout.SeqAxis()), keys: k.Dim(attr.layout.SeqAxis()), dim: q.Dim(3)}
	if a.page > 0 {
		a.table = l.dense(l.in(n, len(n.inputs)-1))
		a.keys *= a.table.dims[1] // of a page, and of all
	}
	a.q, a.k, a.v = l.headsIn(n, 0, attr.layout), l.headsIn(n, 1, attr.layout), l.headsIn(n, 2, attr.layout)
	return a
}

// headsIn is an operand, copied only if its last axis is not contiguous.
func (l *lowerer) headsIn(n *node, i int, layout compute.AttentionAxesLayout) heads {
	w := l.in(n, i)
	if w.strides[3] != 1 && w.dims[3] != 1 {
		w = l.dense(w)
	}
	return headsOf(w, layout)
}

// attention schedules the forward operation, both outputs at once.
func (l *lowerer) attention(n *node) (view, error) {
	return l.together(n, func() []view {
		a := l.newAttention(n)
		q := n.inputs[0].shape
		out, state := l.newValue(dtypes.Float32, q.Size()), l.newValue(dtypes.Float32, a.batch*a.heads*a.queries)
		o := denseView(out, q.Dimensions)
		a.o, a.lse = headsOf(o, a.layout), denseView(state, []int{a.batch, a.heads, a.queries})
		s := &step{name: "Attention", reads: []*value{a.q.view.val, a.k.view.val, a.v.view.val}, writes: []*value{out, state},
			run: a.forward}
		if a.biased {
			s.reads = append(s.reads, l.biasIn(a, n, 3))
		}
		if a.spanned {
			s.reads = append(s.reads, l.spansIn(a, n, 3))
		}
		last := len(n.inputs) - 1
		if a.page > 0 {
			s.run, last = a.forwardPages, last-1
			s.reads = append(s.reads, a.table.val)
		}
		if a.lengths {
			a.lens = l.dense(l.in(n, last))
			s.reads = append(s.reads, a.lens.val)
		}
		if a.queries <= fewQueries && !a.causal && !a.spanned { // whose results are those of a longer text's beginning
			s.run = a.forwardFew
		}
		l.push(s)
		return []view{o, a.lse}
	}), nil
}

// biasIn sets the bias, an operand whose last axis is made contiguous, and returns its value.
func (l *lowerer) biasIn(a *attention, n *node, i int) *value {
	a.bias = l.in(n, i)
	if a.bias.strides[3] != 1 && a.keys > 1 {
		a.bias = l.dense(a.bias)
	}
	return a.bias.val
}

// attentionVJP schedules the gradient, all three outputs at once.
func (l *lowerer) attentionVJP(n *node) (view, error) {
	return l.together(n, func() []view {
		a := l.newAttention(n)
		a.o, a.do, a.lse = l.headsIn(n, 3, a.layout), l.headsIn(n, 5, a.layout), l.dense(l.in(n, 4))
		s := &step{name: "AttentionVJP", run: a.backward}
		for _, h := range []heads{a.q, a.k, a.v, a.o, a.do} {
			s.reads = append(s.reads, h.view.val)
		}
		s.reads = append(s.reads, a.lse.val)
		if a.biased {
			s.reads = append(s.reads, l.biasIn(a, n, 6))
		}
		if a.spanned {
			s.reads = append(s.reads, l.spansIn(a, n, 6))
		}
		var out []view
		for i, g := range []*heads{&a.dq, &a.dk, &a.dv} {
			shape := n.inputs[i].shape
			w := denseView(l.newValue(dtypes.Float32, shape.Size()), shape.Dimensions)
			*g = headsOf(w, a.layout)
			s.writes = append(s.writes, w.val)
			out = append(out, w)
		}
		l.push(s)
		return out
	}), nil
}

// together lowers an operation with several results once and hands each node its own.
func (l *lowerer) together(n *node, lower func() []view) view {
	key := sprint(n.op, n.attr)
	for _, in := range n.inputs {
		key += sprint(" ", in.id)
	}
	if l.results[key] == nil {
		l.results[key] = lower()
	}
	return l.results[key][n.output]
}

// scratch cuts a block of memory into float32 arrays.
type scratch struct{ mem []byte }

func (s *scratch) take(n int) unsafe.Pointer {
	p := unsafe.Pointer(unsafe.SliceData(s.mem))
	s.mem = s.mem[roundUp(n*4, align):]
	return p
}

func panels(rows, cols int) int { return rows * roundUp(cols, kernels.micro.width) }

// keyRange are the keys from from to to (exclusive), whose scores begin in column at of a block of queries.
type keyRange struct{ from, to, at int }

// reach returns the keys that the queries [i0, i1) of a batch item attend to, and how many they are.
func (a *attention) reach(x *execution, batch, i0, i1 int) (ranges []keyRange, n int) {
	if a.spanned {
		return a.inSight(x, batch, i0, i1)
	}
	n = a.keys
	if a.causal {
		n = i1
	}
	if a.lengths {
		n = max(0, min(n, int(data[int32](x, a.lens)[batch])))
	}
	return []keyRange{{0, n, 0}}, n
}

// addBias adds the bias of the queries from i0 on to the scores. As exp((s - peak)·scale) follows, it is divided by the
// scale.
func (a *attention) addBias(x *execution, batch, head, i0, rows, n int, p matrix) {
	if !a.biased {
		return
	}
	w := a.bias
	inverse := float32(1 / a.scale)
	for i := range rows {
		bias := f32(unsafe.Add(x.ptr(w), (batch*w.strides[0]+head*w.strides[1]+(i0+i)*w.strides[2])*4), n)
		for j, v := range f32(p.at(i, 0).p, n) {
			*(*float32)(p.at(i, j).p) = v + bias[j]*inverse
		}
	}
}

// probabilities computes exp((s - peak)·scale) in p, from the scores s of queries [i0, i1) and the n keys of ranges. In
// the forward pass peak is found as the maximum of the scores; in the backward pass it is given.
func (a *attention) probabilities(x *execution, batch, head int, q matrix, keys unsafe.Pointer, p matrix, i0, i1 int,
	ranges []keyRange, n int, peak []float32, forward bool, w *workspace) {
	t := &w.tile
	for _, r := range ranges {
		gemmPanels(i1-i0, r.to-r.from, a.dim, q.at(i0, 0), unsafe.Add(keys, r.from*a.dim*4), a.dim, p.at(0, r.at), false,
			nil, w)
	}
	if a.spanned {
		a.hideUnseen(x, batch, i0, i1, ranges, p)
	}
	if a.causal {
		for i := i0; i < i1; i++ {
			row := f32(p.at(i-i0, 0).p, n)
			for j := i + 1; j < n; j++ {
				row[j] = float32(math.Inf(-1))
			}
		}
	}
	a.addBias(x, batch, head, i0, i1-i0, n, p)
	at := unsafe.Pointer(&peak[0])
	if forward {
		*t = tileArgs{dst: at, a: p.p, n: n, rows: i1 - i0, strideDst: 4, strideA: p.row * 4}
		kernels.tile["RowMaxV"](t)
	}
	scale := float32(a.scale)
	*t = tileArgs{dst: p.p, a: p.p, b: at, c: unsafe.Pointer(&scale), n: n, rows: i1 - i0, strideDst: p.row * 4,
		strideA: p.row * 4, strideB: 4}
	kernels.tile["ExpScaledVSS"](t)
}

// forward computes outputs and log-denominators, one task a head.
func (a *attention) forward(x *execution) {
	width := roundUp(a.keys, 16)
	size := (panels(a.dim, a.keys) + panels(a.keys, a.dim) + queryBlock*width + 2*queryBlock + 5*16) * 4
	x.parallel(a.batch*a.heads, func(task int, w *workspace) {
		b, h := task/a.heads, task%a.heads
		s := scratch{w.scratch(size)}
		keys, values := s.take(panels(a.dim, a.keys)), s.take(panels(a.keys, a.dim))
		p := matrix{s.take(queryBlock * width), width, 1}
		peak, sum := f32(s.take(queryBlock), queryBlock), f32(s.take(queryBlock), queryBlock)
		kv := h * a.kvHeads / a.heads
		q, k, v, o := a.q.matrix(x, b, h), a.k.matrix(x, b, kv), a.v.matrix(x, b, kv), a.o.matrix(x, b, h)
		t := &w.tile
		packB(matrix{k.p, 1, k.row}, a.dim, a.keys, keys, w)
		packB(v, a.keys, a.dim, values, w)
		lse := f32(unsafe.Add(x.ptr(a.lse), task*a.queries*4), a.queries)
		for i0 := 0; i0 < a.queries; i0 += queryBlock {
			i1 := min(a.queries, i0+queryBlock)
			ranges, n := a.reach(x, b, i0, i1)
			a.probabilities(x, b, h, q, keys, p, i0, i1, ranges, n, peak, true, w)
			*t = tileArgs{dst: unsafe.Pointer(&sum[0]), a: p.p, n: n, rows: i1 - i0, strideDst: 4, strideA: width * 4}
			kernels.tile["RowSumV"](t)
			out := o.at(i0, 0)
			a.timesKeys(ranges, i1-i0, p, values, out, w)
			*t = tileArgs{dst: out.p, a: out.p, b: unsafe.Pointer(&sum[0]), n: a.dim, rows: i1 - i0, strideDst: o.row * 4,
				strideA: o.row * 4, strideB: 4}
			kernels.tile["DivVS"](t)
			for i := i0; i < i1; i++ {
				lse[i] = float32(float64(peak[i-i0])*a.scale + math.Log(float64(sum[i-i0])))
			}
		}
	})
}

// backward computes the gradients of queries, keys and values, one task a key head. With P the probabilities and
// D = Σ dO∘O for each query: dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P∘(dP - D), dQ = scale·dS·K, dK = scale·dSᵀ·Q.
func (a *attention) backward(x *execution) {
	width := roundUp(a.keys, 16)
	group := a.heads / a.kvHeads
	size := (2*panels(a.dim, a.keys) + panels(a.keys, a.dim) + 2*panels(queryBlock, a.dim) + 2*queryBlock*width +
		a.queries + queryBlock + 9*16) * 4
	x.parallel(a.batch*a.kvHeads, func(task int, w *workspace) {
		b, kv := task/a.kvHeads, task%a.kvHeads
		s := scratch{w.scratch(size)}
		keysT, valuesT := s.take(panels(a.dim, a.keys)), s.take(panels(a.dim, a.keys))
		keys := s.take(panels(a.keys, a.dim))
		queries, grads := s.take(panels(queryBlock, a.dim)), s.take(panels(queryBlock, a.dim))
		p, ds := matrix{s.take(queryBlock * width), width, 1}, matrix{s.take(queryBlock * width), width, 1}
		d, peak := s.take(a.queries), f32(s.take(queryBlock), queryBlock)
		k, v := a.k.matrix(x, b, kv), a.v.matrix(x, b, kv)
		t := &w.tile
		packB(matrix{k.p, 1, k.row}, a.dim, a.keys, keysT, w)
		packB(matrix{v.p, 1, v.row}, a.dim, a.keys, valuesT, w)
		scale := float32(a.scale)
		scaled := func(panel unsafe.Pointer, n int) {
			*t = tileArgs{dst: panel, a: panel, b: unsafe.Pointer(&scale), n: n, rows: 1}
			kernels.tile["MulVS"](t)
		}
		packB(k, a.keys, a.dim, keys, w)
		scaled(keys, panels(a.keys, a.dim))
		dk, dv := a.dk.matrix(x, b, kv), a.dv.matrix(x, b, kv)
		if a.spanned { // no block of queries need attend to all keys
			for i := range a.keys {
				clear(f32(dk.at(i, 0).p, a.dim))
				clear(f32(dv.at(i, 0).p, a.dim))
			}
		}
		for h := kv * group; h < (kv+1)*group; h++ {
			q, o, do, dq := a.q.matrix(x, b, h), a.o.matrix(x, b, h), a.do.matrix(x, b, h), a.dq.matrix(x, b, h)
			lse := f32(unsafe.Add(x.ptr(a.lse), (b*a.heads+h)*a.queries*4), a.queries)
			*t = tileArgs{dst: d, a: do.p, b: o.p, n: a.dim, rows: a.queries, strideDst: 4, strideA: do.row * 4,
				strideB: o.row * 4}
			kernels.tile["RowDotVV"](t)
			// From the last block, which attends to all keys and so begins the sums over queries, to the first.
			for i0 := (a.queries - 1) / queryBlock * queryBlock; i0 >= 0; i0 -= queryBlock {
				i1 := min(a.queries, i0+queryBlock)
				rows := i1 - i0
				ranges, n := a.reach(x, b, i0, i1)
				begun := a.spanned || h > kv*group || i1 < a.queries
				for i := range rows {
					peak[i] = lse[i0+i] / scale
				}
				a.probabilities(x, b, h, q, keysT, p, i0, i1, ranges, n, peak, false, w)
				packB(do.at(i0, 0), rows, a.dim, grads, w)
				a.keysTimes(ranges, rows, p, grads, dv, begun, w)
				for _, r := range ranges {
					gemmPanels(rows, r.to-r.from, a.dim, do.at(i0, 0), unsafe.Add(valuesT, r.from*a.dim*4), a.dim, ds.at(0, r.at),
						false, nil, w)
				}
				*t = tileArgs{dst: ds.p, a: p.p, b: ds.p, c: unsafe.Add(d, i0*4), n: n, rows: rows,
					strideDst: width * 4, strideA: width * 4, strideB: width * 4, strideC: 4}
				kernels.tile["SoftmaxGradVVS"](t)
				a.timesKeys(ranges, rows, ds, keys, dq.at(i0, 0), w)
				packB(q.at(i0, 0), rows, a.dim, queries, w)
				scaled(queries, panels(rows, a.dim))
				a.keysTimes(ranges, rows, ds, queries, dk, begun, w)
			}
		}
	})
}
