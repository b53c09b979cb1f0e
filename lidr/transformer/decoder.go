package transformer

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// weights reads a model's variables into one graph.
type weights struct {
	m     *Model
	scope *model.Scope
	g     *Graph
	// again is whether this part of the graph is inside a checkpoint and thus computed again in the backward pass; the
	// caller that opened the checkpoint closes it.
	again bool
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
	return w.adapt(y, x, layer+".weight")
}

// product returns x [n, in] times the transposed matrix [out, in] of that name. A matrix held as bfloat16 is widened
// for the forward pass and, by a checkpoint, again for the backward pass, so that its float32 form is not kept in
// between.
func (w weights) product(x *Node, name string) *Node {
	matrix := w.get(name)
	if matrix.DType() != dtypes.BFloat16 {
		return DotGeneral(x, []int{1}, nil, matrix, []int{1}, nil)
	}
	y := DotGeneral(x, []int{1}, nil, ConvertDType(matrix.Checkpoint(), x.DType()), []int{1}, nil)
	if w.again {
		return y
	}
	return y.StopCheckpoint()
}

// attention computes one layer's attention: q [b, t, heads, dim], k and v [b, t, kvHeads, dim] give [b, t, heads, dim].
type attention func(layer int, q, k, v *Node) *Node

// blocks runs all layers and the final norm over b sequences of t tokens: embedded rows x [b*t, D] give [b*t, D].
func (m *Model) blocks(w weights, x *Node, b, t int, pos rotary, attend attention) *Node {
	c := m.Config
	w.again = m.Checkpointing
	for i := range c.NumHiddenLayers {
		if m.Checkpointing {
			x = x.Checkpoint()
		}
		p := fmt.Sprintf("model.layers.%d.", i)
		h := rmsNorm(x, w.get(p+"input_layernorm.weight"), c.RMSNormEps)
		q := Reshape(w.linear(h, p+"self_attn.q_proj", c.QKVBias()), b, t, c.NumAttentionHeads, c.HeadDim)
		k := Reshape(w.linear(h, p+"self_attn.k_proj", c.QKVBias()), b, t, c.NumKeyValueHeads, c.HeadDim)
		v := Reshape(w.linear(h, p+"self_attn.v_proj", c.QKVBias()), b, t, c.NumKeyValueHeads, c.HeadDim)
		if c.QKNorm() {
			q = rmsNorm(q, w.get(p+"self_attn.q_norm.weight"), c.RMSNormEps)
			k = rmsNorm(k, w.get(p+"self_attn.k_norm.weight"), c.RMSNormEps)
		}
		o := attend(i, pos.rotate(q), pos.rotate(k), v)
		o = Reshape(o, b*t, c.NumAttentionHeads*c.HeadDim)
		x = Add(x, w.linear(o, p+"self_attn.o_proj", c.OutputBias()))
		h = rmsNorm(x, w.get(p+"post_attention_layernorm.weight"), c.RMSNormEps)
		x = Add(x, m.swiGLU(w, h, p+"mlp."))
	}
	if m.Checkpointing {
		x = x.StopCheckpoint()
	}
	return rmsNorm(x, w.get("model.norm.weight"), c.RMSNormEps)
}

// embed returns the embeddings of tokens int32 [b, t] as rows [b*t, D].
func (m *Model) embed(w weights, tokens *Node) *Node {
	return ConvertDType(Gather(w.get("model.embed_tokens.weight"), Reshape(tokens, tokens.Shape().Size(), 1)),
		dtypes.Float32)
}

// swiGLU is the feed-forward layer down(silu(gate(x))·up(x)) (Shazeer 2020, arXiv 2002.05202).
func (m *Model) swiGLU(w weights, x *Node, prefix string) *Node {
	gate := w.linear(x, prefix+"gate_proj", false)
	up := w.linear(x, prefix+"up_proj", false)
	return w.linear(Mul(Mul(gate, Logistic(gate)), up), prefix+"down_proj", false)
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
	w := weights{m: m, scope: scope, g: tokens.Graph()}
	b, t := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	h := m.blocks(w, m.embed(w, tokens), b, t, m.rotaryTable(w.g, t), causalAttention(w.g, t))
	return Reshape(h, b, t, m.Config.HiddenSize)
}

// Head returns the logits [N, V] of hidden states [N, D].
func (m *Model) Head(scope *model.Scope, hidden *Node) *Node {
	return m.head(weights{m: m, scope: scope, g: hidden.Graph()}, hidden)
}

func (m *Model) head(w weights, hidden *Node) *Node {
	name := "lm_head"
	if m.Config.TieWordEmbeddings {
		name = "model.embed_tokens"
	}
	return w.linear(hidden, name, false)
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
