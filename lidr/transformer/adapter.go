package transformer

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/checkpoint"
)

// InitAdapter returns a new adapter that changes nothing yet, as PEFT's do: B is 0, and A is drawn uniformly from
// ±1/√in, the range of PyTorch's kaiming_uniform_ with a = √5. Its numbers depend on names, shapes and the seed alone.
func InitAdapter(cfg checkpoint.Config, rank int, alpha float64, targets []string,
	seed int64) (*checkpoint.Adapter, error) {
	a := &checkpoint.Adapter{Rank: rank, Alpha: alpha, Targets: slices.Compact(slices.Sorted(slices.Values(targets)))}
	if rank < 1 {
		return nil, a.Check(cfg)
	}
	expected := a.ExpectedTensors(cfg)
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		shape := expected[name]
		data := make([]float32, shape[0]*shape[1])
		if strings.HasSuffix(name, ".lora_A.weight") {
			stream := fnv.New64a()
			stream.Write([]byte(name))
			random := rand.New(rand.NewPCG(uint64(seed), stream.Sum64()))
			for i := range data {
				data[i] = float32((2*random.Float64() - 1) / math.Sqrt(float64(shape[1])))
			}
		}
		a.Tensors = append(a.Tensors, checkpoint.NewTensor(name, shape, data))
	}
	return a, a.Check(cfg)
}

// WithAdapter returns m with an adapter, the only part of it that a training changes. The new model shares m's weights,
// which may not change while it is in use. m itself stays without the adapter, so that it serves as the reference
// without a second copy of the weights.
func (m *Model) WithAdapter(a *checkpoint.Adapter) (*Model, error) {
	if m.adapter != nil {
		return nil, fmt.Errorf("transformer: the model has an adapter; merge it first, by Clone")
	}
	if err := a.Check(m.Config); err != nil {
		return nil, fmt.Errorf("transformer: %w", err)
	}
	adapted := *m
	adapted.Store = model.NewStore()
	adapted.adapter = &checkpoint.Adapter{Base: a.Base, Rank: a.Rank, Alpha: a.Alpha, Targets: a.Targets}
	for name := range checkpoint.ExpectedTensors(m.Config) {
		v := m.Store.GetVariable(name)
		if v == nil {
			return nil, fmt.Errorf("transformer: the store has no variable %s", name)
		}
		value, err := v.Value()
		if err != nil {
			return nil, fmt.Errorf("transformer: read %s: %w", name, err)
		}
		adapted.Store.RootScope().VariableWithValue(name, value).SetTrainable(false)
	}
	for _, t := range a.Tensors {
		values, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("transformer: %w", err)
		}
		adapted.Store.RootScope().VariableWithValue(t.Name, tensors.FromFlatDataAndDimensions(values, t.Shape...))
	}
	return &adapted, nil
}

// Adapter returns a copy of the model's adapter, nil if it has none.
func (m *Model) Adapter() (*checkpoint.Adapter, error) {
	if m.adapter == nil {
		return nil, nil
	}
	a := *m.adapter
	var err error
	a.Tensors, err = m.read(a.ExpectedTensors(m.Config))
	return &a, err
}

// Trained returns the variables that a trainer changes, by name: the adapter's tensors if the model has one, else all
// weights. A matrix held as bfloat16 cannot be trained.
func (m *Model) Trained() (map[string]*model.Variable, error) {
	expected := checkpoint.ExpectedTensors(m.Config)
	if m.adapter != nil {
		expected = m.adapter.ExpectedTensors(m.Config)
	} else if m.source != nil {
		return nil, fmt.Errorf("transformer: the weights are a checkpoint's own, which nobody changes: train an adapter, " +
			"or a Clone")
	}
	variables := map[string]*model.Variable{}
	for name := range expected {
		v := m.Store.GetVariable(name)
		if v == nil {
			return nil, fmt.Errorf("transformer: the store has no variable %s", name)
		}
		if !v.DType().IsFloat() || v.DType().Size() < 4 {
			return nil, fmt.Errorf("transformer: %s is held as %s, too coarse to be trained: train an adapter, or load the "+
				"weights as float32", name, v.DType())
		}
		variables[name] = v
	}
	return variables, nil
}

// adapt adds the adapter's part (alpha/r)·(x·Aᵀ)·Bᵀ to y, the product of x and the weight of that name.
func (w weights) adapt(y, x *Node, weight string) *Node {
	if w.m.adapter == nil {
		return y
	}
	nameA, nameB, ok := w.m.adapter.Adapted(weight)
	if !ok {
		return y
	}
	low := w.forgotten(DotGeneral(x, []int{1}, nil, w.get(nameA), []int{1}, nil))
	high := DotGeneral(MulScalar(low, w.m.adapter.Scale()), []int{1}, nil, w.get(nameB), []int{1}, nil)
	return Add(y, high)
}
