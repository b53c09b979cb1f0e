package cpu

import (
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"lidrlab/lidr/input"
)

// Map returns a buffer over memory that is not the backend's, such as a weight in a mapped file; file is nil for other
// memory. Nothing is copied, and nothing is written: a donation of the buffer frees nothing. The memory begins at a
// multiple of the size of its elements. Kernels read operands at any such place.
func (b *Backend) Map(shape shapes.Shape, mem []byte, file *input.Content) (compute.Buffer, error) {
	if err := checkShape(shape); err != nil {
		return nil, err
	}
	if want := shape.Size() * shape.DType.Size(); len(mem) != want || want == 0 {
		return nil, errors.Errorf("backend cpu: a buffer of shape %s over %d bytes, want %d and at least 1", shape, len(mem),
			want)
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(mem)))%uintptr(shape.DType.Size()) != 0 {
		return nil, errors.Errorf("backend cpu: a buffer of shape %s over memory that is not aligned to its elements", shape)
	}
	return &buffer{backend: b, shape: shape, mem: mem, foreign: true, file: file}, nil
}

// checkFiles returns the files that inputs are mapped from. One that was written to since is an error: the results
// would be of no model.
func checkFiles(in []*buffer) (files []*input.Content, err error) {
	for _, b := range in {
		if b.file != nil && !slices.Contains(files, b.file) {
			files = append(files, b.file)
		}
	}
	for _, file := range files {
		if err := file.Check(); err != nil {
			return nil, errors.WithMessage(err, "backend cpu")
		}
	}
	return files, nil
}

// run executes the steps. Where inputs are mapped, memory that cannot be read is an error, on every worker.
func (ex *executable) run(x *execution, files []*input.Content) error {
	steps := func() error {
		for _, s := range ex.steps {
			s.run(x)
		}
		return nil
	}
	if len(files) == 0 {
		return steps()
	}
	x.guarded = true
	return input.Guard(steps, files...)
}
