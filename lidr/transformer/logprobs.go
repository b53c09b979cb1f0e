package transformer

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// chunkLogits is the largest number of logits in memory at once, 128 MiB of float32: matrices of that size keep every
// core busy, and hold 261 positions of a vocabulary of 128,256. The logits of a small vocabulary are one chunk.
const chunkLogits = 1 << 25

// LabelLogprobs returns the log-probabilities of labels, int32 [N], after the hidden states [N, D], as [N]. Where the
// logits [N, V] are more than chunkLogits, they are computed and reduced in chunks of positions, and computed again in
// the backward pass.
func (m *Model) LabelLogprobs(scope *model.Scope, hidden, labels *Node) *Node {
	n := hidden.Shape().Dim(0)
	chunks := (n*m.Config.VocabSize + chunkLogits - 1) / chunkLogits
	if chunks <= 1 {
		return labelLogprobs(m.Head(scope, hidden), labels)
	}
	w, size := weights{m: m, scope: scope, g: hidden.Graph(), again: true}, (n+chunks-1)/chunks
	var parts []*Node
	for start := 0; start < n; start += size {
		part := AxisRange(start, min(start+size, n))
		logits := m.head(w, Slice(hidden, part).Checkpoint())
		parts = append(parts, labelLogprobs(logits, Slice(labels, part)).StopCheckpoint())
	}
	return Concatenate(parts, 0)
}

// labelLogprobs returns log softmax(logits)[n, labels[n]] as [N], for logits [N, V] and labels int32 [N].
//
// Its gradient is written out, d·(onehot(label) - softmax(logits)), and computed from the logits in one pass; what
// GoMLX would derive keeps a second [N, V] matrix from the forward pass and fills a third with zeros to scatter into.
func labelLogprobs(logits, labels *Node) *Node {
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
	sum := ReduceSum(differentiable, -1) // carries the gradient; its value cancels
	return Add(value, Sub(sum, StopGradient(sum)))
}
