package cpu

import "unsafe"

// This file runs a group's code.

// at returns the address of a place's first row in a tile that begins at row r0.
func (p *place) at(x *execution, scratch unsafe.Pointer, r0 int) unsafe.Pointer {
	if p.val == nil {
		return unsafe.Add(scratch, p.reg)
	}
	off := p.off
	if len(p.dims) == 0 {
		off += r0 * p.stride
	} else {
		for i := len(p.dims) - 1; i >= 0; i-- {
			off += r0 % p.dims[i] * p.strides[i]
			r0 /= p.dims[i]
		}
	}
	return unsafe.Add(x.base[p.val.id], off)
}

// run executes the group.
func (code *groupCode) run(x *execution) {
	if code.size == 0 {
		return
	}
	tiles := (code.rows + code.tileRows - 1) / code.tileRows
	var partials []float32
	if code.partials > 0 {
		partials = f32(x.base[code.room.id], code.tasks*code.partials)
	}
	x.parallel(code.tasks, func(task int, w *workspace) {
		scratch := unsafe.Pointer(unsafe.SliceData(w.scratch(code.scratch)))
		var mine []float32
		if partials != nil {
			mine = partials[task*code.partials : (task+1)*code.partials]
			for _, s := range code.sinks {
				in := &code.instrs[s]
				for i := range in.width {
					mine[in.partial+i] = in.neutral
				}
			}
		}
		for tile := task * tiles / code.tasks; tile < (task+1)*tiles/code.tasks; tile++ {
			r0 := tile * code.tileRows
			code.tile(x, &w.tile, scratch, mine, r0, min(code.tileRows, code.rows-r0))
		}
	})
	for _, s := range code.sinks {
		in := &code.instrs[s]
		out := f32(x.base[in.sinkVal.id], in.width)
		copy(out, partials[in.partial:in.partial+in.width])
		for task := 1; task < code.tasks; task++ {
			for i, v := range partials[task*code.partials+in.partial:][:in.width] {
				out[i] = in.fold(out[i], v)
			}
		}
	}
}

func (in *instr) fold(a, b float32) float32 {
	switch in.kernel {
	case "RowMax":
		return max(a, b)
	case "RowMin":
		return min(a, b)
	}
	return a + b
}

// tile runs the group's kernels on rows r0 … r0+rows-1.
func (code *groupCode) tile(x *execution, t *tileArgs, scratch unsafe.Pointer, partials []float32, r0, rows int) {
	for i := range code.instrs {
		in := &code.instrs[i]
		if in.load {
			in.runLoad(x, t, scratch, r0, rows, code.cols)
			continue
		}
		*t = tileArgs{n: code.cols, rows: rows}
		t.a, t.strideA = in.args[0].at(x, scratch, r0), in.args[0].stride
		if in.nargs > 1 {
			t.b, t.strideB = in.args[1].at(x, scratch, r0), in.args[1].stride
		}
		if in.nargs > 2 {
			t.c, t.strideC = in.args[2].at(x, scratch, r0), in.args[2].stride
		}
		switch in.kind {
		case mapFull:
			t.dst, t.strideDst = in.dst.at(x, scratch, r0), in.dst.stride
			if in.flat {
				t.n, t.rows = code.cols*rows, 1
			}
		case mapRow:
			t.dst = in.dst.at(x, scratch, r0)
			t.n, t.rows = rows, 1
		case reduceRow:
			t.dst, t.strideDst = in.dst.at(x, scratch, r0), in.dst.stride
		case reduceCol:
			t.b, t.strideB = t.a, t.strideA
			t.a, t.strideA = unsafe.Pointer(&partials[in.partial]), 0
			t.dst = t.a
		case reduceAll:
			t.dst, t.strideDst = in.dst.at(x, scratch, r0), 4
			if in.args[0].stride == 4 { // row values
				t.n, t.rows = rows, 1
			}
			in.run(t)
			for _, v := range f32(t.dst, t.rows) {
				partials[in.partial] = in.fold(partials[in.partial], v)
			}
			continue
		}
		in.run(t)
	}
}

// runLoad copies an operand row by row into a register.
func (in *instr) runLoad(x *execution, t *tileArgs, scratch unsafe.Pointer, r0, rows, cols int) {
	p := &in.args[0]
	dst := in.dst.at(x, scratch, r0)
	base := unsafe.Add(x.base[p.val.id], p.off)
	read := func(dst, from unsafe.Pointer, n int) {
		if in.run == nil {
			copy(f32(dst, n), f32(from, n))
			return
		}
		*t = tileArgs{dst: dst, a: from, n: n, rows: 1}
		in.run(t)
	}
	width := cols
	if in.kind == mapRow || !p.vector {
		width = 1
	}
	if in.run != nil && len(p.dims) == 0 && p.stride == width { // dense bytes
		read(dst, unsafe.Add(base, r0*width), rows*width)
		return
	}
	for r := range rows {
		q := base
		if len(p.dims) == 0 {
			q = unsafe.Add(q, (r0+r)*p.stride)
		} else {
			rest := r0 + r
			for i := len(p.dims) - 1; i >= 0; i-- {
				q = unsafe.Add(q, rest%p.dims[i]*p.strides[i])
				rest /= p.dims[i]
			}
		}
		read(unsafe.Add(dst, r*width*4), q, width)
	}
}
