package transformer

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"

	"lidrlab/lidr/checkpoint"
)

// rotary holds the cosines and sines of the angles by which queries and keys are turned, each broadcastable to
// [b, t, heads, dim/2] for the first dim numbers of a head.
type rotary struct {
	cos, sin    *Node
	interleaved bool // dimensions are paired with their neighbours
}

// rotate applies the rotary position embedding (Su et al. 2021, arXiv 2104.09864) to x [b, t, heads, dim]: in Hugging
// Face's layout, which pairs dimension i with i+dim/2, or in the paper's, which pairs 2i with 2i+1.
func (r rotary) rotate(x *Node) *Node {
	half := r.cos.Shape().Dim(-1)
	last := func(x *Node, start, end int) *Node { return Slice(x, AxisRange().Spacer(), AxisRange(start, end)) }
	if r.interleaved {
		dims := x.Shape().Dimensions
		pairs := Reshape(x, dims[0], dims[1], dims[2], half, 2)
		lo, hi := r.turn(Squeeze(last(pairs, 0, 1), -1), Squeeze(last(pairs, 1, 2), -1))
		return Reshape(Concatenate([]*Node{ExpandDims(lo, -1), ExpandDims(hi, -1)}, -1), dims...)
	}
	lo, hi := r.turn(last(x, 0, half), last(x, half, 2*half))
	parts := []*Node{lo, hi}
	if dim := x.Shape().Dim(-1); 2*half < dim {
		parts = append(parts, last(x, 2*half, dim))
	}
	return Concatenate(parts, -1)
}

func (r rotary) turn(lo, hi *Node) (newLo, newHi *Node) {
	return Sub(Mul(lo, r.cos), Mul(hi, r.sin)), Add(Mul(hi, r.cos), Mul(lo, r.sin))
}

// rotaryTables returns the angles of positions 0…t-1 of each rotary embedding that layers have, the same for every
// sequence. Factors that depend on the length are those of the length t, padding included, as in transformers.
func (m *Model) rotaryTables(g *Graph, t int) map[*checkpoint.Rotary]rotary {
	return m.rotaries(func(r *checkpoint.Rotary) rotary {
		cos, sin := rotaryAngles(r, t, t > shortest(r, t))
		return rotary{Reshape(Const(g, cos), 1, t, 1, r.Dim/2), Reshape(Const(g, sin), 1, t, 1, r.Dim/2), r.Interleaved}
	})
}

// rotariesAt returns the angles of the given positions, int32 [b, t], all below limit, of sequences of the given
// lengths, int32 [b], of each rotary embedding that layers have.
func (m *Model) rotariesAt(positions, lengths *Node, limit int) map[*checkpoint.Rotary]rotary {
	return m.rotaries(func(r *checkpoint.Rotary) rotary {
		at := func(long bool) rotary {
			cos, sin := rotaryAngles(r, limit, long)
			rows := func(table [][]float32) *Node {
				rows := Gather(Const(positions.Graph(), table), ExpandDims(positions, -1))
				return Reshape(rows, positions.Shape().Dim(0), positions.Shape().Dim(1), 1, r.Dim/2)
			}
			return rotary{rows(cos), rows(sin), r.Interleaved}
		}
		if limit <= shortest(r, limit) {
			return at(false)
		}
		return byLength(lengths, shortest(r, limit), at(true), at(false))
	})
}

// ShortLength returns the length of a sequence beyond which its rotary embedding has other factors, so that all of it
// must be read again; 0 for none.
func (m *Model) ShortLength() int {
	for _, layer := range m.design.Layers {
		if layer.Rotary != nil {
			return shortest(layer.Rotary, 0)
		}
	}
	return 0
}

// shortest returns the length up to which the short factors of longrope hold, and t for any other rotary embedding.
func shortest(r *checkpoint.Rotary, t int) int {
	if r.Scaling != nil && r.Scaling.RopeType == "longrope" {
		return r.Scaling.OriginalMaxPositionEmbeddings
	}
	return t
}

