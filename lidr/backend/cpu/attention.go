package cpu

import (
	"math"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// Scaled dot-product attention, softmax(q·kᵀ·scale)·v for each head, and its gradient. The scores of a block of queries
// live in scratch memory only; for the gradient the forward pass keeps one number a query, the logarithm of its
// softmax's denominator, and the backward pass computes the probabilities again (Dao et al., FlashAttention, 2022).
// With a causal mask, blocks beyond the diagonal are not computed at all.

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
