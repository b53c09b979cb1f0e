package transformer

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// A key-value cache is one tensor of pages, each with the keys and values that all layers have of [PageSize] positions:
// [pages, layers·2·kvHeads, PageSize, dim], of each layer the keys first. A sequence is a list of pages in any order, a
// row of a table (Kwon et al. 2023, "PagedAttention", SOSP): it grows by a page, ends by returning its pages, and
// shares those of its beginning with any sequence that begins with the same tokens, and nothing is moved for it.
//
// Slots that no token has filled yet hold zeros, so that a key or value is put in by adding it; ScatterSum is the one
// in-place update that every backend has. Page 0 is no sequence's and always zero: what pads a table or a batch is
// there.

// PageSize is the number of positions of a page.
const PageSize = 64

// CacheShape returns the shape of a cache.
func (m *Model) CacheShape(pages int) shapes.Shape {
	c := m.Config
	return shapes.Make(m.CacheType(), pages, 2*c.NumHiddenLayers*c.NumKeyValueHeads, PageSize, c.HeadDim)
}

// CacheType returns the type of keys and values in a cache: bfloat16 where the matrices that make keys are held in it,
// as whose products they are no more exact, else float32.
func (m *Model) CacheType() dtypes.DType {
	name := "k_proj"
	if m.design.Fused {
		name = "qkv_proj"
	}
	keys := m.Store.GetVariable("model.layers.0.self_attn." + name + ".weight")
	if keys != nil && keys.DType() == dtypes.BFloat16 {
		return dtypes.BFloat16
	}
	return dtypes.Float32
}

// Prefill returns the logits [B, V] after the last of each sequence's next tokens, and the cache with their keys and
// values. tokens are int32 [B, T], padded on the right, of which a sequence has lengths[b] in 0…T, behind starts[b]
// that are in the cache already; table int32 [B, N] names its pages in order, 0 where there are none yet. A text has
// the same logits however it is divided.
func (m *Model) Prefill(scope *model.Scope, tokens, lengths, starts, table, cache *Node) (logits, newCache *Node) {
	b, t := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
	h, cache := m.extend(scope, tokens, lengths, starts, table, cache)
	last := Max(AddScalar(lengths, -1), ZerosLike(lengths))
	rows := Add(MulScalar(Iota(tokens.Graph(), shapes.Make(dtypes.Int32, b), 0), t), last)
	return m.Head(scope, Gather(h, ExpandDims(rows, -1))), cache
}

// Step is Prefill for one token of each sequence, tokens int32 [B], which lengths say it has (1) or not (0). Its
// attention reads no more than it must, in an order of its own.
func (m *Model) Step(scope *model.Scope, tokens, lengths, starts, table, cache *Node) (logits, newCache *Node) {
	h, cache := m.extend(scope, ExpandDims(tokens, -1), lengths, starts, table, cache)
	return m.Head(scope, h), cache
}

