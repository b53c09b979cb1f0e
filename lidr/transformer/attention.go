package transformer

import (
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// masked is added to the scores of positions that must not be attended to. Its exp is 0 in float32, and unlike -Inf it
// makes no NaN where a whole row is masked.
const masked = -1e9

// causalAttention returns the attention of sequences of t tokens, each over itself and the tokens before it:
// softmax(q·kᵀ/√dim)·v, where query head h reads key head h/(heads/kvHeads).
//
// A backend that has the fused operation with its gradient computes it in one operation, without the [b, heads, t, t]
// scores.
func causalAttention(g *Graph, t int) attention {
	ops := g.Backend().Capabilities().Operations
	if ops[compute.OpTypeFusedScaledDotProductAttention] && ops[compute.OpTypeFusedScaledDotProductAttentionVJP] {
		return func(_ int, q, k, v *Node) *Node {
			o, _ := BackendFusedScaledDotProductAttention(q, k, v, compute.AttentionAxesLayoutBSHD,
				&compute.ScaledDotProductAttentionConfig{Causal: true})
			return o
		}
	}
	mask := causalMask(g, t)
	return func(_ int, q, k, v *Node) *Node {
		return swapHeads(maskedAttention(swapHeads(q), swapHeads(k), swapHeads(v), mask))
	}
}

// maskedAttention is attention over head-major operands: q [b, heads, t, dim], k and v [b, kvHeads, s, dim], and a mask
// that is added to the scores and broadcasts to [b, 1, t, s]. It gives [b, heads, t, dim].
func maskedAttention(q, k, v, mask *Node) *Node {
	b, heads, t, dim := q.Shape().Dim(0), q.Shape().Dim(1), q.Shape().Dim(2), q.Shape().Dim(3)
	kv, s := k.Shape().Dim(1), k.Shape().Dim(2)
	group := heads / kv * t // the queries that share a key head
	q = Reshape(MulScalar(q, 1/math.Sqrt(float64(dim))), b, kv, group, dim)
	scores := DotGeneral(q, []int{3}, []int{0, 1}, k, []int{3}, []int{0, 1})
	p := softmax(Add(Reshape(scores, b, heads, t, s), mask))
	o := DotGeneral(Reshape(p, b, kv, group, s), []int{3}, []int{0, 1}, v, []int{2}, []int{0, 1})
	return Reshape(o, b, heads, t, dim)
}

// swapHeads turns [b, t, heads, dim] into [b, heads, t, dim] and back.
func swapHeads(x *Node) *Node { return TransposeAllAxes(x, 0, 2, 1, 3) }

// causalMask returns [1, 1, t, t] with masked above the diagonal and 0 elsewhere.
func causalMask(g *Graph, t int) *Node {
	mask := make([][]float32, t)
	for i := range mask {
		mask[i] = make([]float32, t)
		for j := i + 1; j < t; j++ {
			mask[i][j] = masked
		}
	}
	return Reshape(Const(g, mask), 1, 1, t, t)
}

// lengthMask returns the additive mask [b, 1, 1, s] that leaves sequence i its first lengths[i] positions; lengths is
// int32 [b].
func lengthMask(lengths *Node, s int) *Node {
	g, b := lengths.Graph(), lengths.Shape().Dim(0)
	mask := Where(within(lengths, s), ScalarZero(g, dtypes.Float32), Scalar(g, dtypes.Float32, masked))
	return Reshape(mask, b, 1, 1, s)
}

// within returns bool [b, s]: whether position j of sequence i is below lengths[i], int32 [b].
func within(lengths *Node, s int) *Node {
	b := lengths.Shape().Dim(0)
	position := Iota(lengths.Graph(), shapes.Make(lengths.DType(), b, s), 1)
	return LessThan(position, BroadcastToDims(ExpandDims(lengths, -1), b, s))
}

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
