package cpu

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// buffer is a tensor in the backend's memory: row-major, dense, aligned to 64 bytes.
type buffer struct {
	backend *Backend
	shape   shapes.Shape
	mem     []byte // nil once finalized or donated
}

var _ compute.Buffer = (*buffer)(nil)

// align is the alignment of every block of memory: one cache line, one AVX-512 register.
const align = 64

// memory hands out aligned blocks and takes them back: a training step asks for the same sizes again and again.
// At most keepBlocks free blocks of one size are kept; the rest go to the garbage collector.
type memory struct {
	mu   sync.Mutex
	free map[int][][]byte
}

const keepBlocks = 8

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// get returns a block of n bytes whose contents are unspecified. Its capacity is n rounded up to a whole number of cache lines.
func (m *memory) get(n int) []byte {
	size := max(roundUp(n, align), align)
	m.mu.Lock()
	if list := m.free[size]; len(list) > 0 {
		block := list[len(list)-1]
		m.free[size] = list[:len(list)-1]
		m.mu.Unlock()
		return block[:n]
	}
	m.mu.Unlock()
	raw := make([]byte, size+align)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (align - 1))
	return raw[skip : skip+n : skip+size]
}

// put gives a block back. Nobody may use it afterwards.
func (m *memory) put(block []byte) {
	size := cap(block)
	if size == 0 || size%align != 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.free == nil {
		m.free = map[int][][]byte{}
	}
	if len(m.free[size]) < keepBlocks {
		m.free[size] = append(m.free[size], block)
	}
}

func (m *memory) clear() {
	m.mu.Lock()
	m.free = nil
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
	if b.mem != nil && !b.backend.IsFinalized() {
		b.backend.buffers.put(b.mem)
	}
	b.mem = nil
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
	return shapes.UnsafeSliceForDType(b.shape.DType, unsafe.Pointer(unsafe.SliceData(b.mem)), b.shape.Size()), nil
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
		return nil, errors.Errorf("backend cpu: a buffer of shape %s needs a slice of %d × %s, got %T", shape, shape.Size(), shape.DType.GoType(), flat)
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
