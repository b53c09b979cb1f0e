package cpu

import (
	"math"
	"slices"
)

// This file turns a finished group into code: a list of tile kernels with the places of their operands.

// tileElements is the size of a tile register: small enough that a dozen stay in the second-level cache, large enough
// that the time of the calls does not matter.
const tileElements = 2048

// place is the location of an operand's rows.
type place struct {
	val    *value // memory, or nil: a tile register
	reg    int    // byte offset of the register in the task's scratch memory
	off    int    // byte offset into val
	stride int    // bytes between rows
	vector bool   // n elements a row, else one that is broadcast
	// outer axes of a broadcast operand whose rows have no single stride (val only), innermost last; strides in bytes
	dims, strides []int
}

// instr is one kernel call on a tile.
type instr struct {
	kind   opKind
	kernel string
	run    func(*tileArgs)
	dst    place
	args   [3]place
	nargs  int
	flat   bool // all rows at once: every operand is dense or one element for all rows
	load   bool // copies an operand into a register, row by row, by run if that is one of bytes
	// reductions over rows:
	sinkVal *value
	partial int // offset of the partial results, in float32
	width   int // number of partial results
	neutral float32
}

// groupCode is a group ready to run.
type groupCode struct {
	size, rows, cols int
	tileRows         int
	tasks            int
	instrs           []instr
	scratch          int    // bytes of tile registers for a task
	partials         int    // float32 of partial results for a task
	room             *value // memory for the partial results of all tasks
	sinks            []int
}

// groupCompiler allocates the tile registers of a group by a linear scan over its operations.
type groupCompiler struct {
	g       *group
	code    *groupCode
	pos     int              // the operation being compiled
	where   map[*value]place // of the members computed so far
	lastUse map[*value]int   // the last operation that reads a member
	loads   map[copyKey]place
	temps   int           // bytes of registers so far
	free    map[int][]int // free registers by size
	held    []heldReg
}

// heldReg is a register in use until the given operation is done.
type heldReg struct{ until, size, reg int }

// compile turns the group into code.
func (g *group) compile() *groupCode {
	cols := g.cols
	if cols == 0 {
		cols = max(g.fit, 1)
	}
	code := &groupCode{size: g.size, cols: cols}
	c := &groupCompiler{g: g, code: code, where: map[*value]place{}, free: map[int][]int{}, lastUse: map[*value]int{},
		loads: map[copyKey]place{}}
	code.rows = g.size / max(cols, 1)
	code.tileRows = max(1, min(code.rows, tileElements/max(cols, 1)))
	for i, op := range g.ops {
		for _, o := range op.args {
			if o.member {
				c.lastUse[o.val] = i
			}
		}
	}
	code.tileRows = c.alignRows(code.tileRows)
	for _, op := range g.ops {
		if op.kind != storeFull {
			continue
		}
		// If nothing else needs the value, compute it where it is stored.
		v := op.args[0].val
		if p := c.memory(op.window); !v.stored && stores[v.dtype] == "" && len(p.dims) == 0 && c.where[v].val == nil {
			c.where[v] = p
		}
	}
	for i := range g.ops {
		c.pos = i
		c.op(&g.ops[i])
		c.release()
	}
	code.scratch = c.temps
	tiles := (code.rows + code.tileRows - 1) / max(code.tileRows, 1)
	const grain = 16 << 10 // elements a task, at least
	maxTasks := 64
	if code.partials > 0 {
		maxTasks = 16
	}
	code.tasks = max(1, min(maxTasks, tiles, g.size/grain))
	return code
}

// alignRows lowers the rows of a tile so that tiles do not straddle the inner row axis of broadcast operands: inside
// one, the rows have a single stride.
func (c *groupCompiler) alignRows(rows int) int {
	best := rows
	for _, op := range c.g.ops {
		for _, o := range op.args {
			if o.member || op.kind == mapRow || o.view.dense() || o.view.scalar() {
				continue
			}
			if dims, _, _ := o.view.rows(c.code.cols); len(dims) > 1 {
				best = gcd(best, dims[len(dims)-1])
			}
		}
	}
	exact := 0 // windows to store to cannot be loaded into registers
	for _, op := range c.g.ops {
		if op.kind == storeFull && !op.window.dense() {
			if dims, _, _ := op.window.rows(c.code.cols); len(dims) > 1 {
				exact = gcd(exact, dims[len(dims)-1])
			}
		}
	}
	if exact > 0 {
		rows = gcd(exact, rows)
		best = gcd(best, rows)
	}
	if best*4 >= rows || best*c.code.cols >= tileElements/4 {
		return best
	}
	return rows
}

