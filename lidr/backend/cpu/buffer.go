package cpu

import (
	"reflect"
	"slices"
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"lidrlab/lidr/input"
)

// buffer is a tensor: row-major, dense, in the backend's memory, aligned to 64 bytes, or in foreign memory that is only
// read, aligned to its elements (mapped.go).
type buffer struct {
	backend *Backend
	shape   shapes.Shape
	mem     []byte         // nil once finalized or donated
	foreign bool           // mem is not the backend's
	lent    bool           // mem is written to, and another's to free (reserve.go)
	file    *input.Content // that mem is mapped from, nil for none
}

var _ compute.Buffer = (*buffer)(nil)

// align is the alignment of every block of memory: one cache line, one AVX-512 register.
const align = 64

// memory is a pool of aligned blocks: every training step needs blocks of the same sizes. Free blocks beyond keepBlocks
// of one size or keepBytes in all are left to the garbage collector, and a block of a size that is not there costs the
// pool its oldest ones: a cache that grows through many sizes never holds more than the largest of them.
type memory struct {
	mu     sync.Mutex
	free   map[int][]freeBlock // by size, the oldest first
	kept   int                 // bytes in free
	puts   int                 // blocks returned so far
	arenas [][]byte            // free arenas, smallest first
}

type freeBlock struct {
	mem   []byte
	since int // the number of blocks that were returned before it
}

const (
	keepBlocks = 8
	keepBytes  = 1 << 30
	keepArenas = 4
	smallBlock = 64 << 10 // bytes up to which a new block is too small to make room for
)

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// get returns a block of n bytes whose contents are unspecified. Its capacity is n rounded up to a whole number of
// cache lines.
func (m *memory) get(n int) []byte {
	size := max(roundUp(n, align), align)
	m.mu.Lock()
	if list := m.free[size]; len(list) > 0 {
		block := list[len(list)-1].mem
		list[len(list)-1] = freeBlock{}
		m.free[size] = list[:len(list)-1]
		m.kept -= size
		m.mu.Unlock()
		return block[:n]
	}
	if size > smallBlock {
		m.drop(size)
	}
	m.mu.Unlock()
	return newBlock(size)[:n]
}

// drop leaves the oldest free blocks, of n bytes or more together, to the garbage collector.
func (m *memory) drop(n int) {
	for n > 0 && m.kept > 0 {
		oldest := 0
		for size, list := range m.free {
			if len(list) > 0 && (oldest == 0 || list[0].since < m.free[oldest][0].since) {
				oldest = size
			}
		}
		m.free[oldest] = slices.Delete(m.free[oldest], 0, 1)
		m.kept -= oldest
		n -= oldest
	}
}

// newBlock allocates size bytes at a multiple of align.
func newBlock(size int) []byte {
	raw := make([]byte, size+align)
	huge(raw)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (align - 1))
	return raw[skip : skip+size : skip+size]
}

// put returns a block to the pool. It must not be used afterwards.
func (m *memory) put(block []byte) {
	size := cap(block)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.free[size]) >= keepBlocks || m.kept+size > keepBytes {
		return
	}
	if m.free == nil {
		m.free = map[int][]freeBlock{}
	}
	m.free[size] = append(m.free[size], freeBlock{block, m.puts})
	m.puts++
	m.kept += size
}

// getArena returns a block of at least n bytes: the smallest free one that is large enough. If there is none, the
// largest free one is dropped for a new one, so that executables of many shapes take turns in one arena that has the
// size of the largest.
func (m *memory) getArena(n int) []byte {
	m.mu.Lock()
	i, _ := slices.BinarySearchFunc(m.arenas, n, func(a []byte, n int) int { return len(a) - n })
	if i < len(m.arenas) {
		block := m.arenas[i]
		m.arenas = slices.Delete(m.arenas, i, i+1)
		m.mu.Unlock()
		return block
	}
	if i > 0 {
		m.arenas = slices.Delete(m.arenas, i-1, i)
	}
	m.mu.Unlock()
	return newBlock(max(roundUp(n, align), align))
}

