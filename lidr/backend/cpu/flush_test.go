package cpu

import (
	"testing"
	"unsafe"
)

// Assembly kernels read and write subnormal numbers as 0, and Go's own arithmetic has them again afterwards.
func TestSubnormalsAreFlushed(t *testing.T) {
	if kernels.name == plainGo.name {
		t.Skip("the plain Go kernels compute with subnormal numbers")
	}
	small, tiny := []float32{1e-30, 1e-30}, []float32{1e-40, 1}
	at := func(x []float32) unsafe.Pointer { return unsafe.Pointer(&x[0]) }
	got := make([]float32, 2)
	kernels.tile["MulVV"](&tileArgs{dst: at(got), a: at(small), b: at(small), n: 2, rows: 1}) // 1e-60 is 0 anyway
	kernels.tile["AddVV"](&tileArgs{dst: at(got), a: at(tiny), b: at(got), n: 2, rows: 1})
	if got[0] != 0 || got[1] != 1 {
		t.Errorf("1e-40 + 0 and 1 + 0 are %v, expected 0 and 1", got)
	}
	panel := make([]float32, kernels.micro.width)
	panel[0] = 1e-20
	kernels.micro.run[len(kernels.micro.run)-1](&gemmArgs{k: 1, a: at(panel), b: at(panel), c: at(got), cols: 1})
	if got[0] != 0 {
		t.Errorf("a product of 1e-40 is %v, expected 0", got[0])
	}
	if tiny[0]+tiny[0] == 0 {
		t.Error("a kernel left its mode behind")
	}
}
