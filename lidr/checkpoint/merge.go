package checkpoint

import (
	"cmp"
	"maps"
	"slices"
)

// Merge returns a checkpoint with the adapter merged into its weights: W + (alpha/r)·B·A, computed in float32 whenever
// they are read, a part at a time, so that a merged model takes no memory of its own. Weights that the adapter does not
// change are shared with c.
func (a *Adapter) Merge(c *Checkpoint) (*Checkpoint, error) {
	if err := a.Check(c.Config); err != nil {
		return nil, err
	}
	out := &Checkpoint{
		Config: c.Config, Tensors: slices.Clone(c.Tensors), Files: maps.Clone(c.Files), Below: c, Adapter: a,
	}
	for i, w := range c.Tensors {
		nameA, nameB, ok := a.Adapted(w.Name)
		if !ok {
			continue
		}
		matrixA, errA := a.Tensor(nameA).Float32s()
		matrixB, errB := a.Tensor(nameB).Float32s()
		if err := cmp.Or(errA, errB); err != nil {
			return nil, err
		}
		sum := &lowRank{matrix: w, a: matrixA, b: matrixB, rank: a.Rank, scale: float32(a.Scale())}
		out.Tensors[i] = Tensor{Name: w.Name, Shape: w.Shape, Type: computed, sum: sum}
	}
	return out, nil
}

// computed is the type of values that nothing stores.
var computed = &Type{Name: "F32", Block: 1, Bytes: 4}

// lowRank is matrix [out, in] + scale·b·a, of a [rank, in] and b [out, rank].
type lowRank struct {
	matrix Tensor
	a, b   []float32
	rank   int
	scale  float32
}

// widen writes values into dst, from the one of that index on, which begins a block of the matrix. Each is the matrix's
// plus one product after another, in the order of the ranks.
func (l *lowRank) widen(dst []float32, from int) error {
	if err := l.matrix.widen(dst, from); err != nil {
		return err
	}
	in, factors := l.matrix.Shape[1], make([]float32, l.rank) // of a row's products
	for len(dst) > 0 {
		row, column := from/in, from%in
		part := dst[:min(in-column, len(dst))]
		for r := range factors {
			factors[r] = l.scale * l.b[row*l.rank+r]
		}
		r := 0
		for ; r+4 <= l.rank; r += 4 { // four at a time read and write the sums once
			f := factors[r : r+4]
			a0, a1 := l.a[r*in+column:][:len(part)], l.a[(r+1)*in+column:][:len(part)]
			a2, a3 := l.a[(r+2)*in+column:][:len(part)], l.a[(r+3)*in+column:][:len(part)]
			for j, x := range part {
				x += f[0] * a0[j]
				x += f[1] * a1[j]
				x += f[2] * a2[j]
				part[j] = x + f[3]*a3[j]
			}
		}
		for ; r < l.rank; r++ {
			for j, a := range l.a[r*in+column:][:len(part)] {
				part[j] += factors[r] * a
			}
		}
		dst, from = dst[len(part):], from+len(part)
	}
	return nil
}
