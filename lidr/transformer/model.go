// Package transformer is one decoder as a GoMLX graph: RMSNorm, rotary positions, grouped query attention and SwiGLU,
// with what a family does otherwise, as its checkpoint.Design says. The same blocks serve training (Hidden, Head,
// TokenLogprobs) and decoding with a key-value cache (Prefill, Step).
//
// Weights are GoMLX variables of the root scope under their Hugging Face names, such as
// "model.layers.0.self_attn.q_proj.weight" with shape [out, in]. Graph functions follow GoMLX's convention and panic on
// misuse; GoMLX's Exec turns that into an error.
//
// Memory is saved in five ways. Weights are read where their checkpoint is mapped ([NewStored]). Weights held in half
// precision are widened where they are used and never kept in float32. A LoRA adapter ([Model.WithAdapter]) is trained
// in place of the weights, which are shared and do not change. Checkpointing keeps one activation a layer for the
// backward pass and computes the others again. The logits of a large vocabulary are computed for a chunk of positions
// at a time (LabelLogprobs).
package transformer

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/checkpoint"
)

// Model is a decoder: its configuration and its weights.
type Model struct {
	Config checkpoint.Config
	Store  *model.Store // the weights, and the variables that a trainer adds

	// Checkpointing computes the activations inside a layer again in the backward pass; without it, all of them are kept
	// from the forward pass (Chen et al. 2016, arXiv 1604.06174). It changes no result.
	Checkpointing bool

	Quantization string // how products are computed with fewer bits ([NewQuantized]), "" for those in float32

	Mapped int // bytes of weights in mapped files: the kernel counts their pages as free, though every step reads them

	design  checkpoint.Design
	adapter *checkpoint.Adapter              // without its tensors, which are variables of the store; nil for none
	source  *checkpoint.Checkpoint           // whose memory the weights are; nil for weights of the model's own
	formats map[string]compute.GGMLQuantType // formats of the matrices held in blocks
	files   map[string][]byte
}

// EachAlone reports whether the results of a sequence have the same bits on that backend whatever sequences are
// computed with it, and whatever room the cache has. Capped scores are multiplied in steps whose number depends on the
// room.
func (m *Model) EachAlone(b compute.Backend) bool {
	_, ours := b.(*cpu.Backend)
	return ours && m.design.ScoreCap == 0
}

// New returns a model with a copy of the checkpoint's weights.
func New(ck *checkpoint.Checkpoint) (*Model, error) { return newModel(ck, float32Value) }

// NewBFloat16 is [New] with the matrices rounded to bfloat16, to nearest and half to even, which takes half the memory;
// weights that were published as bfloat16 do not change. Norms and biases stay float32, and so do all computations.
// Such a model can decode and train an adapter; its matrices are too coarse to be trained themselves. Those that the
// checkpoint holds in bfloat16 are read where they are, on our own backend.
func NewBFloat16(ck *checkpoint.Checkpoint, b compute.Backend) (*Model, error) {
	ours, ok := b.(*cpu.Backend)
	return newModel(ck, func(t checkpoint.Tensor) (*tensors.Tensor, error) {
		if ok && t.Type == checkpoint.BF16 && len(t.Shape) == 2 {
			return storedValue(ours, t)
		}
		return bfloat16Value(t)
	})
}

// newModel returns a model of the values that value makes of tensors.
func newModel(ck *checkpoint.Checkpoint, value func(checkpoint.Tensor) (*tensors.Tensor, error)) (*Model, error) {
	m := &Model{Config: ck.Config, design: ck.Config.Design(), Store: model.NewStore(), files: maps.Clone(ck.Files)}
	expected := checkpoint.ExpectedTensors(ck.Config)
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		shape, t := expected[name], ck.Tensor(name)
		if t == nil {
			return nil, fmt.Errorf("transformer: checkpoint has no tensor %s, expected shape %v", name, shape)
		}
		if !slices.Equal(t.Shape, shape) {
			return nil, fmt.Errorf("transformer: tensor %s has shape %v, expected %v", name, t.Shape, shape)
		}
		v, err := value(*t)
		if err != nil {
			return nil, fmt.Errorf("transformer: tensor %s: %w", name, err)
		}
		m.Store.RootScope().VariableWithValue(name, v)
	}
	return m, nil
}

