package cpu

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Equal operations are recorded once, but not across a barrier: gradient checkpointing computes a layer's activations
// again from values after a barrier, and would save no memory if they were taken for those of the forward pass.
func TestBarriersKeepEqualOperationsApart(t *testing.T) {
	b, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	f := b.Builder("barriers").Main()
	x, err := f.Parameter("x", shapes.Make(dtypes.Float32, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	exp := func(v compute.Value) compute.Value {
		y, err := f.Exp(v)
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	first := exp(x)
	fenced, err := f.OptimizationBarrier(x, first)
	if err != nil {
		t.Fatal(err)
	}
	later, err := f.SchedulingBarrier(x, first)
	if err != nil {
		t.Fatal(err)
	}
	if exp(x) != first || exp(fenced[0]) == first || exp(later) == first || exp(later) == exp(fenced[0]) {
		t.Error("the exponential of x must be one node, and that of each barrier one of its own")
	}
}
