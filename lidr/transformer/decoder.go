package transformer

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/checkpoint"
)

// weights reads a model's variables into one graph.
type weights struct {
	m     *Model
	scope *model.Scope
	g     *Graph
	// again is whether this part of the graph is inside a checkpoint and thus computed again in the backward pass; the
	// caller that opened the checkpoint closes it.
	again bool
	// keep is whether the graph is differentiated and keeps the results of products and attention for its backward pass.
	// What lies between them, norms and activations, takes as much memory and next to no time, and is computed again.
	keep bool
}

// get returns the variable of that name.
func (w weights) get(name string) *Node {
	v := w.scope.GetVariable(name)
	if v == nil {
		panic(fmt.Errorf("transformer: scope %q has no variable %s: pass the root scope of the model's store",
			w.scope.Scope(), name))
	}
	return v.NodeValue(w.g)
}

// linear returns x [n, in] times the layer's transposed weight [out, in], plus its bias [out] where biased, plus the
// part of an adapter on the layer, as [n, out].
func (w weights) linear(x *Node, layer string, biased bool) *Node {
	y := w.product(x, layer+".weight")
	if biased {
		y = Add(y, ExpandLeftToRank(w.get(layer+".bias"), 2))
	}
	return w.kept(w.adapt(y, x, layer+".weight"))
}

// kept ends a part of the graph that is computed again, if results are kept.
func (w weights) kept(x *Node) *Node {
	if w.keep {
		return x.StopCheckpoint()
	}
	return x
}

// forgotten begins a part of the graph that is computed again from x, if results are kept.
func (w weights) forgotten(x *Node) *Node {
	if w.keep {
		return x.Checkpoint()
	}
	return x
}

// product returns x [n, in] times the transposed matrix [out, in] of that name. A matrix held in half precision is
// widened for the forward pass and, by a checkpoint, again for the backward pass, so that its float32 form is not kept
// in between; one that is rounded for the product is rounded again.
func (w weights) product(x *Node, name string) *Node {
	matrix := w.get(name)
	if format, ok := w.m.formats[name]; ok {
		return w.blockProduct(x, matrix, format)
	}
	var y *Node
	switch {
	case w.inPairs(matrix):
		y = w.pairProduct(x, matrix.Checkpoint())
	case matrix.DType() == x.DType():
		return DotGeneral(x, []int{1}, nil, matrix, []int{1}, nil)
	default:
		y = DotGeneral(x, []int{1}, nil, ConvertDType(matrix.Checkpoint(), x.DType()), []int{1}, nil)
	}
	if w.again {
		return y
	}
	return y.StopCheckpoint()
}

// attention computes one layer's attention: q [b, t, heads, dim], k and v [b, t, kvHeads, dim] give [b, t, heads, dim].
type attention func(layer int, q, k, v *Node) *Node

// blocks runs all layers and the final norm over b sequences of t tokens: embedded rows x [b*t, D] give [b*t, D]. pos
// holds the rotary embeddings of the design's layers.
func (m *Model) blocks(w weights, x *Node, b, t int, pos map[*checkpoint.Rotary]rotary, attend attention) *Node {
	d := m.design
	w.again, w.keep = m.Checkpointing || w.keep, w.keep && !m.Checkpointing
	for i := range d.Layers {
		if w.again {
			x = x.Checkpoint()
		}
		p := fmt.Sprintf("model.layers.%d.", i)
		h := m.norm(w, x, p, d.AttentionNorm)
		o := m.selfAttention(w, h, i, b, t, pos, attend)
		if d.Parallel {
			x = Add(m.residual(x, o), m.feedForward(w, h, p+"mlp."))
			continue
		}
		x = w.forgotten(m.residual(x, m.norm(w, o, p, d.AttentionOutputNorm)))
		h = m.norm(w, x, p, d.FeedForwardNorm)
		o = m.feedForward(w, h, p+"mlp.")
		x = m.residual(x, m.norm(w, o, p, d.FeedForwardOutputNorm))
	}
	if w.again {
		x = x.StopCheckpoint()
	}
	return m.norm(w, x, "model.", "norm")
}

