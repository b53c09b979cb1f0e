package transformer

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/checkpoint"
)

// In every family, a text that is read in pieces, or behind pages that were filled for another text with the same
// beginning, gives the bits on our backend of one that is read at once, and the same within 1e-5 on others. So does the
// step that follows, and so do keys and values in bfloat16, whose logits are within 2e-2 of the largest of those of a
// cache in float32.
func TestPiecesGiveTheBitsOfTheWhole(t *testing.T) {
	cases := goldenCases(t)
	const length = 3*PageSize - 20
	text := batch(1, length+1, 67)[0]
	other := slices.Concat(text[:2*PageSize+9], batch(3, 40, 67)[2])
	for _, b := range backends(t) {
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			t.Run(b.String()+"/"+name, func(t *testing.T) {
				config, err := checkpoint.ParseConfig(cases[name].Config)
				if err != nil {
					t.Fatal(err)
				}
				m := hashed(t, config)
				if m.ShortLength() > 0 {
					t.Skip("its rotary embedding depends on the length of the whole")
				}
				readInPieces(t, b, m, text, other)
				if b.Name() != cpu.Name {
					return
				}
				ck, err := m.Checkpoint()
				if err != nil {
					t.Fatal(err)
				}
				narrow, err := NewBFloat16(ck, b)
				if err != nil {
					t.Fatal(err)
				}
				if narrow.CacheType() == m.CacheType() {
					t.Fatalf("both caches are of %s", m.CacheType())
				}
				if ck, err = narrow.Checkpoint(); err != nil {
					t.Fatal(err)
				}
				if m, err = New(ck); err != nil { // the same weights
					t.Fatal(err)
				}
				got, want := readInPieces(t, b, narrow, text, other), readInPieces(t, b, m, text, other)
				for i, w := range want {
					if d := math.Abs(float64(got[i] - w)); !(d <= 2e-2*float64(slices.Max(want)-slices.Min(want))) {
						t.Errorf("logit %d is %g, with keys and values in float32 %g", i, got[i], w)
					}
				}
			})
		}
	}
}

// readInPieces reads a text in one piece and in several, and behind what another begins with alike, and returns the
// logits behind it.
func readInPieces(t *testing.T, b compute.Backend, m *Model, text, other []int32) (whole []float32) {
	length := len(text) - 1
	exec := func(f func(*model.Scope, *graph.Node, *graph.Node, *graph.Node, *graph.Node, *graph.Node) (*graph.Node,
		*graph.Node)) func(args ...any) (logits []float32, cache *tensors.Tensor) {
		compiled := model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*graph.Node) []*graph.Node {
			logits, cache := f(scope, in[0], in[1], in[2], in[3], in[4])
			return []*graph.Node{logits, cache}
		})
		return func(args ...any) ([]float32, *tensors.Tensor) {
			out, err := compiled.Call(args...)
			if err != nil {
				t.Fatal(err)
			}
			return out[0].Value().([][]float32)[0], out[1]
		}
	}
	prefill, step := exec(m.Prefill), exec(m.Step)
	// read reads a text behind start tokens, cut at the given places and padded to multiples of 16.
	read := func(text []int32, start int, row []int32, cache *tensors.Tensor, cuts ...int) (last []float32,
		_ *tensors.Tensor) {
		for _, end := range append(cuts, len(text)) {
			piece := slices.Clone(text[start:end])
			n := int32(len(piece))
			piece = append(piece, make([]int32, (16-len(piece)%16)%16)...)
			last, cache = prefill([][]int32{piece}, []int32{n}, []int32{int32(start)}, [][]int32{row}, cache)
			start = end
		}
		return last, cache
	}
	same := func(what string, got, want []float32) {
		if b.Name() == cpu.Name && m.EachAlone(b) && !slices.Equal(got, want) {
			t.Errorf("%s: other bits", what)
		}
		same(t, what, got, want)
	}
	empty := tensors.FromShape(m.CacheShape(8))
	row := []int32{5, 1, 3, 0}
	whole, cache := read(text[:length], 0, row, empty)
	next, _ := step([]int32{text[length]}, []int32{1}, []int32{int32(length)}, [][]int32{row}, cache)
	for _, cuts := range [][]int{{PageSize}, {1, 2, 40}, {16, 130, 150}} {
		pieces, cache := read(text[:length], 0, row, empty, cuts...)
		same("pieces", pieces, whole)
		again, _ := step([]int32{text[length]}, []int32{1}, []int32{int32(length)}, [][]int32{row}, cache)
		same("a step after pieces", again, next)
	}
	_, cache = read(other, 0, []int32{2, 7, 4, 0}, empty)
	shared, _ := read(text[:length], 2*PageSize, []int32{2, 7, 6, 0}, cache)
	same("a shared beginning", shared, whole)
	return whole
}
