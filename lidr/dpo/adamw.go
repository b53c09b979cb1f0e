package dpo

import (
	"maps"
	"math"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/transformer"
)

// optimizerScope holds the optimizer's variables in the model's store while it trains.
const optimizerScope = "/adamw"

// parameter is a weight with what AdamW keeps beside it, all on the device.
type parameter struct {
	name            string
	value, gradient *model.Variable
	first, second   moment
	decay           bool
}

// newParameters adds moments, coded in 8 bits or not, and gradient accumulators, all 0, for every weight that is
// trained, sorted by name.
func newParameters(m *transformer.Model, coded bool) ([]parameter, error) {
	trained, err := m.Trained()
	if err != nil {
		return nil, err
	}
	var params []parameter
	for _, name := range slices.Sorted(maps.Keys(trained)) {
		p := parameter{name: name, value: trained[name], decay: decays(name)}
		shape := p.value.Shape()
		if p.first, err = newMoment(m.Store, "first", name, shape, coded); err != nil {
			return nil, err
		}
		if p.second, err = newMoment(m.Store, "second", name, shape, coded); err != nil {
			return nil, err
		}
		if p.gradient, err = newVariable(m.Store, "gradient", name, shape); err != nil {
			return nil, err
		}
		params = append(params, p)
	}
	return params, nil
}

// decays reports whether weight decay applies: not to biases and norms, as Transformers' Trainer has it
// (get_decay_parameter_names), nor to the embedding, as minGPT has it: a row that a batch does not use should stay.
func decays(name string) bool {
	return !strings.HasSuffix(name, ".bias") && !strings.HasSuffix(name, "norm.weight") &&
		name != "model.embed_tokens.weight"
}

// accumulate adds the gradient of the loss to the accumulators.
func accumulate(params []parameter, loss *Node) {
	g := loss.Graph()
	values := make([]*Node, len(params))
	for i, p := range params {
		values[i] = p.value.NodeValue(g)
	}
	for i, gradient := range Gradient(loss, values...) {
		sum := params[i].gradient
		sum.SetNodeValue(Add(sum.NodeValue(g), gradient))
	}
}

// update is one step of AdamW (arXiv 1711.05101, algorithm 2, in PyTorch's order of operations) with the accumulated
// gradients, which are clipped by their global norm before (PyTorch's clip_grad_norm_) and 0 afterwards. rates are
// those of updateRates. It returns the norm before clipping.
func update(params []parameter, s Settings, rates []*Node) (norm *Node) {
	g, stepSize, correction, keep, offset := rates[0].Graph(), rates[0], rates[1], rates[2], rates[3]
	var squares *Node
	for _, p := range params {
		square := ReduceAllSum(Square(p.gradient.NodeValue(g)))
		if squares == nil {
			squares = square
		} else {
			squares = Add(squares, square)
		}
	}
	norm = Sqrt(squares)
	for _, p := range params {
		gradient := p.gradient.NodeValue(g)
		p.gradient.SetNodeValue(ZerosLike(gradient))
		if s.ClipNorm > 0 {
			gradient = Mul(gradient, MinScalar(Div(Scalar(g, norm.DType(), s.ClipNorm), AddScalar(norm, 1e-6)), 1))
		}
		first := Add(MulScalar(p.first.read(gradient), s.AdamBeta1), MulScalar(gradient, 1-s.AdamBeta1))
		second := Add(MulScalar(p.second.read(gradient), s.AdamBeta2), MulScalar(Square(gradient), 1-s.AdamBeta2))
		p.first.write(first, offset)
		p.second.write(second, offset)

		value := p.value.NodeValue(g)
		if p.decay && s.WeightDecay > 0 {
			value = Mul(value, keep)
		}
		direction := Div(first, AddScalar(Mul(Sqrt(second), correction), s.AdamEps))
		p.value.SetNodeValue(Sub(value, Mul(direction, stepSize)))
	}
	return norm
}

// updateRates returns what changes from step to step, computed on the host so that one graph serves all: the step size
// lr/(1−β1ⁿ), the second moment's correction 1/√(1−β2ⁿ), the share of a decayed weight that is kept, 1−lr·decay, and
// the offset that moments in 8 bits are rounded by. n counts from 1.
func (s Settings) updateRates(n int, lr float64) []any {
	return []any{
		float32(lr / (1 - math.Pow(s.AdamBeta1, float64(n)))),
		float32(1 / math.Sqrt(1-math.Pow(s.AdamBeta2, float64(n)))),
		float32(1 - lr*s.WeightDecay),
		momentOffset(n),
	}
}