// putArena returns an arena to the pool.
func (m *memory) putArena(block []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, _ := slices.BinarySearchFunc(m.arenas, len(block), func(a []byte, n int) int { return len(a) - n })
	m.arenas = slices.Insert(m.arenas, i, block)
	if len(m.arenas) > keepArenas {
		m.arenas = slices.Delete(m.arenas, 0, 1)
	}
}

func (m *memory) clear() {
	m.mu.Lock()
	m.free, m.arenas, m.kept = nil, nil, 0
	m.mu.Unlock()
}

// Backend implements compute.Buffer.
func (b *buffer) Backend() compute.Backend { return b.backend }

// Shape implements compute.Buffer.
func (b *buffer) Shape() (shapes.Shape, error) { return b.shape, nil }

// DeviceNum implements compute.Buffer.
func (b *buffer) DeviceNum() (compute.DeviceNum, error) { return 0, nil }

// Finalize implements compute.Buffer; finalizing twice, or after a donation, does nothing.
func (b *buffer) Finalize() error {
	if b.mem != nil && !b.foreign && !b.lent && !b.backend.IsFinalized() {
		b.backend.buffers.put(b.mem)
	}
	b.mem, b.file = nil, nil
	return nil
}

// Data implements compute.Buffer: the flat Go slice over the buffer's own memory.
func (b *buffer) Data() (any, error) {
	if b.mem == nil {
		return nil, errors.Errorf("backend cpu: buffer %s was finalized or donated", b.shape)
	}
	if b.shape.Size() == 0 {
		return reflect.MakeSlice(reflect.SliceOf(b.shape.DType.GoType()), 0, 0).Interface(), nil
	}
	start := unsafe.Pointer(unsafe.SliceData(b.mem))
	return dtypes.UnsafeAnySliceFromBytes(start, b.shape.DType, b.shape.Size()), nil
}

// ToFlatData implements compute.Buffer.
func (b *buffer) ToFlatData(flat any) error {
	dst, err := bytesOf(flat, b.shape)
	if err != nil {
		return err
	}
	if b.mem == nil {
		return errors.Errorf("backend cpu: buffer %s was finalized or donated", b.shape)
	}
	copy(dst, b.mem)
	return nil
}

// CopyToDevice implements compute.Buffer: there is one device only.
func (b *buffer) CopyToDevice(compute.DeviceNum) (compute.Buffer, error) {
	return nil, errors.New("backend cpu: CopyToDevice: there is only one device")
}

// BufferFromFlatData implements compute.DataInterface.
func (b *Backend) BufferFromFlatData(_ compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	src, err := bytesOf(flat, shape)
	if err != nil {
		return nil, err
	}
	out := &buffer{backend: b, shape: shape, mem: b.buffers.get(len(src))}
	copy(out.mem, src)
	return out, nil
}

// HasSharedBuffers implements compute.DataInterface: buffers are ordinary Go memory.
func (b *Backend) HasSharedBuffers() bool { return true }

// NewSharedBuffer implements compute.DataInterface. The memory is zeroed.
func (b *Backend) NewSharedBuffer(_ compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	if err := checkShape(shape); err != nil {
		return nil, nil, err
	}
	out := &buffer{backend: b, shape: shape, mem: b.buffers.get(shape.Size() * shape.DType.Size())}
	clear(out.mem)
	flat, err := out.Data()
	return out, flat, err
}

// bytesOf returns the bytes of a flat slice after checking that it holds exactly a tensor of the given shape.
func bytesOf(flat any, shape shapes.Shape) ([]byte, error) {
	if err := checkShape(shape); err != nil {
		return nil, err
	}
	v := reflect.ValueOf(flat)
	if v.Kind() != reflect.Slice || v.Type().Elem() != shape.DType.GoType() || v.Len() != shape.Size() {
		return nil, errors.Errorf("backend cpu: a buffer of shape %s needs a slice of %d × %s, got %T", shape, shape.Size(),
			shape.DType.GoType(), flat)
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*shape.DType.Size()), nil
}

func checkShape(shape shapes.Shape) error {
	if !supportedDTypes[shape.DType] {
		return errors.Wrapf(compute.ErrNotImplemented, "backend cpu: dtype %s", shape.DType)
	}
	if shape.IsDynamic() {
		return errors.Wrapf(compute.ErrNotImplemented, "backend cpu: dynamic shape %s", shape)
	}
	return nil
}
