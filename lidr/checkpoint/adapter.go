package checkpoint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Adapter is a LoRA adapter (Hu et al. 2021, arXiv 2106.09685): to a projection's weight W [out, in] it adds
// (Alpha/Rank)·B·A. Names, shapes and files are those of the PEFT library.
type Adapter struct {
	Base    string   // base_model_name_or_path: the model that it was trained on
	Rank    int      // r
	Alpha   float64  // lora_alpha
	Targets []string // target_modules, among [AdapterTargets]; sorted

	// Tensors are, sorted by name, "base_model.model." + the weight's name with ".lora_A" [Rank, in] and ".lora_B"
	// [out, Rank] before its ".weight".
	Tensors []Tensor
}

const adapterPrefix = "base_model.model."

// AdapterTargets returns the projections that an adapter can be added to in any family: all linear layers but the head.
// The last two are Phi-3's.
func AdapterTargets() []string {
	return []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "qkv_proj",
		"gate_up_proj"}
}

// AdapterTargets returns the projections that an adapter can be added to in a model of this configuration, PEFT's
// "all-linear".
func (c Config) AdapterTargets() []string {
	if c.Design().Fused {
		return []string{"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}
	}
	return []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
}

// Scale returns alpha/r, the factor of B·A (arXiv 2106.09685, §4.1).
func (a *Adapter) Scale() float64 { return a.Alpha / float64(a.Rank) }

// Adapted returns whether the adapter changes the weight of that name, and the names of its A and B.
func (a *Adapter) Adapted(weight string) (nameA, nameB string, ok bool) {
	layer, isWeight := strings.CutSuffix(weight, ".weight")
	if !isWeight || !slices.Contains(a.Targets, layer[strings.LastIndex(layer, ".")+1:]) {
		return "", "", false
	}
	return adapterPrefix + layer + ".lora_A.weight", adapterPrefix + layer + ".lora_B.weight", true
}

// ExpectedTensors returns the name and shape of every tensor of the adapter on a model of configuration c.
func (a *Adapter) ExpectedTensors(c Config) map[string][]int {
	out := map[string][]int{}
	for name, shape := range ExpectedTensors(c) {
		if nameA, nameB, ok := a.Adapted(name); ok {
			out[nameA], out[nameB] = []int{a.Rank, shape[1]}, []int{shape[0], a.Rank}
		}
	}
	return out
}

// Tensor returns the tensor of that name, or nil.
func (a *Adapter) Tensor(name string) *Tensor {
	i, ok := slices.BinarySearchFunc(a.Tensors, name, func(t Tensor, n string) int { return cmp.Compare(t.Name, n) })
	if !ok {
		return nil
	}
	return &a.Tensors[i]
}

// Check returns an error naming the first part of the adapter that does not fit a model of configuration c.
func (a *Adapter) Check(c Config) error {
	switch {
	case a.Rank < 1 || a.Rank > max(c.HiddenSize, c.IntermediateSize):
		return fmt.Errorf("adapter: r is %d, expected 1 to %d, the model's widest layer", a.Rank,
			max(c.HiddenSize, c.IntermediateSize))
	case !(a.Alpha > 0):
		return fmt.Errorf("adapter: lora_alpha is %g, expected more than 0", a.Alpha)
	case len(a.Targets) == 0:
		return fmt.Errorf("adapter: target_modules is empty, expected some of %s", strings.Join(c.AdapterTargets(), ", "))
	}
	for _, target := range a.Targets {
		if !slices.Contains(c.AdapterTargets(), target) {
			return fmt.Errorf("adapter: target_modules has %q, expected some of %s, the projections of a %s model", target,
				strings.Join(c.AdapterTargets(), ", "), c.ModelType)
		}
	}
	want := a.ExpectedTensors(c)
	for i, t := range a.Tensors {
		if i > 0 && a.Tensors[i-1].Name >= t.Name {
			return fmt.Errorf("adapter: tensors %q and %q are not in order of their names", a.Tensors[i-1].Name, t.Name)
		}
		shape, ok := want[t.Name]
		if !ok {
			return fmt.Errorf("adapter: tensor %q does not belong to an adapter on %v of a %s model of %d layers", t.Name,
				a.Targets, c.ModelType, c.NumHiddenLayers)
		}
		if !slices.Equal(shape, t.Shape) {
			return fmt.Errorf("adapter: tensor %q has shape %v, expected %v", t.Name, t.Shape, shape)
		}
		delete(want, t.Name)
	}
	if len(want) > 0 {
		names := slices.Sorted(maps.Keys(want))
		return fmt.Errorf("adapter: tensor %q is missing (%d missing in all)", names[0], len(names))
	}
	return nil
}
