//go:build cgo && linux && (amd64 || arm64)

package xla_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/transformer"
)

// Every graph that decodes, scores or trains is translated for a CUDA plugin, up to the point where XLA itself would
// compile it. Whether XLA's numbers are right, only XLA can show.
func TestGraphsReachTheCompiler(t *testing.T) {
	plugin := filepath.Join(t.TempDir(), "xla_cuda_plugin.so")
	say := func(args ...string) string {
		out, err := exec.Command("go", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	headers := filepath.Join(say("list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/go-xla"), "pjrt")
	if out, err := exec.Command(say("env", "CC"), "-shared", "-fPIC", "-I", headers, "-o", plugin,
		"testdata/plugin.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("GOPJRT_CUDA_CHECKS", "no") // go-xla would fail without NVIDIA's libraries
	for options, expected := range map[string]string{"": "xla:cuda", ",tf32": "xla:cuda,tf32"} {
		b, err := backend.Open("xla:" + plugin + options)
		if err != nil {
			t.Fatal(err)
		}
		if name := backend.Name(b); name != expected {
			t.Errorf("the plugin with options %q has the name %s, expected %s", options, name, expected)
		}
	}
	b, err := backend.Open("xla:" + plugin)
	if err != nil {
		t.Fatal(err)
	}
	config := checkpoint.Config{
		Architectures: []string{"Qwen3ForCausalLM"}, ModelType: "qwen3", TorchDType: "float32", BOSTokenID: -1,
		EOSTokenIDs: []int{2}, HiddenSize: 32, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 8,
		IntermediateSize: 64, VocabSize: 100, MaxPositionEmbeddings: 64, RMSNormEps: 1e-5, RopeTheta: 10000,
		TieWordEmbeddings: true,
	}
	ctx := context.Background()
	tokens := func() *tensors.Tensor { return tensors.FromFlatDataAndDimensions(make([]int32, 2*16), 2, 16) }
	pairs := []dpo.Pair{{Prompt: []int32{5, 6}, Chosen: []int32{7, 8, 2}, Rejected: []int32{9, 2}}}
	s := dpo.DefaultSettings()
	s.BatchPairs = 1
	for _, checkpointing := range []bool{false, true} {
		full := transformer.Init(config, 1)
		ck, err := full.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		narrow, err := transformer.NewBFloat16(ck, b)
		if err != nil {
			t.Fatal(err)
		}
		for kind, m := range map[string]*transformer.Model{"float32": full, "bfloat16": narrow} {
			m.Checkpointing = checkpointing
			exec := func(f func(*model.Scope, []*Node) []*Node, args ...any) error {
				_, err := model.MustNewExec(b, m.Store, f).Call(args...)
				return err
			}
			cached := []any{[]int32{1, 1}, []int32{16, 3}, [][]int32{{1}, {2}}, tensors.FromShape(m.CacheShape(3))}
			reached := map[string]error{
				"prefill": exec(func(scope *model.Scope, in []*Node) []*Node {
					logits, cache := m.Prefill(scope, in[0], in[1], in[2], in[3], in[4])
					return []*Node{logits, cache}
				}, append([]any{tokens()}, cached...)...),
				"step": exec(func(scope *model.Scope, in []*Node) []*Node {
					logits, cache := m.Step(scope, in[0], in[1], in[2], in[3], in[4])
					return []*Node{logits, cache}
				}, append([]any{[]int32{1, 2}}, cached...)...),
				"log-probabilities": exec(func(scope *model.Scope, in []*Node) []*Node {
					return []*Node{m.TokenLogprobs(scope, in[0])}
				}, tokens()),
				"reference": dpo.Reference(ctx, b, m, pairs, s, func(int) bool { return false },
					func([]int, []float64, []float64) error { return nil }),
			}
			if m == full {
				_, reached["DPO"] = dpo.Train(ctx, b, m, pairs, make([][2]float64, 1), nil, s, dpo.Hooks{})
				_, reached["pretraining"] = dpo.Pretrain(ctx, b, m, func(int) []dpo.Weighted {
					return []dpo.Weighted{{Tokens: []int32{1, 2, 3, 4}, Weights: []float32{1, 1, 1}}}
				}, 1, s, dpo.Hooks{})
			}
			for graph, err := range reached {
				if !strings.Contains(fmt.Sprint(err), "stopped before XLA compiles") {
					t.Errorf("%s in %s, checkpointing %v: %v", graph, kind, checkpointing, err)
				}
			}
		}
	}
}
