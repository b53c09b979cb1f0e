package transformer

import (
	"maps"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/checkpoint"
)

// In every family, texts and branches that are packed into one row have the hidden states of their sequences alone.
func TestPackedRows(t *testing.T) {
	cases := goldenCases(t)
	prompt, branches, other := []int32{7, 11, 13, 2, 3, 17}, [][]int32{{1, 2, 3, 4}, {9, 8, 7, 6, 5}}, []int32{5, 6, 40}
	row := []int32{5, 6, 40, 7, 11, 13, 2, 3, 17, 1, 2, 3, 4, 9, 8, 7, 6, 5, 0, 0}
	spans := slices.Concat(slices.Repeat([]int32{0, 0, 0}, 3), slices.Repeat([]int32{3, 3, 3}, 6),
		slices.Repeat([]int32{3, 9, 9}, 4), slices.Repeat([]int32{3, 9, 13}, 5), []int32{18, 18, 18, 19, 19, 19})
	for _, b := range backends(t) {
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			t.Run(b.String()+"/"+name, func(t *testing.T) {
				config, err := checkpoint.ParseConfig(cases[name].Config)
				if err != nil {
					t.Fatal(err)
				}
				m := hashed(t, config)
				states := func(f func(scope *model.Scope, in []*Node) *Node, in ...any) []float32 {
					out, err := model.MustNewExec(b, m.Store, f).Call(in...)
					if err != nil {
						t.Fatal(err)
					}
					return tensors.MustCopyFlatData[float32](out[0])
				}
				alone := func(tokens []int32) []float32 {
					return states(func(scope *model.Scope, in []*Node) *Node { return m.Hidden(scope, in[0]) }, [][]int32{tokens})
				}
				packed := states(func(scope *model.Scope, in []*Node) *Node { return m.HiddenPacked(scope, in[0], in[1]) },
					[][]int32{row}, tensors.FromFlatDataAndDimensions(spans, 1, len(row), 3))
				d := config.HiddenSize
				same(t, "the text before", packed[:3*d], alone(other))
				same(t, "the prompt", packed[3*d:9*d], alone(prompt))
				for i, at := range []int{9, 13} {
					end := at + len(branches[i])
					same(t, "a branch", packed[at*d:end*d], alone(slices.Concat(prompt, branches[i]))[6*d:])
				}
			})
		}
	}
}
