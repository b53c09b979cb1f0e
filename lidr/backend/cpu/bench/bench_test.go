//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
)

// Sides take turns, the median of each counts, one that fails is noted once and left out, and so is one that does not
// do the work of the line.
func TestSidesTakeTurns(t *testing.T) {
	var order []string
	values := map[string][]float64{"a": {3, 1, 2}, "b": {5, 6, 4}}
	take := func(name string) side {
		return side{name: name, measure: func(l line) (outcome, error) {
			order = append(order, name)
			if name == "fails" {
				return outcome{}, errors.New("no memory")
			}
			return outcome{value: values[name][l.round]}, nil
		}}
	}
	b := bench{rounds: 3}
	got := b.measureLine(line{name: "work", unit: "s", without: "idle"},
		[]side{take("a"), take("fails"), take("b"), take("idle")})
	if want := []string{"a", "fails", "b", "a", "b", "a", "b"}; !slices.Equal(order, want) {
		t.Errorf("the order was %v, expected %v", order, want)
	}
	if len(got) != 2 || got["a"].value != 2 || got["b"].value != 5 {
		t.Errorf("the medians are %v, expected 2 and 5", got)
	}
	if want := []string{"work, fails: no memory"}; !slices.Equal(b.notes, want) {
		t.Errorf("the notes are %q, expected %q", b.notes, want)
	}
}

// The limits, worked by hand. At 10 GB/s and 100 GFLOP/s a model of 1 GB and 0.4 G parameters in products, a tenth of
// them for logits, answers one at a time in 0.1 s a token; of 64 at once a token takes 0.008 s by its products, and as
// much again less the logits' part for its prompt token.
func TestDecodingLimit(t *testing.T) {
	m, s := machine{read: 10, gflops: 100}, shape{body: 0.36e9, head: 0.04e9}
	for _, c := range []struct {
		batch        int
		prompt, want float64
	}{{1, 0, 10}, {64, 0, 125}, {64, 1, 1 / (0.008 + 0.0072)}} {
		if got := m.decoding(s, 1e9, c.batch, c.prompt); got < c.want*0.999 || got > c.want*1.001 {
			t.Errorf("%d at once, %g tokens of prompt: %g tokens a second, expected %g", c.batch, c.prompt, got, c.want)
		}
	}
}

// A folder of random weights is a checkpoint of the shape that was asked for, with norms of one.
func TestRandomModel(t *testing.T) {
	sizes["tiny"] = growthConfig(64, 2, 4, 2, 96, 2048)
	defer delete(sizes, "tiny")
	dir, _, err := new(bench).randomModel("tiny")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c, err := checkpoint.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	parameters := 0
	for _, tensor := range c.Tensors {
		values, err := tensor.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		parameters += len(values)
		other := func(x float32) bool { return x != 1 }
		if strings.HasSuffix(tensor.Name, "norm.weight") && slices.ContainsFunc(values, other) {
			t.Errorf("%s is not one", tensor.Name)
		}
	}
	products := shapeOf(c.Config)
	if norms := 5 * 64; parameters != int(products.all)+norms {
		t.Errorf("%s holds %d parameters, expected %g in products and %d in norms", filepath.Base(dir), parameters,
			products.all, norms)
	}
}
