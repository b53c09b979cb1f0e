package cpu

import (
	"unsafe"

	"github.com/gomlx/compute/dtypes"
)

// Weights may be held in half precision (bfloat16, float16); computations are in float32. They make no float32 copy of
// a weight: a product widens its operand as it reads it, a panel at a time when packing, or a vector at a time in dot
// products. Its result has the same bits as the product of the widened weight.

// halfTypes names the half-precision types as tile kernels do.
var halfTypes = map[dtypes.DType]string{dtypes.BFloat16: "BF16", dtypes.Float16: "F16"}

// half reports whether values of this dtype are only stored, and computations use float32.
func half(d dtypes.DType) bool { return halfTypes[d] != "" }

// view returns the view that an operation reads as the value of node n. A conversion from half precision to float32 is
// a view of the narrow elements, which products read; for all other operations it is computed here, once.
func (l *lowerer) view(n *node) view {
	w := l.views[n]
	if half(w.val.dtype) && n.shape.DType == dtypes.Float32 {
		narrow := l.dense(w)
		w = l.emit("Convert", n.shape, []view{narrow}, func(x *execution, out *value) {
			widen := kernels.tile["From"+halfTypes[narrow.val.dtype]+"V"]
			tasks, bounds := split(narrow.size(), copyGrain, 64)
			x.parallel(tasks, func(task int, w *workspace) {
				lo, hi := bounds(task)
				w.tile = tileArgs{dst: unsafe.Add(x.base[out.id], lo*4), a: unsafe.Add(x.ptr(narrow), lo*2), n: hi - lo, rows: 1}
				widen(&w.tile)
			})
		})
		l.views[n] = w
	}
	return w
}

// source is the right-hand side of a product, in float32, half precision or blocks.
type source struct {
	matrix
	dtype  dtypes.DType
	blocks *blockType // nil for none
	k0     int        // of blocks: the place along k
}

func (s source) at(i, j int) source {
	if s.blocks != nil {
		return s.atBlocks(i, j)
	}
	s.p = unsafe.Add(s.p, (i*s.row+j*s.col)*s.dtype.Size())
	return s
}

// pack packs the source as packB does. scratch holds mBlock × kc float32.
func (s source) pack(kc, nc int, pack, scratch unsafe.Pointer, ws *workspace) {
	if s.dtype == dtypes.Float32 {
		packB(s.matrix, kc, nc, pack, ws)
		return
	}
	name, width, t := halfTypes[s.dtype], kernels.micro.width, &ws.tile
	widen, transpose16 := kernels.tile["From"+name+"V"], kernels.transpose16[name]
	for j := 0; j < nc; j += width {
		w := min(width, nc-j)
		src, dst := s.at(0, j), unsafe.Add(pack, j*kc*4)
		switch {
		case s.col == 1:
			*t = tileArgs{dst: dst, a: src.p, n: w, rows: kc, strideDst: width * 4, strideA: s.row * 2}
			widen(t)
		case s.row == 1 && transpose16 != nil && w%16 == 0 && kc%16 == 0:
			for c := 0; c < w; c += 16 {
				ws.turn = transposeArgs{unsafe.Add(dst, c*4), src.at(0, c).p, kc / 16, width * 4, s.col * 2}
				transpose16(&ws.turn)
			}
		case s.row == 1: // widened in rows, then transposed
			*t = tileArgs{dst: scratch, a: src.p, n: kc, rows: w, strideDst: kc * 4, strideA: s.col * 2}
			widen(t)
			packTransposed(f32(dst, width*kc), matrix{scratch, 1, kc}, kc, w, &ws.turn)
		default: // one column at a time
			for c := range w {
				*t = tileArgs{dst: unsafe.Add(dst, c*4), a: src.at(0, c).p, n: 1, rows: kc, strideDst: width * 4,
					strideA: s.row * 2}
				widen(t)
			}
		}
	}
}

// goHalf adds the plain Go kernels that read a half-precision type.
func goHalf[H interface{ Float32() float32 }](k tileMap, name string) {
	k["From"+name+"V"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			d := f32(dst, t.n)
			for i, v := range unsafe.Slice((*H)(a), t.n) {
				d[i] = v.Float32()
			}
		})
	}
}
