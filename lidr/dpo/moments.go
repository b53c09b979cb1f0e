package dpo

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/checkpoint"
)

// As in bitsandbytes' AdamW8bit (block-wise, arXiv 2110.02861), momentBlock values share a scale, and tensors of fewer
// than leastCoded values stay in float32. So do those that are no whole blocks.
const (
	momentBlock = 256
	leastCoded  = 4096
)

// moment is one of AdamW's two averages of a weight's gradients, on the device: float32 in the weight's shape, or codes
// [blocks, 256] with scales s [blocks, 1], the largest magnitude of each block, which is held exactly from 1e-37 on.
//
// Code c stands for s·y⁴ with the sign of y = (c-128)/127 in the first moment, for s·y⁸ with y = c/255 in the second. A
// value between two codes becomes one or the other, as often as keeps its mean: by an offset that runs through [0, 1)
// evenly from step to step, another in each place of a block. Rounded to the nearest instead, an average that changes
// by a thousandth a step would never leave its code; √second was 1.1 to 5 times too large after 3,000 steps in a
// simulation, and is 0.98 to 1 times the one in float32 so (medians; gradients of one size, over two decades, rare, and
// gone after a while).
type moment struct {
	value  *model.Variable
	scale  *model.Variable // nil for float32
	signed bool            // the first
}

// newMoment adds a moment of a weight of that shape, all 0, as "first" or "second" of its name.
func newMoment(m *model.Store, kind, name string, w shapes.Shape, coded bool) (out moment, err error) {
	out.signed = kind == "first"
	if n := w.Size(); coded && n >= leastCoded && n%momentBlock == 0 {
		if out.scale, err = newVariable(m, kind+"_scale", name, shapes.Make(w.DType, n/momentBlock, 1)); err != nil {
			return out, err
		}
		w = shapes.Make(dtypes.Uint8, n/momentBlock, momentBlock)
	}
	out.value, err = newVariable(m, kind, name, w)
	return out, err
}

// newVariable adds a variable of the optimizer, all 0.
func newVariable(m *model.Store, kind, name string, shape shapes.Shape) (*model.Variable, error) {
	v, err := m.CreateVariable(model.JoinPath(optimizerScope, kind, name), tensors.FromShape(shape))
	if err != nil {
		return nil, err
	}
	return v.SetTrainable(false), nil
}

// highest is the code of the scale's own magnitude.
func (m moment) highest() float64 {
	if m.signed {
		return 127
	}
	return 255
}

// power returns what share of the scale the magnitude of a code is.
func (m moment) power(code *Node) *Node {
	y := Square(Square(DivScalar(code, m.highest())))
	if m.signed {
		return y
	}
	return Square(y)
}

// read returns the moment in the shape of the weight.
func (m moment) read(like *Node) *Node {
	g := like.Graph()
	x := m.value.NodeValue(g)
	if m.scale == nil {
		return x
	}
	code := ConvertDType(x, like.DType())
	if m.signed {
		code = AddScalar(code, -128)
	}
	x = Mul(m.power(code), m.scale.NodeValue(g))
	if m.signed {
		x = Where(isBelow0(code), Neg(x), x)
	}
	return Reshape(x, like.Shape().Dimensions...)
}

// write keeps x as the moment. offset is that of the step, from 0 to below 1 ([momentOffset]).
func (m moment) write(x, offset *Node) {
	if m.scale == nil {
		m.value.SetNodeValue(x)
		return
	}
	g := x.Graph()
	x = Reshape(x, m.value.Shape().Dimensions...)
	size := Abs(x)
	scale := ReduceAndKeep(size, ReduceMax, 1)
	share := Div(size, MaxScalar(scale, 1e-37)) // a block of zeros is not divided by 0
	y := Sqrt(Sqrt(share))
	if !m.signed {
		y = Sqrt(y)
	}
	code := MinScalar(MulScalar(y, m.highest()), m.highest()-1)
	code = ConvertDType(ConvertDType(code, dtypes.Int32), x.DType()) // cut off
	below, above := m.power(code), m.power(AddScalar(code, 1))

	places := make([]float32, momentBlock)
	for i := range places {
		places[i] = float32(math.Mod(float64(i)*math.Phi, 1))
	}
	at := Add(Reshape(Const(g, places), 1, momentBlock), offset)
	at = Sub(at, ConvertDType(GreaterOrEqual(at, ScalarOne(g, at.DType())), at.DType()))
	up := LessThan(BroadcastToShape(at, x.Shape()), Div(Sub(share, below), Sub(above, below)))
	code = Add(code, ConvertDType(up, x.DType()))
	if m.signed {
		code = AddScalar(Where(isBelow0(x), Neg(code), code), 128)
	}
	m.value.SetNodeValue(ConvertDType(code, dtypes.Uint8))
	m.scale.SetNodeValue(scale)
}

func isBelow0(x *Node) *Node { return LessThan(x, ScalarZero(x.Graph(), x.DType())) }

// momentOffset returns the offset of step n for [moment.write]: multiples of a number whose multiples, modulo 1, fill
// [0, 1) as evenly as those of the golden ratio, by which places differ, and not in step with these (1/ρ of the plastic
// number ρ).
func momentOffset(n int) float32 {
	return min(float32(math.Mod(float64(n)*0.7548776662466927, 1)), 1-0x1p-24)
}

// variables returns what the moment is held in, by the names in the training's state.
func (m moment) variables(name string) map[string]*model.Variable {
	out := map[string]*model.Variable{name: m.value}
	if m.scale != nil {
		out[name+".scale"] = m.scale
	}
	return out
}

// codes is how the training's state reads what a moment is held in, one code as one number.
var codes = &checkpoint.Type{Name: "U8", Block: 1, Bytes: 1, Decode: func(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(src[i])
	}
}}

// codesOf returns the codes again.
func codesOf(values []float32) []uint8 {
	out := make([]uint8, len(values))
	for i, v := range values {
		out[i] = uint8(v)
	}
	return out
}
