package transformer

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"lidrlab/lidr/checkpoint"
)

// masked is added to the scores of positions that must not be attended to. Its exp is 0 in float32, and unlike -Inf it
// makes no NaN where a whole row is masked.
const masked = -1e9

// causalAttention returns the attention of sequences of t tokens, each over itself and the tokens before it, or over a
// layer's window of them: softmax(scale·q·kᵀ)·v, where query head h reads key head h/(heads/kvHeads). Scores are kept
// within a cap where the design has one.
//
// A backend that has the fused operation with its gradient computes it in one operation, without the [b, heads, t, t]
// scores, unless they have a cap.
func (m *Model) causalAttention(g *Graph, t int) attention {
	d, fused := m.design, m.fusesAttention(g)
	masks := map[int]*Node{} // by window
	return func(layer int, q, k, v *Node) *Node {
		window := d.Layers[layer].Window
		if window >= t {
			window = 0
		}
		if masks[window] == nil && !(fused && window == 0) {
			masks[window] = causalMask(g, t, window)
		}
		if !fused {
			return swapHeads(maskedAttention(swapHeads(q), swapHeads(k), swapHeads(v), masks[window], d))
		}
		config := compute.ScaledDotProductAttentionConfig{Scale: d.ScoreScale, Causal: true}
		if window > 0 {
			config.Mask = InternalBackendOutputs(masks[window])[0]
		}
		o, _ := BackendFusedScaledDotProductAttention(q, k, v, compute.AttentionAxesLayoutBSHD, &config)
		return o
	}
}

// fusesAttention reports whether the backend computes attention, and its gradient, in one operation.
func (m *Model) fusesAttention(g *Graph) bool {
	ops := g.Backend().Capabilities().Operations
	return ops[compute.OpTypeFusedScaledDotProductAttention] && ops[compute.OpTypeFusedScaledDotProductAttentionVJP] &&
		m.design.ScoreCap == 0
}

// maskedAttention is attention over head-major operands: q [b, heads, t, dim], k and v [b, kvHeads, s, dim], and a mask
// that is added to the scores and broadcasts to [b, 1, t, s]. It gives [b, heads, t, dim].
func maskedAttention(q, k, v, mask *Node, d checkpoint.Design) *Node {
	b, heads, t, dim := q.Shape().Dim(0), q.Shape().Dim(1), q.Shape().Dim(2), q.Shape().Dim(3)
	kv, s := k.Shape().Dim(1), k.Shape().Dim(2)
	group := heads / kv * t // the queries that share a key head
	q = Reshape(MulScalar(q, d.ScoreScale), b, kv, group, dim)
	scores := DotGeneral(q, []int{3}, []int{0, 1}, k, []int{3}, []int{0, 1})
	if d.ScoreCap > 0 {
		scores = softCap(scores, d.ScoreCap)
	}
	p := softmax(Add(Reshape(scores, b, heads, t, s), mask))
	o := DotGeneral(Reshape(p, b, kv, group, s), []int{3}, []int{0, 1}, v, []int{2}, []int{0, 1})
	return Reshape(o, b, heads, t, dim)
}

// swapHeads turns [b, t, heads, dim] into [b, heads, t, dim] and back.
func swapHeads(x *Node) *Node { return TransposeAllAxes(x, 0, 2, 1, 3) }

// causalMask returns [1, 1, t, t] with masked above the diagonal, masked from window below it unless window is 0, and
// 0 elsewhere.
func causalMask(g *Graph, t, window int) *Node {
	mask := make([][]float32, t)
	for i := range mask {
		mask[i] = make([]float32, t)
		for j := range mask[i] {
			if j > i || window > 0 && j <= i-window {
				mask[i][j] = masked
			}
		}
	}
	return Reshape(Const(g, mask), 1, 1, t, t)
}

// endMask returns the additive mask [b, 1, t, s] that leaves each of the last t positions of sequence i, which has
// ends[i], those up to its own, or the last window of them unless window is 0; ends is int32 [b].
func endMask(ends *Node, t, s, window int) *Node {
	g, b := ends.Graph(), ends.Shape().Dim(0)
	shape := shapes.Make(dtypes.Int32, b, t, s)
	query := Add(BroadcastToDims(Reshape(AddScalar(ends, -t), b, 1, 1), b, t, s), Iota(g, shape, 1))
	behind := Sub(query, Iota(g, shape, 2)) // the query's position less the key's
	seen := GreaterOrEqual(behind, ZerosLike(behind))
	if window > 0 {
		seen = And(seen, LessThan(behind, Scalar(g, dtypes.Int32, window)))
	}
	mask := Where(seen, ScalarZero(g, dtypes.Float32), Scalar(g, dtypes.Float32, masked))
	return Reshape(mask, b, 1, t, s)
}

// within returns bool [b, s]: whether position j of sequence i is below lengths[i], int32 [b].
func within(lengths *Node, s int) *Node {
	b := lengths.Shape().Dim(0)
	position := Iota(lengths.Graph(), shapes.Make(lengths.DType(), b, s), 1)
	return LessThan(position, BroadcastToDims(ExpandDims(lengths, -1), b, s))
}

// softCap returns c·tanh(x/c), which keeps x within ±c (Bello et al. 2016, arXiv 1611.09940, §5.1).
func softCap(x *Node, c float64) *Node { return MulScalar(Tanh(DivScalar(x, c)), c) }

// softmax over the last axis. GoMLX's own differentiates a second, unfused copy of itself; this one uses the result.
func softmax(x *Node) *Node {
	y, _ := InternalFusedOpCaller(
		func() *Node { return BackendFusedSoftmax(x, x.Rank()-1) },
		func() *Node { return Softmax(x, -1) }, false)
	return y
}

func init() {
	// For y = softmax(x) over the last axis, dx = y·(dy - Σ y·dy). A fused softmax that GoMLX itself makes, over any axis,
	// has a gradient of its own, which takes precedence over this one.
	VJPRegistration[NodeTypeFusedSoftmax] = func(y *Node, dy []*Node, _ shapes.Shape) []*Node {
		weighted := Mul(y, dy[0])
		return []*Node{Sub(weighted, Mul(y, ReduceAndKeep(weighted, ReduceSum, -1)))}
	}
}
