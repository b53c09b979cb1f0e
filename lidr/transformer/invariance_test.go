package transformer

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/checkpoint"
)

// In every family, neither other rows of the batch nor padding changes a log-probability or a logit, to the bit on our
// backend and by more than 1e-5 on others, and the cache by more than 1e-5.
func TestBatchPaddingAndCacheChangeNothing(t *testing.T) {
	cases := goldenCases(t)
	rows := [][]int32{{5, 6}, {7, 11, 13, 2, 3, 17}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {40, 41, 42}}
	const width = 16
	for _, b := range backends(t) {
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			t.Run(b.String()+"/"+name, func(t *testing.T) {
				config, err := checkpoint.ParseConfig(cases[name].Config)
				if err != nil {
					t.Fatal(err)
				}
				m := hashed(t, config)
				logprobs := model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*graph.Node) []*graph.Node {
					return []*graph.Node{m.TokenLogprobs(scope, in[0])}
				})
				prefill := model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*graph.Node) []*graph.Node {
					logits, cache := m.Prefill(scope, in[0], in[1], in[2], in[3], in[4])
					return []*graph.Node{logits, cache}
				})
				step := model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*graph.Node) []*graph.Node {
					logits, _ := m.Step(scope, in[0], in[1], in[2], in[3], in[4])
					return []*graph.Node{logits}
				})
				call := func(exec *model.Exec, args ...any) []*tensors.Tensor {
					out, err := exec.Call(args...)
					if err != nil {
						t.Fatal(err)
					}
					return out
				}
				padded := make([][]int32, len(rows))
				shorter, lengths := make([]int32, len(rows)), make([]int32, len(rows))
				last, ones, none := make([]int32, len(rows)), slices.Repeat([]int32{1}, len(rows)), make([]int32, len(rows))
				table, empty := emptyCache(m, len(rows), width)
				for r, row := range rows {
					padded[r] = append(slices.Clone(row), make([]int32, width-len(row))...)
					lengths[r], shorter[r] = int32(len(row)), int32(len(row)-1)
					last[r] = row[len(row)-1]
				}
				together := call(logprobs, padded)[0].Value().([][]float32)
				read := call(prefill, padded, lengths, none, table, empty)[0].Value().([][]float32)
				// The same logits from a prompt without its last token, and a step with that token.
				begun := call(prefill, padded, shorter, none, table, empty)[1]
				stepped := call(step, last, ones, shorter, table, begun)[0].Value().([][]float32)
				for r, row := range rows {
					single := call(logprobs, [][]int32{row})[0].Value().([][]float32)[0]
					same(t, "log-probabilities in a padded batch", together[r][:len(row)-1], single)
					alone := call(prefill, [][]int32{row}, []int32{lengths[r]}, none[:1], table[:1], empty)[0].Value().([][]float32)[0]
					same(t, "logits in a padded batch", read[r], alone)
					same(t, "logits by a cached step", stepped[r], alone)
					if b.Name() == cpu.Name && !(slices.Equal(single, together[r][:len(row)-1]) && slices.Equal(alone, read[r])) {
						t.Errorf("row %d has other bits in a padded batch than alone", r)
					}
				}
			})
		}
	}
}

// Each sequence of a batch has the factors of its own length, of a rotary embedding whose factors depend on it.
func TestLengthFactors(t *testing.T) {
	config, err := checkpoint.ParseConfig(goldenCases(t)["phi4-mini-long"].Config)
	if err != nil {
		t.Fatal(err)
	}
	limit := config.RopeScaling.OriginalMaxPositionEmbeddings
	rows := batch(4, limit+3, config.VocabSize)
	for r := range rows {
		rows[r] = rows[r][:limit-r] // three within the limit
	}
	rows[0] = batch(1, limit+3, config.VocabSize)[0]
	for _, b := range backends(t) {
		m := hashed(t, config)
		together := decodeGreedy(t, b, m, rows, limit+4, 2*limit, 10)
		for r, row := range rows {
			if alone := decodeGreedy(t, b, m, [][]int32{row}, len(row), 2*limit, 10)[0]; !slices.Equal(together[r], alone) {
				t.Errorf("%s: row %d of %d tokens: in a batch %v, alone %v", b, r, len(row), together[r], alone)
			}
		}
	}
}

func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-5) {
			t.Fatalf("%s: value %d is %g, alone %g", what, i, got[i], want[i])
		}
	}
}