// extend returns the hidden states [B·T, D] of tokens, and the cache with their keys and values.
func (m *Model) extend(scope *model.Scope, tokens, lengths, starts, table, cache *Node) (hidden, newCache *Node) {
	w := weights{m: m, scope: scope, g: tokens.Graph()}
	b, t, kv := tokens.Shape().Dim(0), tokens.Shape().Dim(1), m.Config.NumKeyValueHeads
	limit := table.Shape().Dim(1) * PageSize
	filled := within(lengths, t)
	places := shapes.Make(dtypes.Int32, b, t)
	positions := Add(BroadcastToDims(ExpandDims(starts, -1), b, t), Iota(w.g, places, 1))
	positions = Min(positions, Scalar(w.g, dtypes.Int32, limit-1)) // of padding
	number := DivScalar(positions, PageSize)
	page := Gather(table, Concatenate([]*Node{ExpandDims(Iota(w.g, places, 0), -1), ExpandDims(number, -1)}, -1))
	page = Where(filled, page, ZerosLike(page))
	slot := Sub(positions, MulScalar(number, PageSize))
	add := func(layer int, k, v *Node) { // [b, t, kvHeads, dim]
		at := shapes.Make(dtypes.Int32, b, t, 2*kv, 1)
		wide := func(x *Node) *Node { return BroadcastToDims(Reshape(x, b, t, 1, 1), b, t, 2*kv, 1) }
		slots := Concatenate([]*Node{wide(page), AddScalar(Iota(w.g, at, 2), layer*2*kv), wide(slot)}, -1)
		both := Concatenate([]*Node{k, v}, 2)
		both = Where(BroadcastToDims(Reshape(filled, b, t, 1, 1), both.Shape().Dimensions...), both, ZerosLike(both))
		cache = ScatterSum(cache, slots, ConvertDType(both, cache.DType()), false, false)
	}
	ends := AddScalar(starts, t) // of the padded tokens, the last of which attends to all before it
	pos := m.rotariesAt(positions, Add(starts, lengths), limit)
	h := m.blocks(w, m.embed(w, tokens), b, t, pos, func(layer int, q, k, v *Node) *Node {
		add(layer, k, v)
		first := layer * 2 * kv
		return m.pagedAttention(layer, q, pagesOf(cache, table, first, kv), pagesOf(cache, table, first+kv, kv), ends)
	})
	return h, cache
}

// pagesOf returns the keys or values of one layer that each sequence's pages hold, float32 [b, kvHeads, n·PageSize,
// dim]. Our backend's attention reads them where they are.
func pagesOf(cache, table *Node, first, kv int) *Node {
	b, n, dim := table.Shape().Dim(0), table.Shape().Dim(1), cache.Shape().Dim(3)
	of := Slice(cache, AxisRange(), AxisRange(first, first+kv))
	x := Gather(of, ExpandDims(table, -1)) // [b, n, kvHeads, PageSize, dim]
	return ConvertDType(Reshape(TransposeAllAxes(x, 0, 2, 1, 3, 4), b, kv, n*PageSize, dim), dtypes.Float32)
}

// pagedAttention is a layer's attention of the last t positions of each sequence, which has ends[i] positions, each
// over those up to its own, or over the last ones of them that the layer's window holds: q [b, t, heads, dim], k and v
// [b, kvHeads, s, dim] and ends int32 [b] give [b, t, heads, dim].
func (m *Model) pagedAttention(layer int, q, k, v, ends *Node) *Node {
	d, t, s := m.design, q.Shape().Dim(1), k.Shape().Dim(2)
	window := d.Layers[layer].Window
	if window >= s {
		window = 0
	}
	q = swapHeads(q)
	inSteps := func() *Node { return maskedAttention(q, k, v, endMask(ends, t, s, window), d) }
	if d.ScoreCap > 0 {
		return swapHeads(inSteps())
	}
	o, _ := InternalFusedOpCaller(
		func() *Node {
			config := compute.ScaledDotProductAttentionConfig{Scale: d.ScoreScale, Causal: t > 1,
				KeyValueSeqLen: InternalBackendOutputs(ends)[0]}
			if window > 0 {
				config.Mask = InternalBackendOutputs(endMask(ends, t, s, window))[0]
			}
			o, _ := BackendFusedScaledDotProductAttention(q, k, v, compute.AttentionAxesLayoutBHSD, &config)
			return o
		},
		inSteps, false)
	return swapHeads(o)
}

// CopyPages makes each page of a cache that to names a copy of one that from names, both int32 [N]; page 0, which is
// empty, makes it an empty one.
func CopyPages(from, to, cache *Node) *Node {
	written := ScatterSum(Zeros(cache.Graph(), shapes.Make(dtypes.Int32, cache.Shape().Dim(0))), ExpandDims(to, -1),
		OnesLike(to), false, false)
	dims := cache.Shape().Dimensions
	old := BroadcastToDims(Reshape(GreaterThan(written, ZerosLike(written)), dims[0], 1, 1, 1), dims...)
	return ScatterSum(Where(old, ZerosLike(cache), cache), ExpandDims(to, -1), Gather(cache, ExpandDims(from, -1)), false,
		false)
}
