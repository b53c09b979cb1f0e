package cpu

import (
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// Reserved is memory of zeros that costs nothing until it is written: a cache has one shape, for which graphs are
// compiled once, and grows without being copied.
type Reserved struct {
	backend *Backend
	shape   shapes.Shape
	mem     []byte
}

// Reserve returns room for a tensor. It must be released.
func (b *Backend) Reserve(shape shapes.Shape) (*Reserved, error) {
	if err := checkShape(shape); err != nil {
		return nil, err
	}
	mem, err := reserve(shape.Size() * shape.DType.Size())
	if err != nil {
		return nil, errors.Wrapf(err, "backend cpu: reserve memory for %s", shape)
	}
	return &Reserved{b, shape, mem}, nil
}

// Buffer returns the tensor over the reserved memory. A computation that it is donated to writes there; its end frees
// nothing.
func (r *Reserved) Buffer() compute.Buffer {
	return &buffer{backend: r.backend, shape: r.shape, mem: r.mem, lent: true}
}

// Bytes returns the memory.
func (r *Reserved) Bytes() []byte { return r.mem }

// Forget makes the bytes from lo to hi zeros again, and returns those pages of memory to the system that lie between
// them whole.
func (r *Reserved) Forget(lo, hi int) {
	base := int(uintptr(unsafe.Pointer(unsafe.SliceData(r.mem))))
	from, to := roundUp(base+lo, osPage)-base, (base+hi)/osPage*osPage-base
	if from >= to || !forget(r.mem[from:to]) {
		clear(r.mem[lo:hi])
		return
	}
	clear(r.mem[lo:from])
	clear(r.mem[to:hi])
}

// Release returns all of the memory. No tensor over it may be used afterwards.
func (r *Reserved) Release() error {
	mem := r.mem
	r.mem = nil
	return release(mem)
}
