package cpu

import (
	"fmt"
	"maps"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/pkg/errors"
)

// Name under which the backend registers itself with GoMLX.
const Name = "cpu"

func init() {
	compute.Register(Name, func(config string) (compute.Backend, error) { return New(config) })
}

// Backend implements compute.Backend on the processor's vector units. It is safe for concurrent use.
type Backend struct {
	threads    int
	buffers    memory
	workspaces sync.Pool
	finalized  atomic.Bool
}

// New returns the backend. config is "" (as many threads as GOMAXPROCS) or "threads=N".
// Results do not depend on the number of threads, to the bit.
func New(config string) (*Backend, error) {
	b := &Backend{threads: runtime.GOMAXPROCS(0), workspaces: sync.Pool{New: func() any { return new(workspace) }}}
	if config != "" {
		const key = "threads="
		n, err := 0, error(nil)
		if len(config) > len(key) && config[:len(key)] == key {
			n, err = strconv.Atoi(config[len(key):])
		}
		if err != nil || n < 1 {
			return nil, errors.Errorf("backend cpu: configuration %q: want \"\" or \"threads=N\" with N ≥ 1", config)
		}
		b.threads = n
	}
	return b, nil
}

// Name implements compute.Backend.
func (b *Backend) Name() string { return Name }

// String implements compute.Backend.
func (b *Backend) String() string { return Name }

// Description implements compute.Backend.
func (b *Backend) Description() string {
	return fmt.Sprintf("lidr's CPU backend (%s kernels, %d threads)", kernels.name, b.threads)
}

// NumDevices implements compute.Backend: the processor is one device.
func (b *Backend) NumDevices() int { return 1 }

// DeviceDescription implements compute.Backend.
func (b *Backend) DeviceDescription(compute.DeviceNum) string { return b.Description() }

// Capabilities implements compute.Backend.
func (b *Backend) Capabilities() compute.Capabilities {
	return compute.Capabilities{Operations: maps.Clone(supportedOps), DTypes: maps.Clone(supportedDTypes)}
}

// Builder implements compute.Backend.
func (b *Backend) Builder(name string) compute.Builder { return newBuilder(b, name) }

// Finalize implements compute.Backend: it drops the pooled memory.
func (b *Backend) Finalize() {
	b.finalized.Store(true)
	b.buffers.clear()
}

// Trim leaves pooled memory to the garbage collector, as before a pause.
func (b *Backend) Trim() { b.buffers.clear() }

// IsFinalized implements compute.Backend.
func (b *Backend) IsFinalized() bool { return b.finalized.Load() }

var supportedDTypes = map[dtypes.DType]bool{
	dtypes.Bool: true, dtypes.Float32: true, dtypes.Float64: true, dtypes.BFloat16: true, dtypes.Float16: true,
	dtypes.Int8: true, dtypes.Int16: true, dtypes.Int32: true, dtypes.Int64: true,
	dtypes.Uint8: true, dtypes.Uint16: true, dtypes.Uint32: true, dtypes.Uint64: true,
}

var supportedOps = map[compute.OpType]bool{}

func init() {
	for _, op := range []compute.OpType{
		compute.OpTypeParameter, compute.OpTypeConstant, compute.OpTypeIdentity, compute.OpTypeOptimizationBarrier,
		compute.OpTypeSchedulingBarrier, compute.OpTypeIota, compute.OpTypeRNGBitGenerator, compute.OpTypeConvertDType,
		compute.OpTypeBitcast, compute.OpTypeWhere, compute.OpTypeClamp, compute.OpTypeReshape, compute.OpTypeTranspose,
		compute.OpTypeBroadcastInDim, compute.OpTypeSlice, compute.OpTypeReverse, compute.OpTypeConcatenate,
		compute.OpTypePad, compute.OpTypeGather, compute.OpTypeScatterSum, compute.OpTypeScatterMax, compute.OpTypeScatterMin,
		compute.OpTypeDynamicSlice, compute.OpTypeDynamicUpdateSlice, compute.OpTypeArgMinMax, compute.OpTypeDotGeneral,
		compute.OpTypeFusedSoftmax, compute.OpTypeFusedScaledDotProductAttention,
		compute.OpTypeFusedScaledDotProductAttentionVJP, compute.OpTypeFusedQuantizedDense,
		compute.OpTypeQuantizedEmbeddingLookup, compute.OpTypeReduceSum, compute.OpTypeReduceMax,
		compute.OpTypeReduceMin, compute.OpTypeReduceProduct, compute.OpTypeReduceLogicalAnd, compute.OpTypeReduceLogicalOr,
		compute.OpTypeReduceLogicalXor, compute.OpTypeReduceBitwiseAnd, compute.OpTypeReduceBitwiseOr,
		compute.OpTypeReduceBitwiseXor,
	} {
		supportedOps[op] = true
	}
	maps.Copy(supportedOps, unaryOps)
	maps.Copy(supportedOps, binaryOps)
	maps.Copy(supportedOps, comparisonOps)
}
