package transformer

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/checkpoint"
)

// NewStored returns a model whose weights are the checkpoint's own, in the type that they are stored in, on backend b:
// in a mapped file, they are read where they are, and take no other memory. Float32 stays float32, and a matrix in half
// precision or in blocks stays as it is and is widened where it is read; all else is widened beforehand. Results have
// the bits of those of [New], which it is on a backend that is not ours, but for answers of a model in bfloat16, whose
// keys and values are kept in that type ([Model.CacheType]). Such a model decodes and trains an
// adapter; its weights cannot be trained. A file that is written to in the meantime is an error of the next
// computation.
func NewStored(ck *checkpoint.Checkpoint, b compute.Backend) (*Model, error) {
	ours, ok := b.(*cpu.Backend)
	if !ok {
		return New(ck)
	}
	return newStored(ck, ours, false)
}

// newStored is [NewStored]. round: matrices that are in no blocks are rounded to some, where their rows can be.
func newStored(ck *checkpoint.Checkpoint, b *cpu.Backend, round bool) (*Model, error) {
	blocks := map[string]compute.GGMLQuantType{}
	mapped := 0
	m, err := newModel(ck, func(t checkpoint.Tensor) (*tensors.Tensor, error) {
		format, ok := cpu.BlockTypes[t.Type.Name]
		if len(t.Shape) == 2 && !ok && round && t.Shape[1]%32 == 0 {
			blocks[t.Name] = compute.GGMLQ8_0
			return roundedValue(t)
		}
		if raw, file := t.Raw(); file != nil {
			mapped += len(raw)
		}
		if len(t.Shape) == 2 && ok {
			blocks[t.Name] = format
			return blockValue(b, t)
		}
		return storedValue(b, t)
	})
	if err == nil {
		m.source, m.formats, m.Mapped = ck, blocks, mapped
	}
	return m, err
}

// storedTypes are the types that the backend reads as they are.
var storedTypes = map[*checkpoint.Type]dtypes.DType{
	checkpoint.F32: dtypes.Float32, checkpoint.BF16: dtypes.BFloat16, checkpoint.F16: dtypes.Float16,
}

func storedValue(b *cpu.Backend, t checkpoint.Tensor) (*tensors.Tensor, error) {
	dtype, ok := storedTypes[t.Type]
	if !ok || len(t.Shape) != 2 && dtype != dtypes.Float32 {
		values, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		t, dtype = checkpoint.NewTensor(t.Name, t.Shape, values), dtypes.Float32
	}
	raw, file := t.Raw()
	buffer, err := b.Map(shapes.Make(dtype, t.Shape...), raw, file)
	if err != nil {
		return nil, err
	}
	return tensors.FromBuffer(buffer)
}

// float32Value returns a copy of a tensor's values.
func float32Value(t checkpoint.Tensor) (*tensors.Tensor, error) {
	value := tensors.FromShape(shapes.Make(dtypes.Float32, t.Shape...))
	var failed error
	err := tensors.MutableFlatData(value, func(flat []float32) {
		failed = t.Each(func(from int, values []float32) error { copy(flat[from:], values); return nil })
	})
	if failed != nil {
		err = failed
	}
	return value, err
}

// bfloat16Value returns a tensor's values, those of a matrix rounded to bfloat16.
func bfloat16Value(t checkpoint.Tensor) (*tensors.Tensor, error) {
	if len(t.Shape) != 2 {
		return float32Value(t)
	}
	value := tensors.FromShape(shapes.Make(dtypes.BFloat16, t.Shape...))
	var failed error
	err := tensors.MutableFlatData(value, func(flat []bfloat16.BFloat16) {
		failed = t.Each(func(from int, values []float32) error {
			for i, x := range values {
				flat[from+i] = bfloat16.FromFloat32(x)
			}
			return nil
		})
	})
	if failed != nil {
		err = failed
	}
	return value, err
}
