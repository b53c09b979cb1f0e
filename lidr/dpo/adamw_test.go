package dpo

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/transformer"
)

// TestAdamW compares three weights with three steps of PyTorch's AdamW in float64: one that decays, a norm and an
// embedding, which do not. The gradients are clipped in the first step and not in the others.
func TestAdamW(t *testing.T) {
	s := DefaultSettings()
	s.WeightDecay, s.ClipNorm, s.AdamBeta2 = 0.1, 1, 0.98
	const lr = 0.01
	m := transformer.Init(tiny, 5)
	tr, err := newTrainer(openBackend(t), m, s)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	plain := map[string]*struct{ weight, first, second []float64 }{}
	for _, p := range tr.params {
		size := p.value.Shape().Size()
		q := &struct{ weight, first, second []float64 }{make([]float64, size), make([]float64, size), make([]float64, size)}
		for i, w := range tensors.MustCopyFlatData[float32](p.value.MustValue()) {
			q.weight[i] = float64(w)
		}
		plain[p.name] = q
	}
	for n := 1; n <= 3; n++ {
		scale := []float64{0, 1, 1e-3, 2e-3}[n]
		gradient := func(i int) float64 { return float64(float32(scale * math.Sin(float64(i+n)))) }
		var squares float64
		for _, p := range tr.params {
			flat := make([]float32, p.value.Shape().Size())
			for i := range flat {
				flat[i] = float32(gradient(i))
				squares += gradient(i) * gradient(i)
			}
			if err := p.gradient.SetValue(tensors.FromFlatDataAndDimensions(flat, p.value.Shape().Dimensions...)); err != nil {
				t.Fatal(err)
			}
		}
		norm := math.Sqrt(squares)
		out := tr.update.MustCall(s.updateRates(n, lr)...)
		near(t, "norm", float64(tensors.ToScalar[float32](out[0])), norm, 1e-5*norm)
		for name, q := range plain {
			for i := range q.weight {
				g := gradient(i) * math.Min(1, s.ClipNorm/(norm+1e-6))
				if decays(name) {
					q.weight[i] *= 1 - lr*s.WeightDecay
				}
				q.first[i] = s.AdamBeta1*q.first[i] + (1-s.AdamBeta1)*g
				q.second[i] = s.AdamBeta2*q.second[i] + (1-s.AdamBeta2)*g*g
				unbiased := q.first[i] / (1 - math.Pow(s.AdamBeta1, float64(n)))
				q.weight[i] -= lr * unbiased / (math.Sqrt(q.second[i]/(1-math.Pow(s.AdamBeta2, float64(n)))) + s.AdamEps)
			}
		}
	}
	for _, p := range tr.params {
		for i, w := range tensors.MustCopyFlatData[float32](p.value.MustValue()) {
			if want := plain[p.name].weight[i]; math.Abs(float64(w)-want) > 2e-6 {
				t.Fatalf("%s[%d] is %g after three steps, want %g", p.name, i, w, want)
			}
		}
		for _, g := range tensors.MustCopyFlatData[float32](p.gradient.MustValue()) {
			if g != 0 {
				t.Fatalf("the accumulator of %s is not 0 after a step", p.name)
			}
		}
	}
}

func TestDecays(t *testing.T) {
	for name, want := range map[string]bool{
		"model.layers.0.self_attn.q_proj.weight": true, "lm_head.weight": true,
		"model.layers.0.self_attn.q_proj.bias": false, "model.layers.0.self_attn.q_norm.weight": false,
		"model.layers.1.post_attention_layernorm.weight": false, "model.norm.weight": false,
		"model.embed_tokens.weight": false,
	} {
		if decays(name) != want {
			t.Errorf("decays(%s) is %v", name, !want)
		}
	}
}
