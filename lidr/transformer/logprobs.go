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
// the backward pass. Below an adapter the head is frozen, and the forward pass leaves the gradient of each hidden state
// in place of the logits.
func (m *Model) LabelLogprobs(scope *model.Scope, hidden, labels *Node) *Node {
	n := hidden.Shape().Dim(0)
	chunks := (n*m.Config.VocabSize + chunkLogits - 1) / chunkLogits
	frozen := m.adapter != nil && m.design.LogitCap == 0
	if chunks <= 1 && !frozen {
		return labelLogprobs(m.Head(scope, hidden), labels)
	}
	w, size := weights{m: m, scope: scope, g: hidden.Graph(), again: !frozen}, (n+chunks-1)/chunks
	var parts []*Node
	for start := 0; start < n; start += size {
		part := AxisRange(start, min(start+size, n))
		if frozen {
			parts = append(parts, m.frozenLogprobs(w, Slice(hidden, part), Slice(labels, part)))
			continue
		}
		logits := m.head(w, Slice(hidden, part).Checkpoint())
		parts = append(parts, labelLogprobs(logits, Slice(labels, part)).StopCheckpoint())
	}
	return Concatenate(parts, 0)
}

// frozenLogprobs is labelLogprobs of the head's logits with a gradient by the hidden states alone:
// d·scale·(onehot(label) - softmax(logits))·W, of which the forward pass computes all but d.
func (m *Model) frozenLogprobs(w weights, hidden, labels *Node) *Node {
	n, v := labels.Shape().Dim(0), m.Config.VocabSize
	logits := StopGradient(m.head(w, hidden))
	value := StopGradient(labelLogprobs(logits, labels))
	isLabel := Equal(Iota(w.g, shapes.Make(labels.DType(), n, v), 1), BroadcastToDims(ExpandDims(labels, -1), n, v))
	off := Sub(ConvertDType(isLabel, logits.DType()), Exp(Sub(logits, logSum(logits))))
	head := w.get(m.headName())
	if format, ok := m.formats[m.headName()]; ok {
		head = w.unpacked(head, format)
	} else if w.inPairs(head) {
		off = rounded(off)
	}
	slope := DotGeneral(off, []int{1}, nil, ConvertDType(head, off.DType()), []int{0}, nil)
	slope = StopGradient(MulScalar(slope, m.design.LogitScale))
	return carry(value, IdentityWithCustomGradient(hidden, func(_, d *Node) *Node { return Mul(d, slope) }))
}

// carry returns value [n] with the gradient of the rows' sums of x [n, ·], whose own value cancels.
func carry(value, x *Node) *Node {
	sum := ReduceSum(x, -1)
	return Add(value, Sub(sum, StopGradient(sum)))
}

// logSum returns log Σ exp(x) over the last axis, which is kept.
func logSum(x *Node) *Node {
	peak := ReduceAndKeep(x, ReduceMax, -1)
	return Add(Log(ReduceAndKeep(Exp(Sub(x, peak)), ReduceSum, -1)), peak)
}

// labelLogprobs returns log softmax(logits)[n, labels[n]] as [N], for logits [N, V] and labels int32 [N].
//
// Its gradient is written out, d·(onehot(label) - softmax(logits)), and computed from the logits in one pass; what
// GoMLX would derive keeps a second [N, V] matrix from the forward pass and fills a third with zeros to scatter into.
func labelLogprobs(logits, labels *Node) *Node {
	g, n, v := logits.Graph(), logits.Shape().Dim(0), logits.Shape().Dim(1)
	x := StopGradient(logits)
	logSum := logSum(x) // [n, 1]
	flat := Add(MulScalar(Iota(g, shapes.Make(labels.DType(), n), 0), v), labels)
	value := Sub(Gather(Reshape(x, n*v), ExpandDims(flat, -1)), Reshape(logSum, n))

	differentiable := IdentityWithCustomGradient(logits, func(x, d *Node) *Node {
		isLabel := Equal(Iota(g, shapes.Make(labels.DType(), n, v), 1), BroadcastToDims(ExpandDims(labels, -1), n, v))
		return Mul(d, Sub(ConvertDType(isLabel, x.DType()), Exp(Sub(x, logSum))))
	})
	return carry(value, differentiable)
}
