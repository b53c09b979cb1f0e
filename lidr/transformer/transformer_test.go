package transformer

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
)

// golden is what testdata/golden.py computes with PyTorch, and testdata/families.py with Hugging Face transformers.
type golden struct {
	Config        json.RawMessage
	ConfigV4      json.RawMessage `json:"config_v4"` // families.py: as transformers 4 wrote it
	Tokens        [][]int32
	LastLogits    []float32          `json:"last_logits"`
	Logprobs      []float32          `json:"logprobs"`
	GradientNorms map[string]float64 `json:"gradient_norms"`
	GradientDots  map[string]float64 `json:"gradient_dots"`
	Greedy        [][]int32
}

func TestGolden(t *testing.T) {
	cases := goldenCases(t)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		for _, b := range backends(t) {
			t.Run(name+"/"+b.String(), func(t *testing.T) { checkGolden(t, b, cases[name]) })
		}
	}
}

// goldenCases reads the cases of golden.json and those of the files in families.
func goldenCases(t *testing.T) map[string]golden {
	t.Helper()
	cases := map[string]golden{}
	read := func(path string, into any) {
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read("testdata/golden.json", &cases)
	files, err := filepath.Glob("testdata/families/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		var c golden
		read(file, &c)
		cases[strings.TrimSuffix(filepath.Base(file), ".json")] = c
	}
	return cases
}

// The config.json of transformers 4 is read as that of transformers 5, and what is written is read as the same again.
func TestConfigSpellings(t *testing.T) {
	for name, c := range goldenCases(t) {
		want, err := checkpoint.ParseConfig(c.Config)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.ConfigV4 == nil {
			continue
		}
		got, err := checkpoint.ParseConfig(c.ConfigV4)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, %s", name, err, diff)
		}
	}
}

func checkGolden(t *testing.T, b compute.Backend, want golden) {
	config, err := checkpoint.ParseConfig(want.Config)
	if err != nil {
		t.Fatal(err)
	}
	m := hashed(t, config)
	names := slices.Sorted(maps.Keys(want.GradientNorms))
	exec := model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*Node) []*Node {
		tokens := in[0]
		rows, length := tokens.Shape().Dim(0), tokens.Shape().Dim(1)
		last := Reshape(Slice(m.Hidden(scope, tokens), AxisRange(), AxisElem(length-1)), rows, config.HiddenSize)
		logprobs := m.TokenLogprobs(scope, tokens)
		n := rows * (length - 1)
		weights := make([]float32, n) // an uneven loss, to see every position
		for i := range weights {
			weights[i] = 1 + float32(i)/float32(n)
		}
		loss := ReduceAllSum(Mul(Reshape(logprobs, n), Const(tokens.Graph(), weights)))
		var parameters []*Node
		for _, name := range names {
			parameters = append(parameters, scope.GetVariable(name).NodeValue(tokens.Graph()))
		}
		return append([]*Node{m.Head(scope, last), logprobs}, Gradient(loss, parameters...)...)
	})
	out, err := exec.Call(want.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "logits", tensors.MustCopyFlatData[float32](out[0]), want.LastLogits, 2e-5)
	near(t, "log-probabilities", tensors.MustCopyFlatData[float32](out[1]), want.Logprobs, 2e-5)
	for i, name := range names {
		norm, dot := 0.0, 0.0
		probe := hashedWeight(name+"/probe", out[2+i].Shape().Dimensions)
		for k, g := range tensors.MustCopyFlatData[float32](out[2+i]) {
			norm += float64(g) * float64(g)
			dot += float64(g) * float64(probe[k])
		}
		norm = math.Sqrt(norm)
		if w := want.GradientNorms[name]; math.Abs(norm-w) > 2e-4*w {
			t.Errorf("gradient of %s has norm %g, PyTorch %g", name, norm, w)
		}
		if w := want.GradientDots[name]; math.Abs(dot-w) > 2e-4*norm {
			t.Errorf("gradient of %s has product %g with the probe, PyTorch %g (norm %g)", name, dot, w, norm)
		}
	}
	greedy := decodeGreedy(t, b, m, want.Tokens, len(want.Tokens[0])+1, 48, len(want.Greedy[0]))
	for r := range want.Greedy {
		if !slices.Equal(greedy[r], want.Greedy[r]) {
			t.Errorf("greedy continuation of row %d with the cache is %v, PyTorch without a cache %v", r, greedy[r],
				want.Greedy[r])
		}
	}
}

// Neither other rows, nor padding, nor the size of the cache may change a row's continuation or its logits.
func TestCacheInvariance(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.String(), func(t *testing.T) {
			m := hashed(t, tiny())
			prompts := [][]int32{{5}, {7, 11, 13, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, {40, 41}}
			together := decodeGreedy(t, b, m, prompts, 16, 48, 20)
			for r, prompt := range prompts {
				alone := decodeGreedy(t, b, m, [][]int32{prompt}, len(prompt), 32, 20)[0]
				if !slices.Equal(together[r], alone) {
					t.Errorf("row %d: in a batch with padding %v, alone %v", r, together[r], alone)
				}
			}
		})
	}
}