// register reserves a tile register until the value's last use.
func (c *groupCompiler) register(elements, until int) int {
	size := roundUp(elements*4, align)
	var r int
	if list := c.free[size]; len(list) > 0 {
		r = list[len(list)-1]
		c.free[size] = list[:len(list)-1]
	} else {
		r = c.temps
		c.temps += size
	}
	c.held = append(c.held, heldReg{until, size, r})
	return r
}

func (c *groupCompiler) release() {
	c.held = slices.DeleteFunc(c.held, func(h heldReg) bool {
		if h.until <= c.pos {
			c.free[h.size] = append(c.free[h.size], h.reg)
			return true
		}
		return false
	})
}

func (c *groupCompiler) fullReg(until int) place {
	return place{reg: c.register(c.code.tileRows*c.code.cols, until), stride: c.code.cols * 4, vector: true}
}

func (c *groupCompiler) rowReg(until int) place {
	return place{reg: c.register(c.code.tileRows, until), stride: 4}
}

// memory is the place of a view over the domain.
func (c *groupCompiler) memory(w view) place {
	size := w.val.dtype.Size()
	p := place{val: w.val, off: w.off * size}
	switch {
	case w.scalar():
	case w.dense():
		p.stride, p.vector = c.code.cols*size, true
	default:
		dims, strides, inner := w.rows(c.code.cols)
		p.vector = inner == 1
		for i := range dims {
			p.dims, p.strides = append(p.dims, dims[i]), append(p.strides, strides[i]*size)
		}
		if k := len(dims); k == 1 {
			p.stride, p.dims, p.strides = p.strides[0], nil, nil
		} else if k > 1 && dims[k-1]%c.code.tileRows == 0 {
			p.stride = p.strides[k-1]
		}
	}
	return p
}

// arg returns an operand's place, loading it into a register if kernels cannot read it in memory.
func (c *groupCompiler) arg(o operand, kind opKind) place {
	if o.member {
		p := c.where[o.val]
		if o.val.role == row && kind != mapRow {
			p.vector = false
		} else if o.val.role == row {
			p.vector = true
		}
		return p
	}
	v, w := o.val, o.view
	p := c.memory(w)
	if kind == mapRow && !w.scalar() {
		p.stride, p.vector = v.dtype.Size(), true
	}
	irregular := len(p.dims) > 1 && p.dims[len(p.dims)-1]%c.code.tileRows != 0
	if !irregular && loads[v.dtype] == "" {
		return p
	}
	key := copyKey{v, w.off, sprint(kind == mapRow, w.dims, w.strides)}
	if q, ok := c.loads[key]; ok {
		return q
	}
	never := len(c.g.ops) // loads are shared by later operations
	var dst place
	if kind == mapRow {
		dst = c.rowReg(never)
		dst.vector = true
	} else if p.vector {
		dst = c.fullReg(never)
	} else {
		dst = c.rowReg(never)
	}
	in := instr{kind: kind, load: true, dst: dst, nargs: 1, run: kernels.tile[loads[v.dtype]+"V"]}
	in.args[0] = p
	c.code.instrs = append(c.code.instrs, in)
	c.loads[key] = dst
	return dst
}

