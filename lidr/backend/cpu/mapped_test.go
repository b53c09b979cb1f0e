//go:build unix

package cpu_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/input"
)

// A product by a weight in a mapped file is that of the weight in memory, a donation leaves the file's memory alone,
// and memory that cannot be read is an error that names the file, whichever thread reads it.
func TestMappedWeights(t *testing.T) {
	const n = 512
	weight := make([]float32, n*n)
	for i := range weight {
		weight[i] = float32(math.Sin(float64(i)))
	}
	shape, path := shapes.Make(dtypes.Float32, n, n), filepath.Join(t.TempDir(), "model.safetensors")
	data := unsafe.Slice((*byte)(unsafe.Pointer(&weight[0])), 4*len(weight))
	if err := os.WriteFile(path, append(make([]byte, 4), data...), 0o644); err != nil { // not at a cache line
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := input.Map(f)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, "cpu:threads=4").(*cpu.Backend)
	if _, err := b.Map(shape, file.Data[2:2+4*n*n], file); err == nil {
		t.Error("a weight between two elements is accepted")
	}
	mapped, err := b.Map(shape, file.Data[4:], file)
	if err != nil {
		t.Fatal(err)
	}
	inMemory, err := b.BufferFromFlatData(0, weight, shape)
	if err != nil {
		t.Fatal(err)
	}
	main := b.Builder("product").Main()
	w, err := main.Parameter("w", shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	y, err := main.DotGeneral(w, []int{1}, nil, w, []int{1}, nil, compute.DotGeneralConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := main.Return([]compute.Value{y}, nil); err != nil {
		t.Fatal(err)
	}
	e, err := main.Builder().Compile()
	if err != nil {
		t.Fatal(err)
	}
	run := func(w compute.Buffer, donate bool) ([]float32, error) {
		out, err := e.Execute([]compute.Buffer{w}, []bool{donate}, 0)
		if err != nil {
			return nil, err
		}
		got := make([]float32, n*n)
		return got, out[0].ToFlatData(got)
	}
	want, err := run(inMemory, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, donate := range []bool{false, true} {
		if got, err := run(mapped, donate); err != nil || !slices.Equal(got, want) {
			t.Errorf("donated %v: error %v, or another product than of the weight in memory", donate, err)
		}
	}
	mapped, err = b.Map(shape, file.Data[4:], file)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mprotect(file.Data, syscall.PROT_NONE); err != nil { // as a disk that fails
		t.Fatal(err)
	}
	if _, err := run(mapped, false); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if got, err := run(inMemory, false); err != nil || !slices.Equal(got, want) {
		t.Errorf("after a failure: error %v, or another product", err)
	}
}
