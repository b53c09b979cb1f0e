package transformer

import (
	"math"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
)

// withHashedAdapter puts an adapter of rank 3 on all projections, far from 0 on both sides.
func withHashedAdapter(t *testing.T, m *Model) *Model {
	t.Helper()
	a, err := InitAdapter(m.Config, 3, 6, m.Config.AdapterTargets(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, tensor := range a.Tensors {
		a.Tensors[i] = checkpoint.NewTensor(tensor.Name, tensor.Shape, hashedWeight(tensor.Name, tensor.Shape))
	}
	adapted, err := m.WithAdapter(a)
	if err != nil {
		t.Fatal(err)
	}
	return adapted
}

// Merged weights compute what weights and adapter compute, and the model below computes as before.
func TestAdapterMerges(t *testing.T) {
	for _, b := range backends(t) {
		for variant, config := range variants(t) {
			t.Run(b.String()+"/"+variant, func(t *testing.T) {
				base := hashed(t, config)
				before := gradients(t, b, base, batch(3, 17, 67))
				adapted := withHashedAdapter(t, base)
				merged, err := adapted.Clone()
				if err != nil {
					t.Fatal(err)
				}
				on := gradients(t, b, adapted, batch(3, 17, 67))[0]
				near(t, "merged", gradients(t, b, merged, batch(3, 17, 67))[0], on, 1e-4)
				if largest(on, before[0]) < 0.1 {
					t.Error("the adapter changes next to nothing")
				}
				for i, after := range gradients(t, b, base, batch(3, 17, 67)) {
					if !slices.Equal(after, before[i]) {
						t.Errorf("result %d of the model with the adapter off changed", i)
					}
				}
				read, err := adapted.Adapter()
				if err != nil || read.Check(base.Config) != nil {
					t.Errorf("reading the adapter back: %v, %v", err, read.Check(base.Config))
				}
			})
		}
	}
}

// A new adapter changes nothing, to the bit, and is PEFT's: B is 0 and A uniform in ±1/√in.
func TestInitAdapter(t *testing.T) {
	b, base := backends(t)[0], hashed(t, tiny())
	a, err := InitAdapter(base.Config, 8, 16, []string{"v_proj", "q_proj"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Tensors) != 2*2*2 || a.Scale() != 2 {
		t.Errorf("%d tensors and scale %g, expected 8 and 2", len(a.Tensors), a.Scale())
	}
	for _, tensor := range a.Tensors {
		values := lidrtest.Values(t, tensor)
		if strings.HasSuffix(tensor.Name, ".lora_B.weight") {
			if slices.ContainsFunc(values, func(x float32) bool { return x != 0 }) {
				t.Errorf("%s is not 0", tensor.Name)
			}
			continue
		}
		sum, bound := 0.0, 1/math.Sqrt(float64(tensor.Shape[1]))
		for _, x := range values {
			sum += float64(x) * float64(x)
		}
		if std := math.Sqrt(sum / float64(len(values))); math.Abs(std*math.Sqrt(3)/bound-1) > 0.1 ||
			slices.Max(values) > float32(bound) {
			t.Errorf("%s has standard deviation %g, expected %g/√3", tensor.Name, std, bound)
		}
	}
	adapted, err := base.WithAdapter(a)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(gradients(t, b, adapted, batch(3, 17, 67))[0], gradients(t, b, base, batch(3, 17, 67))[0]) {
		t.Error("a new adapter changes the log-probabilities")
	}
	if _, err := adapted.WithAdapter(a); err == nil {
		t.Error("a second adapter goes on top of the first")
	}
	if _, err := InitAdapter(base.Config, 0, 16, a.Targets, 1); err == nil || !strings.Contains(err.Error(), "r is 0") {
		t.Errorf("rank 0 gives error %v", err)
	}
}

func largest(a, b []float32) (difference float64) {
	for i := range a {
		difference = max(difference, math.Abs(float64(a[i]-b[i])))
	}
	return difference
}
