package dpo

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/transformer"
)

// inputs are the parameters of the graphs of one micro-batch, in the order of micro.args. The last three are there with
// pairRows only.
type inputs struct {
	tokens     *Node // int32 [height, width]
	spans      *Node // int32 [height, width, 3]
	place      *Node // int32 [predictions]
	labels     *Node // int32 [predictions]
	owners     *Node // int32 [predictions]
	weights    *Node // float32 [predictions]
	scale      *Node // float32 [rows]: of the scores, 1 or 1/tokens
	ref        *Node // float32 [2, pairs]: chosen, rejected
	pairWeight *Node // float32 [pairs]
	kl         *Node // float32 []
}

func newInputs(in []*Node) inputs {
	x := inputs{tokens: in[0], spans: in[1], place: in[2], labels: in[3], owners: in[4], weights: in[5], scale: in[6]}
	if len(in) > 7 {
		x.ref, x.pairWeight, x.kl = in[7], in[8], in[9]
	}
	return x
}

// logprobs returns the log-probability of each prediction, [predictions], and their sums by row, [rows]. Hidden states
// are gathered before the vocabulary projection, which thus skips prompts and padding.
func (x inputs) logprobs(scope *model.Scope, m *transformer.Model) (each, sums *Node) {
	hidden := Reshape(m.HiddenPacked(scope, x.tokens, x.spans), x.tokens.Shape().Size(), m.Config.HiddenSize)
	each = m.LabelLogprobs(scope, Gather(hidden, ExpandDims(x.place, -1)), x.labels)

	rows, n := x.scale.Shape().Size(), each.Shape().Dim(0)
	row := Iota(each.Graph(), shapes.Make(dtypes.Int32, rows, n), 0)
	owned := ConvertDType(Equal(row, BroadcastToDims(ExpandDims(x.owners, 0), rows, n)), each.DType())
	return each, DotGeneral(owned, []int{1}, nil, each, []int{0}, nil)
}

// loss returns a micro-batch's part of the batch's loss, and of that the weighted NLL.
func (x inputs) loss(each, sums *Node, s Settings) (loss, nll *Node) {
	nll = Neg(ReduceAllSum(Mul(each, x.weights)))
	if x.ref == nil {
		return nll, nll
	}
	pairs := x.pairWeight.Shape().Dim(0)
	scores := Mul(Sub(Reshape(sums, 2, pairs), x.ref), Reshape(x.scale, 2, pairs))
	side := func(i int) *Node { return Reshape(Slice(scores, AxisElem(i)), pairs) }
	preference := preferences[s.Loss].graph(s, side(0), side(1), x.kl)
	return Add(ReduceAllSum(Mul(preference, x.pairWeight)), nll), nll
}

// logSigmoid is LogSigmoid.
func logSigmoid(x *Node) *Node {
	return Sub(MinScalar(x, 0), Log1P(Exp(Neg(Abs(x)))))
}
