package cpu

import (
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

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
	if seq := layout.SeqAxis(); attr.causal && attr.page == 0 && in[0].shape.Dim(seq) != in[1].shape.Dim(seq) {
		return nil, nil, errOtherLengths
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
		return nil, attr, errOtherLengths
	}
	return in, attr, nil
}

// errOtherLengths is for queries that do not begin with the first key: where they stand is known of pages alone.
var errOtherLengths = errors.Wrap(compute.ErrNotImplemented, "backend cpu: causal attention of queries and keys of "+
	"different lengths, other than over pages with the keys in use")
