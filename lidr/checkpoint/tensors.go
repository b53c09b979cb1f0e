package checkpoint

import "fmt"

// ExpectedTensors returns the name and shape of every tensor in a checkpoint of this configuration, named as on the
// hub. The weight of a linear layer is [out, in].
func ExpectedTensors(c Config) map[string][]int {
	d, q, kv, f := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim, c.IntermediateSize
	t := map[string][]int{"model.embed_tokens.weight": {c.VocabSize, d}, "model.norm.weight": {d}}
	if !c.TieWordEmbeddings {
		t["lm_head.weight"] = []int{c.VocabSize, d}
	}
	design := c.Design()
	for i := range c.NumHiddenLayers {
		p := fmt.Sprintf("model.layers.%d.", i)
		for _, norm := range design.norms() {
			t[p+norm+".weight"] = []int{d}
		}
		t[p+"self_attn.o_proj.weight"] = []int{d, q}
		t[p+"mlp.down_proj.weight"] = []int{d, f}
		if design.Fused {
			t[p+"self_attn.qkv_proj.weight"] = []int{q + 2*kv, d}
			t[p+"mlp.gate_up_proj.weight"] = []int{2 * f, d}
		} else {
			t[p+"self_attn.q_proj.weight"] = []int{q, d}
			t[p+"self_attn.k_proj.weight"] = []int{kv, d}
			t[p+"self_attn.v_proj.weight"] = []int{kv, d}
			t[p+"mlp.gate_proj.weight"] = []int{f, d}
			t[p+"mlp.up_proj.weight"] = []int{f, d}
		}
		if c.QKVBias() {
			t[p+"self_attn.q_proj.bias"] = []int{q}
			t[p+"self_attn.k_proj.bias"] = []int{kv}
			t[p+"self_attn.v_proj.bias"] = []int{kv}
		}
		if c.OutputBias() {
			t[p+"self_attn.o_proj.bias"] = []int{d}
		}
		if design.QKNorm {
			t[p+"self_attn.q_norm.weight"] = []int{c.HeadDim}
			t[p+"self_attn.k_norm.weight"] = []int{c.HeadDim}
		}
		if design.QKNormWhole {
			t[p+"self_attn.q_norm.weight"] = []int{q}
			t[p+"self_attn.k_norm.weight"] = []int{kv}
		}
	}
	return t
}