// ToDevice moves the weights to the backend's device, as the first computation would.
func (m *Model) ToDevice(b compute.Backend) error {
	for v := range m.Store.IterVariables() {
		value, err := v.Value()
		if err == nil {
			err = value.MaterializeOnDevice(b, b.HasSharedBuffers(), 0)
		}
		if err != nil {
			return fmt.Errorf("transformer: move %s to the device: %w", v.Path(), err)
		}
	}
	return nil
}

// Init returns a model with random weights that depend on the configuration and the seed alone. Embeddings are drawn
// with standard deviation 0.02; a linear layer of n inputs with 1/√n, divided by √(2·layers) where it writes into the
// residual stream (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", §2.3); norms multiply by
// 1 and biases are 0.
func Init(cfg checkpoint.Config, seed int64) *Model {
	m := &Model{Config: cfg, design: cfg.Design(), Store: model.NewStore(), files: map[string][]byte{}}
	expected := checkpoint.ExpectedTensors(cfg)
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		shape := expected[name]
		size := 1
		for _, d := range shape {
			size *= d
		}
		data := make([]float32, size)
		switch {
		case strings.HasSuffix(name, ".bias"):
		case strings.HasSuffix(name, "norm.weight"):
			for i := range data {
				data[i] = float32(1 - m.design.NormOffset)
			}
		default:
			std := 0.02
			if name != "model.embed_tokens.weight" {
				std = 1 / math.Sqrt(float64(shape[1]))
			}
			if strings.HasSuffix(name, "o_proj.weight") || strings.HasSuffix(name, "down_proj.weight") {
				std /= math.Sqrt(float64(2 * cfg.NumHiddenLayers))
			}
			stream := fnv.New64a() // each tensor has its own stream, so that none depends on the others' sizes
			stream.Write([]byte(name))
			r := rand.New(rand.NewPCG(uint64(seed), stream.Sum64()))
			for i := range data {
				data[i] = float32(std * r.NormFloat64())
			}
		}
		m.Store.RootScope().VariableWithValue(name, tensors.FromFlatDataAndDimensions(data, shape...))
	}
	return m
}

// Checkpoint returns the current weights with the files that came with them: a copy, but for weights that are another
// checkpoint's and never change. An adapter is merged into them.
func (m *Model) Checkpoint() (*checkpoint.Checkpoint, error) {
	ck, err := m.Base()
	if err != nil || m.adapter == nil {
		return ck, err
	}
	a, err := m.Adapter()
	if err != nil {
		return nil, err
	}
	return a.Merge(ck)
}

// Base is [Model.Checkpoint] without the adapter.
func (m *Model) Base() (*checkpoint.Checkpoint, error) {
	ck := &checkpoint.Checkpoint{Config: m.Config, Files: maps.Clone(m.files)}
	var err error
	if m.source != nil {
		*ck = *m.source
		ck.Tensors, ck.Files = slices.Clone(ck.Tensors), maps.Clone(m.files)
	} else {
		ck.Tensors, err = m.read(checkpoint.ExpectedTensors(m.Config))
	}
	return ck, err
}

// read copies variables, sorted by name, as they are held.
func (m *Model) read(shapes map[string][]int) ([]checkpoint.Tensor, error) {
	var all []checkpoint.Tensor
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		v := m.Store.GetVariable(name)
		if v == nil {
			return nil, fmt.Errorf("transformer: the store has no variable %s", name)
		}
		value, err := v.Value()
		if err != nil {
			return nil, fmt.Errorf("transformer: read %s: %w", name, err)
		}
		stored := checkpoint.F32
		if value.DType() == dtypes.BFloat16 {
			stored = checkpoint.BF16
		}
		var raw []byte
		if err := value.ConstBytes(func(data []byte) { raw = bytes.Clone(data) }); err != nil {
			return nil, fmt.Errorf("transformer: read %s: %w", name, err)
		}
		t, err := checkpoint.StoredTensor(name, slices.Clone(shapes[name]), stored, raw, nil)
		if err != nil {
			return nil, fmt.Errorf("transformer: read: %w", err)
		}
		all = append(all, t)
	}
	return all, nil
}

// Clone returns a model with its own copy of the weights, in float32, with an adapter merged into them.
func (m *Model) Clone() (*Model, error) {
	ck, err := m.Checkpoint()
	if err != nil {
		return nil, err
	}
	return New(ck)
}
