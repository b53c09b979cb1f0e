package transformer

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// A key-value cache is two nodes a layer, keys and values, each [B, kvHeads, S, dim] with room for S positions. Slots
// that no token has filled yet hold zeros, so that a new key or value is put in by adding it; ScatterSum is the one
// in-place update that every backend has.

// Prefill returns the logits [B, V] after each prompt's last token and a cache with room for size >= T positions, from
// token ids int32 [B, T] padded on the right and lengths int32 [B], each at least 1.
func (m *Model) Prefill(scope *model.Scope, tokens, lengths *Node, size int) (logits *Node, cache []*Node) {
	w := weights{m: m, scope: scope, g: tokens.Graph()}
	b, t := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	filled := Reshape(ConvertDType(within(lengths, t), dtypes.Float32), b, t, 1, 1)
	store := func(x *Node) *Node { // [b, t, kvHeads, dim]
		x = swapHeads(Mul(x, filled))
		if size == t {
			return x
		}
		room := Zeros(w.g, shapes.Make(x.DType(), b, x.Shape().Dim(1), size-t, x.Shape().Dim(3)))
		return Concatenate([]*Node{x, room}, 2)
	}
	attend := m.causalAttention(w.g, t)
	h := m.blocks(w, m.embed(w, tokens), b, t, m.rotaryTables(w.g, t, lengths), func(layer int, q, k, v *Node) *Node {
		cache = append(cache, store(k), store(v))
		return attend(layer, q, k, v)
	})
	last := AddScalar(Add(MulScalar(Iota(w.g, lengths.Shape(), 0), t), lengths), -1)
	return m.Head(scope, Gather(h, ExpandDims(last, -1))), cache
}

// Step returns the logits [B, V] after one more token of each sequence and the cache with the tokens added, from token
// ids and their positions, int32 [B], and the cache so far. A position's slot must be free.
func (m *Model) Step(scope *model.Scope, tokens, positions *Node, cache []*Node) (logits *Node, newCache []*Node) {
	w := weights{m: m, scope: scope, g: tokens.Graph()}
	b, kv, s := tokens.Shape().Dim(0), cache[0].Shape().Dim(1), cache[0].Shape().Dim(2)
	lengths := AddScalar(positions, 1)
	at := shapes.Make(dtypes.Int32, b, kv, 1)
	slots := Concatenate([]*Node{Iota(w.g, at, 0), Iota(w.g, at, 1),
		BroadcastToDims(Reshape(positions, b, 1, 1), b, kv, 1)}, -1)
	add := func(cache, x *Node) *Node {
		return ScatterSum(cache, slots, Reshape(x, b, kv, x.Shape().Dim(-1)), true, true)
	}
	h := m.blocks(w, m.embed(w, tokens), b, 1, m.rotariesAt(ExpandDims(positions, -1), s), func(layer int, q, k, v *Node) *Node {
		k, v = add(cache[2*layer], k), add(cache[2*layer+1], v)
		newCache = append(newCache, k, v)
		q = Reshape(q, b, q.Shape().Dim(2), 1, q.Shape().Dim(3)) // one position: head-major is the same order
		return m.cachedAttention(layer, q, k, v, lengths)
	})
	return m.Head(scope, h), newCache
}

// cachedAttention is a layer's attention of the one query of each sequence over the first lengths[i] positions of its
// cache, or over the last ones of them that the layer's window holds: q [b, heads, 1, dim], k and v [b, kvHeads, s,
// dim], lengths int32 [b].
func (m *Model) cachedAttention(layer int, q, k, v, lengths *Node) *Node {
	d, s := m.design, k.Shape().Dim(2)
	window := d.Layers[layer].Window
	if window >= s {
		window = 0
	}
	inSteps := func() *Node { return maskedAttention(q, k, v, lengthMask(lengths, s, window), d) }
	if d.ScoreCap > 0 {
		return inSteps()
	}
	o, _ := InternalFusedOpCaller(
		func() *Node {
			config := compute.ScaledDotProductAttentionConfig{Scale: d.ScoreScale}
			if window > 0 {
				config.Mask = InternalBackendOutputs(lengthMask(lengths, s, window))[0]
			} else {
				config.KeyValueSeqLen = InternalBackendOutputs(lengths)[0]
			}
			o, _ := BackendFusedScaledDotProductAttention(q, k, v, compute.AttentionAxesLayoutBHSD, &config)
			return o
		},
		inSteps, false)
	return o
}
