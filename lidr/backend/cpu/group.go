package cpu

import (
	"github.com/gomlx/compute/dtypes"
)

// A group is a set of operations that one kernel computes tile by tile, so that intermediate values stay in the
// first-level cache. Its domain is a matrix of rows × cols elements in row-major order, on which every member is
//
//   - full: one element for each of the domain (any shape of that size: a reshape changes nothing),
//   - row: one element for each row (a reduction over the last axes, and values computed from it), or
//   - sink: the result of a reduction over the rows or over everything, known only when the group is done.
//
// Softmax, RMSNorm, cross-entropy, SwiGLU, an optimizer's update and their gradients all take this form; there is no
// pattern for any of them.
type group struct {
	at   int // its position in the schedule
	size int // elements of the domain
	cols int // 0 until a row operation fixes it
	fit  int // if cols is 0: a number that cols must divide, from broadcast operands; 0 if there is none
	ops  []groupOp
	// values of older groups that this one computes again rather than reading them from memory
	clones map[*value]*value
}

type role uint8

const (
	noRole role = iota
	full
	row
	sink
)

// opKind is the kind of a group operation.
type opKind uint8

const (
	mapFull   opKind = iota // elementwise on the tile
	mapRow                  // elementwise on the tile's row values
	reduceRow               // full → row
	reduceCol               // full → sink of cols elements
	reduceAll               // full or row → sink of one element
	storeFull               // full → a window of another value (concatenation)
)

type groupOp struct {
	kind   opKind
	kernel string // name of a tile kernel without operand kinds, e.g. "Add", "RowSum"
	dst    *value
	args   []operand
	window view // storeFull: where to
}

// operand is an argument: a member of the group, or memory from outside.
type operand struct {
	val    *value
	member bool
	view   view // external operands only, over the domain (mapFull) or its rows (mapRow)
}

// domain is a group's shape while an operation is checked against it.
type domain struct{ size, cols, fit int }

func (g *group) domain() domain { return domain{g.size, g.cols, g.fit} }

// fix sets the number of columns.
func (d *domain) fix(cols int) bool {
	if d.cols == 0 {
		if d.fit%cols != 0 { // 0 is a multiple of everything
			return false
		}
		d.cols = cols
	}
	return d.cols == cols
}

// minExtent is the shortest run of equal strides that a broadcast operand may cut the domain into without fixing the
// columns for it.
const minExtent = 16

// operand checks whether w can be an operand on the full domain (or on the rows) of group g, nil for a new group.
func (d *domain) operand(g *group, w view, rows bool) (operand, bool) {
	v := w.val
	want := d.size
	if rows {
		want = d.size / d.cols
	}
	if w.size() != want {
		return operand{}, false
	}
	if g != nil && v.group == g {
		if w.off != 0 {
			return operand{}, false
		}
		switch {
		case v.role == full && !rows, v.role == row && rows:
			return operand{val: v, member: true}, w.dense() && v.size == want
		case v.role == row && d.cols > 1 && w.extent()%d.cols == 0:
			dims, strides, inner := w.rows(d.cols)
			ok := inner == 0 && product(dims) == v.size && (len(dims) == 0 || len(dims) == 1 && strides[0] == 1)
			return operand{val: v, member: true}, ok
		}
		return operand{}, false
	}
	if g != nil && v.step >= g.at {
		return operand{}, false
	}
	if w.dense() || w.scalar() {
		return operand{val: v, view: w}, true
	}
	if rows {
		return operand{}, false
	}
	e := w.extent()
	if d.cols != 0 {
		return operand{val: v, view: w}, e%d.cols == 0
	}
	fit := gcd(d.fit, e)
	if g != nil && fit < minExtent && fit < e {
		return operand{}, false
	}
	d.fit = fit
	return operand{val: v, view: w}, true
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// fusedKernel names the tile kernel for an operation on these element types, or "" if it has none.
// swap: with the operands exchanged.
func fusedKernel(n *node) (kernel string, swap bool) {
	in := n.inputs[len(n.inputs)-1].shape.DType
	name, swap := opNames[n.op], false
	switch name {
	case "Gt":
		name, swap = "Lt", true
	case "Ge":
		name, swap = "Le", true
	}
	switch name {
	case "":
		return "", false
	case "Where":
		if in == dtypes.Float32 || in == dtypes.Int32 || in == dtypes.Bool {
			return name, false
		}
		return "", false
	case "Convert":
		return convertKernels[[2]dtypes.DType{in, n.shape.DType}], false
	}
	switch in {
	case dtypes.Float32:
		if boolKernels[name] == "" || floatAndBool[name] {
			return name, swap
		}
	case dtypes.Int32:
		if intKernels[name] {
			return name + "I", swap
		}
	case dtypes.Bool:
		return boolKernels[name], swap
	}
	return "", false
}

var (
	intKernels = map[string]bool{
		"Add": true, "Sub": true, "Mul": true, "Max": true, "Min": true, "Neg": true,
		"Eq": true, "Ne": true, "Lt": true, "Le": true,
	}
	boolKernels  = map[string]string{"And": "Mul", "Or": "Max", "Xor": "Ne", "Not": "Not", "Eq": "Eq", "Ne": "Ne"}
	floatAndBool = map[string]bool{"Eq": true, "Ne": true}

	// loads and stores convert what takes a byte in memory: in a register, bools are 0.0 or 1.0, uint8 are int32.
	// (What a float that is no uint8 becomes is not defined: stored it is cut to eight bits, in a register it is not.)
	loads  = map[dtypes.DType]string{dtypes.Bool: "FromBool", dtypes.Uint8: "FromUint8"}
	stores = map[dtypes.DType]string{dtypes.Bool: "ToBool", dtypes.Uint8: "ToUint8"}

	convertKernels = map[[2]dtypes.DType]string{
		{dtypes.Bool, dtypes.Float32}:  "Copy",
		{dtypes.Int32, dtypes.Float32}: "FromI",
		{dtypes.Float32, dtypes.Int32}: "ToI",
		{dtypes.Bool, dtypes.Int32}:    "ToI",
		{dtypes.Float32, dtypes.Bool}:  "Truth",
		{dtypes.Uint8, dtypes.Float32}: "FromI",
		{dtypes.Float32, dtypes.Uint8}: "ToI",
	}
)