func TestInitIsDeterministic(t *testing.T) {
	a, err := Init(tiny(), 1).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := Init(tiny(), 1).Checkpoint()
	other, _ := Init(tiny(), 2).Checkpoint()
	hash := func(ck *checkpoint.Checkpoint) string {
		h, err := ck.Hash()
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if hash(a) != hash(b) || hash(a) == hash(other) {
		t.Error("the same seed must give the same weights, another seed others")
	}
	// 1/√in for inputs; o_proj writes into the residual stream: divided by √(2·2 layers).
	for name, want := range map[string]float64{
		"mlp.up_proj":      1 / math.Sqrt(32),
		"self_attn.o_proj": 1 / math.Sqrt(32) / 2,
	} {
		w := lidrtest.Values(t, *a.Tensor("model.layers.1." + name + ".weight"))
		sum := 0.0
		for _, x := range w {
			sum += float64(x) * float64(x)
		}
		if std := math.Sqrt(sum / float64(len(w))); math.Abs(std/want-1) > 0.1 {
			t.Errorf("%s has standard deviation %g, expected %g", name, std, want)
		}
	}
}

func TestNewRefusesWrongCheckpoints(t *testing.T) {
	ck, err := Init(tiny(), 1).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for want, damage := range map[string]func(ck *checkpoint.Checkpoint){
		"no tensor model.norm.weight, expected shape [32]": func(ck *checkpoint.Checkpoint) {
			ck.Tensors = slices.DeleteFunc(ck.Tensors, func(t checkpoint.Tensor) bool { return t.Name == "model.norm.weight" })
		},
		"model.norm.weight has shape [4 8], expected [32]": func(ck *checkpoint.Checkpoint) {
			ck.Tensor("model.norm.weight").Shape = []int{4, 8}
		},
	} {
		broken := &checkpoint.Checkpoint{Config: ck.Config, Tensors: slices.Clone(ck.Tensors)}
		damage(broken)
		if _, err := New(broken); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, expected one with %q", err, want)
		}
	}
}

// emptyCache returns a cache with pages for rows sequences of size positions, and their table.
func emptyCache(m *Model, rows, size int) (table [][]int32, cache *tensors.Tensor) {
	each := (size + PageSize - 1) / PageSize
	for r := range rows {
		table = append(table, nil)
		for j := range each {
			table[r] = append(table[r], int32(1+j*rows+r))
		}
	}
	return table, tensors.FromShape(m.CacheShape(1 + rows*each))
}

// decodeGreedy continues prompts with Prefill and Step: prompts padded to length, a cache of size positions.
func decodeGreedy(t *testing.T, b compute.Backend, m *Model, prompts [][]int32, length, size, steps int) [][]int32 {
	t.Helper()
	exec := func(f func(*model.Scope, *Node, *Node, *Node, *Node, *Node) (*Node, *Node)) *model.Exec {
		return model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*Node) []*Node {
			logits, cache := f(scope, in[0], in[1], in[2], in[3], in[4])
			return []*Node{logits, cache}
		})
	}
	prefill, step := exec(m.Prefill), exec(m.Step)
	padded, lengths, one := make([][]int32, len(prompts)), make([]int32, len(prompts)), make([]int32, len(prompts))
	for r, p := range prompts {
		padded[r] = append(slices.Clone(p), make([]int32, length-len(p))...)
		lengths[r], one[r] = int32(len(p)), 1
	}
	table, cache := emptyCache(m, len(prompts), size)
	out, err := prefill.Call(padded, lengths, make([]int32, len(prompts)), table, cache)
	if err != nil {
		t.Fatal(err)
	}
	answers := make([][]int32, len(prompts))
	for range steps {
		logits := out[0].Value().([][]float32)
		next, positions := make([]int32, len(prompts)), slices.Clone(lengths)
		for r := range prompts {
			for i, x := range logits[r] {
				if x > logits[r][next[r]] {
					next[r] = int32(i)
				}
			}
			answers[r] = append(answers[r], next[r])
			lengths[r]++
		}
		donated, err := DonateTensorBuffer(out[1], b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if out, err = step.Call(next, one, positions, table, donated); err != nil {
			t.Fatal(err)
		}
	}
	return answers
}

// backends opens every backend that is compiled in.
func backends(t testing.TB) (all []compute.Backend) {
	t.Helper()
	names := compute.List()
	slices.Sort(names)
	for _, name := range names {
		b, err := backend.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// tiny has grouped heads and a tied head.
func tiny() checkpoint.Config {
	return checkpoint.Config{
		ModelType: "llama", HiddenSize: 32, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 8,
		IntermediateSize: 48, VocabSize: 67, MaxPositionEmbeddings: 256, RMSNormEps: 1e-5, RopeTheta: 10000,
		TieWordEmbeddings: true,
	}
}

// hashed returns a model with the weights that golden.py makes.
func hashed(t testing.TB, c checkpoint.Config) *Model {
	t.Helper()
	ck := &checkpoint.Checkpoint{Config: c}
	expected := checkpoint.ExpectedTensors(c)
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		ck.Tensors = append(ck.Tensors,
			checkpoint.NewTensor(name, expected[name], hashedWeight(name, expected[name])))
	}
	m, err := New(ck)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// hashedWeight mixes the FNV-1a hash of the name with the index by splitmix64.
func hashedWeight(name string, shape []int) []float32 {
	h := fnv.New64a()
	fmt.Fprint(h, name)
	size := 1
	for _, d := range shape {
		size *= d
	}
	data := make([]float32, size)
	for i := range data {
		z := h.Sum64() + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		data[i] = float32(z>>40)/(1<<23) - 1
		switch {
		case strings.HasSuffix(name, "norm.weight"):
			data[i] = 1 + data[i]/4
		case len(shape) == 2:
			data[i] *= 0.25
		}
	}
	return data
}

func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d values, expected %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance*(1+math.Abs(float64(want[i])))) {
			t.Fatalf("%s: value %d is %g, expected %g", what, i, got[i], want[i])
		}
	}
}
