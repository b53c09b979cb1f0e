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

// rotaryTables returns the angles of positions 0…t-1, the same for every sequence, of each rotary embedding that layers
// have.
func (m *Model) rotaryTables(g *Graph, t int) map[*checkpoint.Rotary]rotary {
	return m.rotaries(func(r *checkpoint.Rotary) rotary {
		cos, sin := rotaryAngles(r, t)
		return rotary{Reshape(Const(g, cos), 1, t, 1, r.Dim/2), Reshape(Const(g, sin), 1, t, 1, r.Dim/2)}
	})
}

// rotariesAt returns the angles of one position a sequence, positions int32 [b], all below limit, of each rotary
// embedding that layers have.
func (m *Model) rotariesAt(positions *Node, limit int) map[*checkpoint.Rotary]rotary {
	return m.rotaries(func(r *checkpoint.Rotary) rotary {
		cos, sin := rotaryAngles(r, limit)
		at := func(table [][]float32) *Node {
			rows := Gather(Const(positions.Graph(), table), ExpandDims(positions, -1))
			return Reshape(rows, positions.Shape().Dim(0), 1, 1, r.Dim/2)
		}
		return rotary{at(cos), at(sin)}
	})
}

func (m *Model) rotaries(angles func(r *checkpoint.Rotary) rotary) map[*checkpoint.Rotary]rotary {
	all := map[*checkpoint.Rotary]rotary{}
	for _, layer := range m.design.Layers {
		if _, done := all[layer.Rotary]; !done {
			all[layer.Rotary] = angles(layer.Rotary)
		}
	}
	return all
}

// rotaryAngles returns cosines and sines [t][dim/2]. Angles are rounded to float32 before the cosine is taken, as the
// reference implementations do.
func rotaryAngles(r *checkpoint.Rotary, t int) (cos, sin [][]float32) {
	frequencies := rotaryFrequencies(r)
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

// rotaryFrequencies returns θ^(-2i/dim) for i < dim/2, scaled as the configuration says (transformers,
// modeling_rope_utils.py, _compute_linear_scaling_rope_parameters and _compute_llama3_parameters).
func rotaryFrequencies(r *checkpoint.Rotary) []float64 {
	out := make([]float64, r.Dim/2)
	for i := range out {
		f := math.Pow(r.Theta, -2*float64(i)/float64(r.Dim))
		if s := r.Scaling; s != nil && s.RopeType == "linear" {
			f /= s.Factor
		} else if s != nil {
			f = stretched(f, s)
		}
		out[i] = f
	}
	return out
}

// stretched scales a frequency as Llama 3.1 does: long wavelengths are stretched by the factor, short ones kept, and
// those between blended.
func stretched(f float64, s *checkpoint.RopeScaling) float64 {
	wavelength, original := 2*math.Pi/f, float64(s.OriginalMaxPositionEmbeddings)
	switch {
	case wavelength > original/s.LowFreqFactor:
		return f / s.Factor
	case wavelength >= original/s.HighFreqFactor:
		smooth := (original/wavelength - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
		return (1-smooth)*f/s.Factor + smooth*f
	}
	return f
}
