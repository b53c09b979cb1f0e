package transformer

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// LabelLogprobs returns log softmax(logits)[n, labels[n]] as [N], for logits [N, V] and labels int32 [N].
//
// Its gradient is written out, d·(onehot(label) - softmax(logits)), and computed from the logits in one pass; what
// GoMLX would derive keeps a second [N, V] matrix from the forward pass and fills a third with zeros to scatter into.
func LabelLogprobs(logits, labels *Node) *Node {
	g, n, v := logits.Graph(), logits.Shape().Dim(0), logits.Shape().Dim(1)
	x := StopGradient(logits)
	peak := ReduceAndKeep(x, ReduceMax, -1)
	logSum := Add(Log(ReduceAndKeep(Exp(Sub(x, peak)), ReduceSum, -1)), peak) // [n, 1]
	flat := Add(MulScalar(Iota(g, shapes.Make(labels.DType(), n), 0), v), labels)
	value := Sub(Gather(Reshape(x, n*v), ExpandDims(flat, -1)), Reshape(logSum, n))

	differentiable := IdentityWithCustomGradient(logits, func(x, d *Node) *Node {
		isLabel := Equal(Iota(g, shapes.Make(labels.DType(), n, v), 1), BroadcastToDims(ExpandDims(labels, -1), n, v))
		return Mul(d, Sub(ConvertDType(isLabel, x.DType()), Exp(Sub(x, logSum))))
	})
	sum := ReduceSum(differentiable, -1) // hands the gradient on; its value cancels
	return Add(value, Sub(sum, StopGradient(sum)))
}
