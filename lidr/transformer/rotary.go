package transformer

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"lidrlab/lidr/checkpoint"
)

// rotary holds the cosines and sines of the angles by which queries and keys are turned, each broadcastable to
// [b, t, heads, dim/2].
type rotary struct{ cos, sin *Node }

// rotate applies the rotary position embedding (Su et al. 2021, arXiv 2104.09864) to x [b, t, heads, dim] in Hugging
// Face's layout, which pairs dimension i with i+dim/2.
func (r rotary) rotate(x *Node) *Node {
	half := x.Shape().Dim(-1) / 2
	lo := Slice(x, AxisRange().Spacer(), AxisRange(0, half))
	hi := Slice(x, AxisRange().Spacer(), AxisRange(half))
	return Concatenate([]*Node{Sub(Mul(lo, r.cos), Mul(hi, r.sin)), Add(Mul(hi, r.cos), Mul(lo, r.sin))}, -1)
}

// rotaryTable returns the angles of positions 0…t-1, the same for every sequence.
func (m *Model) rotaryTable(g *Graph, t int) rotary {
	cos, sin := rotaryAngles(m.Config, t)
	half := m.Config.HeadDim / 2
	return rotary{Reshape(Const(g, cos), 1, t, 1, half), Reshape(Const(g, sin), 1, t, 1, half)}
}

// rotaryAt returns the angles of one position a sequence: positions int32 [b], all below limit.
func (m *Model) rotaryAt(positions *Node, limit int) rotary {
	cos, sin := rotaryAngles(m.Config, limit)
	b, half := positions.Shape().Dim(0), m.Config.HeadDim/2
	at := func(table [][]float32) *Node {
		return Reshape(Gather(Const(positions.Graph(), table), ExpandDims(positions, -1)), b, 1, 1, half)
	}
	return rotary{at(cos), at(sin)}
}

// rotaryAngles returns cosines and sines [t][dim/2]. Angles are rounded to float32 before the cosine is taken, as the
// reference implementations do.
func rotaryAngles(c checkpoint.Config, t int) (cos, sin [][]float32) {
	frequencies := rotaryFrequencies(c)
	cos, sin = make([][]float32, t), make([][]float32, t)
	for p := range t {
		cos[p], sin[p] = make([]float32, len(frequencies)), make([]float32, len(frequencies))
		for i, f := range frequencies {
			angle := float64(float32(p) * float32(f))
			cos[p][i], sin[p][i] = float32(math.Cos(angle)), float32(math.Sin(angle))
		}
	}
	return cos, sin
}

// rotaryFrequencies returns θ^(-2i/dim) for i < dim/2, scaled as Llama 3.1 does where the configuration says so:
// long wavelengths are stretched by the factor, short ones kept, and those between blended (transformers,
// modeling_rope_utils.py, _compute_llama3_parameters).
func rotaryFrequencies(c checkpoint.Config) []float64 {
	out := make([]float64, c.HeadDim/2)
	for i := range out {
		f := math.Pow(c.RopeTheta, -2*float64(i)/float64(c.HeadDim))
		if s := c.RopeScaling; s != nil {
			wavelength, original := 2*math.Pi/f, float64(s.OriginalMaxPositionEmbeddings)
			switch {
			case wavelength > original/s.LowFreqFactor:
				f /= s.Factor
			case wavelength >= original/s.HighFreqFactor:
				smooth := (original/wavelength - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
				f = (1-smooth)*f/s.Factor + smooth*f
			}
		}
		out[i] = f
	}
	return out
}