// selfAttention is a layer's attention with its projections, of normalised rows h [b*t, D].
func (m *Model) selfAttention(w weights, h *Node, layer, b, t int, pos map[*checkpoint.Rotary]rotary,
	attend attention) *Node {
	c, d := m.Config, m.design
	p := fmt.Sprintf("model.layers.%d.self_attn.", layer)
	q, k, v := m.projections(w, h, p)
	v = Reshape(v, b, t, c.NumKeyValueHeads, c.HeadDim)
	if d.QKNormWhole {
		q, k = m.norm(w, q, p, "q_norm"), m.norm(w, k, p, "k_norm")
	}
	q, k = Reshape(q, b, t, c.NumAttentionHeads, c.HeadDim), Reshape(k, b, t, c.NumKeyValueHeads, c.HeadDim)
	if d.QKNorm {
		q, k = m.norm(w, q, p, "q_norm"), m.norm(w, k, p, "k_norm")
	}
	if r := d.Layers[layer].Rotary; r != nil {
		q, k = pos[r].rotate(q), pos[r].rotate(k)
	}
	o := attend(layer, q, k, v)
	return w.linear(Reshape(o, b*t, c.NumAttentionHeads*c.HeadDim), p+"o_proj", c.OutputBias())
}

// projections returns the queries, keys and values of all heads, each [b*t, heads*dim].
func (m *Model) projections(w weights, h *Node, prefix string) (q, k, v *Node) {
	c := m.Config
	if m.design.Fused {
		all, keys := w.linear(h, prefix+"qkv_proj", false), c.NumAttentionHeads*c.HeadDim
		values := keys + c.NumKeyValueHeads*c.HeadDim
		return columns(all, 0, keys), columns(all, keys, values), columns(all, values, all.Shape().Dim(1))
	}
	bias := c.QKVBias()
	return w.linear(h, prefix+"q_proj", bias), w.linear(h, prefix+"k_proj", bias), w.linear(h, prefix+"v_proj", bias)
}

// columns returns the columns from start to end of a matrix.
func columns(x *Node, start, end int) *Node { return Slice(x, AxisRange(), AxisRange(start, end)) }

// residual adds what a part of a layer gives to the residual stream.
func (m *Model) residual(x, part *Node) *Node {
	if m.design.ResidualScale != 1 {
		part = MulScalar(part, m.design.ResidualScale)
	}
	return Add(x, part)
}

// embed returns the embeddings of tokens int32 [b, t] as rows [b*t, D].
func (m *Model) embed(w weights, tokens *Node) *Node {
	const name = "model.embed_tokens.weight"
	rows := Reshape(tokens, tokens.Shape().Size(), 1)
	var x *Node
	if format, ok := w.m.formats[name]; ok {
		x = BackendQuantizedEmbeddingLookup(w.get(name), rows, inBlocks(format))
	} else {
		x = ConvertDType(Gather(w.get(name), rows), dtypes.Float32)
	}
	if scale := m.design.EmbeddingScale; scale != 1 {
		x = MulScalar(x, scale)
	}
	return x
}

// feedForward is the feed-forward network down(act(gate(x))·up(x)), SwiGLU or GEGLU (Shazeer 2020, arXiv 2002.05202).
func (m *Model) feedForward(w weights, x *Node, prefix string) *Node {
	var gate, up *Node
	if m.design.Fused {
		both, width := w.linear(x, prefix+"gate_up_proj", false), m.Config.IntermediateSize
		gate, up = columns(both, 0, width), columns(both, width, 2*width)
	} else {
		gate, up = w.linear(x, prefix+"gate_proj", false), w.linear(x, prefix+"up_proj", false)
	}
	gate, up = w.forgotten(gate), w.forgotten(up)
	share := gate
	if m.design.GELU {
		share = geluShare(gate)
	}
	return w.linear(Mul(Mul(gate, Logistic(share)), up), prefix+"down_proj", false)
}

