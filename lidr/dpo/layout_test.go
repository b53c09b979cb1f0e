package dpo

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/transformer"
)

// With prompts computed once for both sides, and several pairs in a line, every loss and every gradient is that of the
// sides each by itself, on our backend and on GoMLX's, which has no attention by spans.
func TestSharedPromptsChangeNothing(t *testing.T) {
	pairs := randomPairs(6, tiny.VocabSize, 4)
	pairs[1].Rejected = pairs[1].Chosen
	pairs[2].Rejected = slices.Concat(pairs[2].Chosen[:1], pairs[2].Rejected) // sides that begin alike
	pairs[3].Chosen = []int32{2}                                              // of which nothing is computed
	pairs[4] = Pair{Prompt: []int32{7}, Chosen: []int32{2}, Rejected: []int32{5, 2}}
	for _, engine := range []string{"cpu", "go"} {
		b, err := backend.Open(engine)
		if err != nil {
			t.Fatal(err)
		}
		m := transformer.Init(tiny, 3)
		for _, loss := range slices.Sorted(maps.Keys(preferences)) {
			s := DefaultSettings()
			s.Loss, s.BatchPairs = loss, 6
			if loss == "robust" {
				s.LabelSmoothing = 0.1
			}
			tr, err := newTrainer(b, m, s)
			if err != nil {
				t.Fatal(err)
			}
			together := (&plan{pairs: pairs, ref: randomReference(6), s: s, room: 4096}).pairBatch([]int{0, 1, 2, 3, 4, 5})[0]
			want, got := gradients(t, tr, apart(together)), gradients(t, tr, together)
			if err := tr.close(); err != nil {
				t.Fatal(err)
			}
			for name, w := range want {
				size := math.Max(1e-3, float64(max(slices.Max(w), -slices.Min(w))))
				for k := range w {
					if d := math.Abs(float64(got[name][k] - w[k])); !(d <= 1e-5*size) {
						t.Fatalf("%s, %s: element %d of %s is %g, alone %g", engine, loss, k, name, got[name][k], w[k])
					}
				}
			}
		}
		b.Finalize()
	}
}

// apart returns a micro-batch whose rows share nothing.
func apart(m micro) micro {
	var texts []text
	for i := range m.rows {
		texts = append(texts, newText(m.rows, i))
	}
	m.layout = lay(m.rows, texts)
	m.place = slices.Clone(m.place)
	k := 0
	for i, r := range m.rows {
		for _, at := range r.at {
			m.place[k] = m.index(i, at)
			k++
		}
	}
	return m
}

// gradients returns the sums of a micro-batch's rows and the accumulated gradients, which are 0 again afterwards.
func gradients(t *testing.T, tr *trainer, m micro) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{"sums": tensors.MustCopyFlatData[float32](tr.gradient.MustCall(m.args()...)[0])}
	for _, p := range tr.params {
		all[p.name] = tensors.MustCopyFlatData[float32](p.gradient.MustValue())
		if err := p.gradient.SetValue(tensors.FromShape(p.value.Shape())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
