package cpu

import (
	"math"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// A mask of spans, int32 [batch, queries, 3], stands for a mask of queries × keys that would be most of what attention
// reads. It holds three positions for each query i, first ≤ shared ≤ own ≤ i: the query attends to the keys
// [first, shared) and [own, i]. Several texts in one row are thus apart, and branches of one text see its beginning and
// themselves. Keys that no query of a block attends to cost nothing.

func checkSpans(spans, q, k shapes.Shape, layout compute.AttentionAxesLayout,
	options *compute.ScaledDotProductAttentionConfig) error {
	seq := layout.SeqAxis()
	switch {
	case options.Causal || options.Bias != nil || options.KeyValueSeqLen != nil:
		return errors.Wrap(compute.ErrNotImplemented, "backend cpu: attention by spans that is causal or has biases or "+
			"lengths beside")
	case q.Dim(seq) != k.Dim(seq) || !spans.EqualDimensions(shapes.Make(spans.DType, q.Dim(0), q.Dim(seq), 3)):
		return errors.Errorf("backend cpu: FusedScaledDotProductAttention: the spans of query %s and key %s in layout %s "+
			"must be int32 [batch, queries, 3], got %s", q, k, layout, spans)
	}
	return nil
}

// spansIn sets the spans, an operand, and returns their value.
func (l *lowerer) spansIn(a *attention, n *node, i int) *value {
	a.spans = l.dense(l.in(n, i))
	return a.spans.val
}

// spansOf returns the spans of the queries [i0, i1).
func (a *attention) spansOf(x *execution, batch, i0, i1 int) []int32 {
	return data[int32](x, a.spans)[(batch*a.queries+i0)*3 : (batch*a.queries+i1)*3]
}

// inSight returns the keys that some of the queries [i0, i1) attend to, as one or two ranges that begin where a panel
// of packed keys does, and how many they are.
func (a *attention) inSight(x *execution, batch, i0, i1 int) (ranges []keyRange, n int) {
	first, shared, own := i1, 0, i1
	for spans := a.spansOf(x, batch, i0, i1); len(spans) > 0; spans = spans[3:] {
		own = min(own, int(spans[2]))
		if spans[0] < spans[1] {
			first, shared = min(first, int(spans[0])), max(shared, int(spans[1]))
		}
	}
	width := kernels.micro.width
	first, own = first/width*width, own/width*width
	if shared == 0 {
		return []keyRange{{own, i1, 0}}, i1 - own
	}
	if shared > own-width {
		first = min(first, own)
		return []keyRange{{first, i1, 0}}, i1 - first
	}
	return []keyRange{{first, shared, 0}, {own, i1, shared - first}}, shared - first + i1 - own
}

// hideUnseen makes the scores -∞ of keys that a query does not attend to.
func (a *attention) hideUnseen(x *execution, batch, i0, i1 int, ranges []keyRange, p matrix) {
	spans := a.spansOf(x, batch, i0, i1)
	for i := range i1 - i0 {
		first, shared, own := int(spans[3*i]), int(spans[3*i+1]), int(spans[3*i+2])
		for _, r := range ranges {
			row := f32(p.at(i, r.at).p, r.to-r.from)
			hide := func(from, to int) {
				for j := max(from, r.from); j < min(to, r.to); j++ {
					row[j-r.from] = float32(math.Inf(-1))
				}
			}
			hide(0, first)
			hide(shared, own)
			hide(i0+i+1, r.to)
		}
	}
}

// timesKeys computes out = p · B for a block of queries, where p has a column for each key of ranges and B, packed, a
// row for each of all keys.
func (a *attention) timesKeys(ranges []keyRange, rows int, p matrix, b unsafe.Pointer, out matrix, w *workspace) {
	for i, r := range ranges {
		from := unsafe.Add(b, r.from*kernels.micro.width*4)
		gemmPanels(rows, a.dim, r.to-r.from, p.at(0, r.at), from, a.keys, out, i > 0, nil, w)
	}
}

// keysTimes computes out = or += pᵀ · B, where B holds the rows of a block of queries and out has a row for each key.
func (a *attention) keysTimes(ranges []keyRange, rows int, p matrix, b unsafe.Pointer, out matrix, accumulate bool,
	w *workspace) {
	for _, r := range ranges {
		turned := matrix{p.at(0, r.at).p, 1, p.row}
		gemmPanels(r.to-r.from, a.dim, rows, turned, b, rows, out.at(r.from, 0), accumulate, nil, w)
	}
}
