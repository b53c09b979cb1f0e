package plots

import (
	"reflect"
	"slices"
	"testing"

	"gonum.org/v1/plot/vg/draw"
)

// Twelve lines differ in the shape of their points alone, so that neither colour nor dashes are needed.
func TestPointsDiffer(t *testing.T) {
	if len(shapes) < 12 {
		t.Fatalf("%d shapes", len(shapes))
	}
	for i, a := range shapes {
		if slices.ContainsFunc(shapes[:i], func(b draw.GlyphDrawer) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("shape %d, %T, is there twice", i, a)
		}
	}
}