// geluShare returns u for which the tanh approximation of GELU (Hendrycks and Gimpel 2016, arXiv 1606.08415, §2),
// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), is x·logistic(u): 1 + tanh(z) is 2·logistic(2z).
func geluShare(x *Node) *Node {
	const a = 2 * math.Sqrt2 / 1.7724538509055160273 // 2·√(2/π); the divisor is √π
	return Mul(MulScalar(x, a), AddScalar(MulScalar(Square(x), 0.044715), 1))
}

// norm is the norm of that name, over the last axis; x itself for the name "".
func (m *Model) norm(w weights, x *Node, prefix, name string) *Node {
	if name == "" {
		return x
	}
	weight := w.get(prefix + name + ".weight")
	if m.design.NormOffset != 0 {
		weight = AddScalar(weight, m.design.NormOffset)
	}
	if m.design.CentredNorm { // LayerNorm without a bias (Ba et al. 2016, arXiv 1607.06450)
		x = Sub(x, ReduceAndKeep(x, ReduceMean, -1))
	}
	return rmsNorm(x, weight, m.Config.RMSNormEps)
}

// rmsNorm divides x by the root mean square of its last axis and scales by weight (Zhang and Sennrich 2019,
// arXiv 1910.07467). It is written with 1/√ because GoMLX has no gradient for Rsqrt.
func rmsNorm(x, weight *Node, eps float64) *Node {
	rms := Sqrt(AddScalar(ReduceAndKeep(Square(x), ReduceMean, -1), eps))
	return Mul(Mul(x, Reciprocal(rms)), ExpandLeftToRank(weight, x.Rank()))
}

// Hidden returns the hidden states after the final norm, [B, T, D], of token ids int32 [B, T]. Sequences are padded on
// the right; a state depends on the tokens up to its position alone, so padding needs no mask.
func (m *Model) Hidden(scope *model.Scope, tokens *Node) *Node {
	w := weights{m: m, scope: scope, g: tokens.Graph(), keep: true}
	b, t := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	h := m.blocks(w, m.embed(w, tokens), b, t, m.rotaryTables(w.g, t), m.causalAttention(w.g, t))
	return Reshape(h, b, t, m.Config.HiddenSize)
}

// Head returns the logits [N, V] of hidden states [N, D].
func (m *Model) Head(scope *model.Scope, hidden *Node) *Node {
	return m.head(weights{m: m, scope: scope, g: hidden.Graph()}, hidden)
}

// headName names the matrix [V, D] of the vocabulary projection.
func (m *Model) headName() string {
	if m.Config.TieWordEmbeddings {
		return "model.embed_tokens.weight"
	}
	return "lm_head.weight"
}

func (m *Model) head(w weights, hidden *Node) *Node {
	if scale := m.design.LogitScale; scale != 1 {
		hidden = MulScalar(hidden, scale)
	}
	logits := w.product(hidden, m.headName())
	if limit := m.design.LogitCap; limit > 0 {
		logits = softCap(logits, limit)
	}
	return logits
}

// TokenLogprobs returns log p(tokens[:, t+1] | tokens[:, :t+1]) as [B, T-1], for token ids int32 [B, T] padded on the
// right. Values at padding are finite and mean nothing.
func (m *Model) TokenLogprobs(scope *model.Scope, tokens *Node) *Node {
	b, t := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	// The last position predicts nothing; leaving it out beforehand keeps every later product smaller.
	inputs := Slice(tokens, AxisRange(), AxisRange(0, t-1))
	labels := Slice(tokens, AxisRange(), AxisRange(1))
	hidden := Reshape(m.Hidden(scope, inputs), b*(t-1), m.Config.HiddenSize)
	return Reshape(m.LabelLogprobs(scope, hidden, Reshape(labels, b*(t-1))), b, t-1)
}
