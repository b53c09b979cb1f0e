package transformer

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Packed rows hold several texts, and texts with branches: a prompt that is computed once, and answers to it that do
// not see each other. Every token has its span, three columns of its row, first <= shared <= own <= its own: it attends
// to the columns [first, shared) and from own to itself. Its position in its text is the number of these but one. A
// text without branches has shared = first, a column of padding a span of itself alone.

// HiddenPacked returns the hidden states after the final norm, [B, T, D], of token ids int32 [B, T] with their spans,
// int32 [B, T, 3]. Rotary factors that depend on the length are those of the longest text of a row, as those of a
// padded batch in transformers.
func (m *Model) HiddenPacked(scope *model.Scope, tokens, spans *Node) *Node {
	w := weights{m: m, scope: scope, g: tokens.Graph(), keep: true}
	b, t := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	first, shared, own := spanParts(spans)
	positions := Reshape(positionsOf(first, shared, own), b, t)
	pos := m.rotariesAt(positions, AddScalar(ReduceMax(positions, 1), 1), t)
	h := m.blocks(w, m.embed(w, tokens), b, t, pos, m.packedAttention(spans))
	return Reshape(h, b, t, m.Config.HiddenSize)
}

// spanParts returns the parts of spans, each [b, t, 1].
func spanParts(spans *Node) (first, shared, own *Node) {
	part := func(i int) *Node { return Slice(spans, AxisRange(), AxisRange(), AxisRange(i, i+1)) }
	return part(0), part(1), part(2)
}

// positionsOf returns the tokens' positions in their texts, [b, t, 1].
func positionsOf(first, shared, own *Node) *Node {
	return Add(Sub(shared, first), Sub(Iota(own.Graph(), own.Shape(), 1), own))
}

// packedAttention returns the attention of packed rows, in one operation where the backend has it. That of package
// lidr/backend/cpu, the only one with a gradient, takes spans for a mask.
func (m *Model) packedAttention(spans *Node) attention {
	d, fused := m.design, m.fusesAttention(spans.Graph())
	masks := map[int]*Node{} // by window
	return func(layer int, q, k, v *Node) *Node {
		window := d.Layers[layer].Window
		if masks[window] == nil {
			masks[window] = windowed(spans, window)
			if !fused {
				masks[window] = spanMask(masks[window])
			}
		}
		if !fused {
			return swapHeads(maskedAttention(swapHeads(q), swapHeads(k), swapHeads(v), masks[window], d))
		}
		o, _ := BackendFusedScaledDotProductAttention(q, k, v, compute.AttentionAxesLayoutBSHD,
			&compute.ScaledDotProductAttentionConfig{Scale: d.ScoreScale, Mask: InternalBackendOutputs(masks[window])[0]})
		return o
	}
}

// windowed returns spans without what lies window positions or more before their tokens, unless window is 0.
func windowed(spans *Node, window int) *Node {
	if window == 0 {
		return spans
	}
	first, shared, own := spanParts(spans)
	column := Iota(own.Graph(), own.Shape(), 1)
	oldest := AddScalar(positionsOf(first, shared, own), 1-window)
	first = Min(shared, Max(first, Add(first, oldest)))
	return Concatenate([]*Node{first, shared, Max(own, AddScalar(column, 1-window))}, -1)
}

// spanMask returns the mask [b, 1, t, t] that spans stand for, which is added to the scores.
func spanMask(spans *Node) *Node {
	b, t := spans.Shape().Dim(0), spans.Shape().Dim(1)
	all := shapes.Make(spans.DType(), b, t, t)
	wide := func(x *Node) *Node { return BroadcastToDims(x, b, t, t) }
	first, shared, own := spanParts(spans)
	query, key := Iota(spans.Graph(), all, 1), Iota(spans.Graph(), all, 2)
	seen := Or(And(LessOrEqual(wide(first), key), LessThan(key, wide(shared))),
		And(LessOrEqual(wide(own), key), LessOrEqual(key, query)))
	g := spans.Graph()
	return Reshape(Where(seen, ScalarZero(g, dtypes.Float32), Scalar(g, dtypes.Float32, masked)), b, 1, t, t)
}