func (c *groupCompiler) op(op *groupOp) {
	in := instr{kind: op.kind, kernel: op.kernel, nargs: len(op.args)}
	kinds := ""
	vectors := 0
	for i, o := range op.args {
		in.args[i] = c.arg(o, op.kind)
		if in.args[i].vector {
			vectors++
		}
	}
	until := c.lastUse[op.dst]
	switch op.kind {
	case reduceRow:
		if !in.args[0].vector {
			in.args[0] = c.spread(in.args[0], op.kind)
		}
		in.dst = c.result(op.dst, until, row)
		c.emit(in, "V")
		return
	case reduceAll:
		in.sinkVal, in.width = op.dst, 1
		if rowsOf := op.args[0]; rowsOf.member && rowsOf.val.role == row {
			in.args[0].vector = true
		} else if !in.args[0].vector {
			in.args[0] = c.spread(in.args[0], op.kind)
		}
		in.dst = c.rowReg(c.pos)
		c.sink(&in)
		return
	case storeFull:
		if in.args[0].val == op.dst { // computed in place
			return
		}
		in.kind, in.dst = mapFull, c.memory(op.window)
		c.emit(in, "V")
		return
	case reduceCol:
		if !in.args[0].vector {
			in.args[0] = c.spread(in.args[0], op.kind)
		}
		in.sinkVal, in.width = op.dst, c.code.cols
		c.sink(&in)
		return
	}
	// Kernels have at most one broadcast operand, which is not the first of a commutative pair.
	if op.kernel == "Where" {
		if !in.args[0].vector {
			in.args[0] = c.spread(in.args[0], op.kind)
		}
		if !in.args[1].vector && !in.args[2].vector {
			in.args[1] = c.spread(in.args[1], op.kind)
		}
	} else if vectors == 0 && !(in.nargs == 1 && op.kernel == "Copy") {
		in.args[0] = c.spread(in.args[0], op.kind)
	}
	for i := range in.nargs {
		if in.args[i].vector {
			kinds += "V"
		} else {
			kinds += "S"
		}
	}
	if kinds == "SV" && kernels.tile[op.kernel+kinds] == nil {
		in.args[0], in.args[1] = in.args[1], in.args[0]
		kinds = "VS"
	}
	r := full
	if op.kind == mapRow {
		r = row
	}
	if store := stores[op.dst.dtype]; op.dst.stored && store != "" { // computed in a register, stored as bytes
		if r == full {
			in.dst = c.fullReg(max(until, c.pos))
		} else {
			in.dst = c.rowReg(max(until, c.pos))
			in.dst.vector = true
		}
		c.where[op.dst] = in.dst
		c.emit(in, kinds)
		out := instr{kind: op.kind, kernel: store, nargs: 1, dst: place{val: op.dst, stride: c.code.cols, vector: true}}
		if r == row {
			out.dst.stride = 1
		}
		out.args[0] = in.dst
		c.emit(out, "V")
		return
	}
	in.dst = c.result(op.dst, max(until, c.pos), r)
	c.emit(in, kinds)
}

// result returns the place that an operation writes to: memory if the value leaves the group, else a register.
func (c *groupCompiler) result(v *value, until int, r role) place {
	p, ok := c.where[v]
	switch {
	case ok:
	case v.stored && r == full:
		p = place{val: v, stride: c.code.cols * 4, vector: true}
	case v.stored:
		p = place{val: v, stride: 4, vector: true}
	case r == full:
		p = c.fullReg(until)
	default:
		p = c.rowReg(until)
		p.vector = true
	}
	c.where[v] = p
	return p
}

// spread copies a broadcast operand into a register of full width.
func (c *groupCompiler) spread(p place, kind opKind) place {
	in := instr{kind: kind, kernel: "Copy", nargs: 1}
	if kind == mapRow {
		in.dst = c.rowReg(c.pos)
		in.dst.vector = true
	} else {
		in.kind = mapFull
		in.dst = c.fullReg(c.pos)
	}
	in.args[0] = p
	c.emit(in, "S")
	return in.dst
}

func (c *groupCompiler) emit(in instr, kinds string) {
	in.run = kernels.tile[in.kernel+kinds]
	if in.run == nil {
		panic("backend cpu: no tile kernel " + in.kernel + kinds)
	}
	if in.kind == mapFull {
		in.flat = true
		for _, p := range append([]place{in.dst}, in.args[:in.nargs]...) {
			size := 4
			if p.val != nil {
				size = p.val.dtype.Size()
			}
			if len(p.dims) > 0 || p.vector && p.stride != c.code.cols*size || !p.vector && p.stride != 0 {
				in.flat = false
			}
		}
	}
	c.code.instrs = append(c.code.instrs, in)
}

// sink appends a reduction over rows, with partial results for each task.
func (c *groupCompiler) sink(in *instr) {
	in.neutral = map[string]float32{
		"RowSum": 0,
		"RowMax": float32(math.Inf(-1)),
		"RowMin": float32(math.Inf(1)),
	}[in.kernel]
	in.partial = c.code.partials
	c.code.partials += in.width
	if in.kind == reduceCol {
		in.run = kernels.tile[map[string]string{"RowSum": "AddVV", "RowMax": "MaxVV", "RowMin": "MinVV"}[in.kernel]]
	} else {
		in.run = kernels.tile[in.kernel+"V"]
	}
	c.code.sinks = append(c.code.sinks, len(c.code.instrs))
	c.code.instrs = append(c.code.instrs, *in)
}