// byLength returns the angles of sequences of the given lengths, int32 [b]: long beyond limit, else short.
func byLength(lengths *Node, limit int, long, short rotary) rotary {
	b := lengths.Shape().Dim(0)
	isLong := Reshape(GreaterThan(lengths, Scalar(lengths.Graph(), lengths.DType(), limit)), b, 1, 1, 1)
	pick := func(long, short *Node) *Node {
		dims := slices.Clone(long.Shape().Dimensions)
		dims[0] = b
		return Where(BroadcastToDims(isLong, dims...), BroadcastToDims(long, dims...), BroadcastToDims(short, dims...))
	}
	return rotary{pick(long.cos, short.cos), pick(long.sin, short.sin), long.interleaved}
}

func (m *Model) rotaries(angles func(r *checkpoint.Rotary) rotary) map[*checkpoint.Rotary]rotary {
	all := map[*checkpoint.Rotary]rotary{}
	for _, layer := range m.design.Layers {
		if _, done := all[layer.Rotary]; !done && layer.Rotary != nil {
			all[layer.Rotary] = angles(layer.Rotary)
		}
	}
	return all
}

// rotaryAngles returns cosines and sines [t][dim/2], with the long or the short factors of longrope. Every number on
// the way is rounded to float32, as in PyTorch: logits tell how the frequency of an angle of thousands was rounded.
func rotaryAngles(r *checkpoint.Rotary, t int, long bool) (cos, sin [][]float32) {
	frequencies, scale := rotaryFrequencies(r, long), float32(r.Scale)
	cos, sin = make([][]float32, t), make([][]float32, t)
	for p := range t {
		cos[p], sin[p] = make([]float32, len(frequencies)), make([]float32, len(frequencies))
		for i, f := range frequencies {
			angle := float64(float32(p) * f)
			cos[p][i], sin[p][i] = float32(math.Cos(angle))*scale, float32(math.Sin(angle))*scale
		}
	}
	return cos, sin
}

// rotaryFrequencies returns 1/θ^(2i/dim) for i < dim/2, scaled as the configuration says (transformers,
// modeling_rope_utils.py, _compute_linear_scaling_rope_parameters, _compute_llama3_parameters and
// _compute_longrope_parameters).
func rotaryFrequencies(r *checkpoint.Rotary, long bool) []float32 {
	out := make([]float32, r.Dim/2)
	for i := range out {
		exponent := float32(2*i) / float32(r.Dim)
		power := float32(math.Pow(float64(float32(r.Theta)), float64(exponent)))
		out[i] = 1 / power
		if r.Scaling == nil {
			continue
		}
		switch s := r.Scaling; {
		case s.RopeType == "linear":
			out[i] /= float32(s.Factor)
		case s.RopeType == "longrope" && long:
			out[i] = 1 / (float32(s.LongFactor[i]) * power)
		case s.RopeType == "longrope":
			out[i] = 1 / (float32(s.ShortFactor[i]) * power)
		default:
			out[i] = stretched(out[i], s)
		}
	}
	return out
}

// stretched scales a frequency as Llama 3.1 does: long wavelengths are stretched by the factor, short ones kept, and
// those between blended.
func stretched(f float32, s *checkpoint.RopeScaling) float32 {
	wavelength, original, factor := float32(2*math.Pi)/f, float32(s.OriginalMaxPositionEmbeddings), float32(s.Factor)
	switch {
	case wavelength > float32(float64(original)/s.LowFreqFactor):
		return f / factor
	case wavelength >= float32(float64(original)/s.HighFreqFactor):
		smooth := (original/wavelength - float32(s.LowFreqFactor)) / float32(s.HighFreqFactor-s.LowFreqFactor)
		return float32((1-smooth)*f/factor) + float32(smooth*f)
	}
	return f
}
