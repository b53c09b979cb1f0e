package cpu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// node is one operation of a graph under construction. Nodes are numbered in creation order, which is a topological
// order.
type node struct {
	id     int
	op     compute.OpType
	inputs []*node
	shape  shapes.Shape
	attr   any // the operation's own parameters
	output int // which result, for operations with several (each result is a node of its own)
}

// builder collects a graph. Only the main function is supported: no closures, no control flow.
type builder struct {
	notimplemented.Builder
	backend  *Backend
	name     string
	main     *function
	compiled bool
}

var _ compute.Builder = (*builder)(nil)

func newBuilder(backend *Backend, name string) *builder {
	b := &builder{backend: backend, name: name}
	b.main = &function{builder: b, known: map[string]*node{}}
	b.main.ErrFn = func(op compute.OpType) error {
		return errors.Wrapf(compute.ErrNotImplemented, "backend cpu does not implement %s", op)
	}
	return b
}

// Name implements compute.Builder.
func (b *builder) Name() string { return b.name }

// Main implements compute.Builder.
func (b *builder) Main() compute.Function { return b.main }

// NewFunction implements compute.Builder: it always fails.
func (b *builder) NewFunction(name string) (compute.Function, error) {
	return nil, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: function %q: only the main function is supported",
		name)
}

// OpShape implements compute.Builder.
func (b *builder) OpShape(v compute.Value) (shapes.Shape, error) { return b.main.Shape(v) }

// Compile implements compute.Builder.
func (b *builder) Compile() (compute.Executable, error) {
	if b.compiled || b.main.outputs == nil {
		return nil, errors.Errorf("backend cpu: computation %q: Compile needs exactly one Return before it and runs once",
			b.name)
	}
	b.compiled = true
	return compile(b.backend, b.main)
}

// function implements compute.Function: it checks shapes and records nodes, equal nodes once.
type function struct {
	notimplemented.Function
	builder *builder
	nodes   []*node
	known   map[string]*node // common subexpressions by operation, inputs and parameters
	params  []*node
	names   []string
	outputs []*node
}

var _ compute.Function = (*function)(nil)

// Name implements compute.Function.
func (f *function) Name() string { return compute.MainName }

// Builder implements compute.Function.
func (f *function) Builder() compute.Builder { return f.builder }

// Parent implements compute.Function: the main function has none.
func (f *function) Parent() compute.Function { return nil }

// Closure implements compute.Function: it always fails.
func (f *function) Closure() (compute.Function, error) {
	return nil, errors.Wrap(compute.ErrNotImplemented, "backend cpu: closures")
}

// Call implements compute.Function: it always fails.
func (f *function) Call(compute.Function, ...compute.Value) ([]compute.Value, error) {
	return nil, errors.Wrap(compute.ErrNotImplemented, "backend cpu: Call")
}

// Shape implements compute.Function.
func (f *function) Shape(v compute.Value) (shapes.Shape, error) {
	n, err := f.node("Shape", v)
	if err != nil {
		return shapes.Invalid(), err
	}
	return n.shape, nil
}

// node checks that v is a value of this function.
func (f *function) node(op string, v compute.Value) (*node, error) {
	n, ok := v.(*node)
	if !ok || n == nil || n.id >= len(f.nodes) || f.nodes[n.id] != n {
		return nil, errors.Errorf("backend cpu: %s: value %v belongs to another computation", op, v)
	}
	return n, nil
}

func (f *function) castAll(op string, vs ...compute.Value) ([]*node, error) {
	out := make([]*node, len(vs))
	for i, v := range vs {
		n, err := f.node(op, v)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// add records an operation, or finds the equal one recorded before.
func (f *function) add(op compute.OpType, shape shapes.Shape, attr any, inputs ...*node) *node {
	return f.addOutput(op, shape, attr, 0, inputs...)
}

func (f *function) addOutput(op compute.OpType, shape shapes.Shape, attr any, output int, inputs ...*node) *node {
	var key strings.Builder
	fmt.Fprintf(&key, "%d %d %d %v %v", op, output, shape.DType, shape.Dimensions, attr)
	for _, in := range inputs {
		fmt.Fprintf(&key, " #%d", in.id)
	}
	k := key.String()
	if n := f.known[k]; n != nil {
		return n
	}
	n := f.addUnique(op, shape, attr, inputs...)
	n.output = output
	f.known[k] = n
	return n
}

// addUnique records an operation that equals no other (parameters, large constants).
func (f *function) addUnique(op compute.OpType, shape shapes.Shape, attr any, inputs ...*node) *node {
	n := &node{id: len(f.nodes), op: op, inputs: slices.Clone(inputs),
		shape: shapes.Make(shape.DType, shape.Dimensions...), attr: attr}
	f.nodes = append(f.nodes, n)
	return n
}

// Parameter implements compute.Function.
func (f *function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	if err := checkShape(shape); err != nil {
		return nil, errors.WithMessagef(err, "parameter %q", name)
	}
	if sharding != nil {
		return nil, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: parameter %q: sharding", name)
	}
	n := f.addUnique(compute.OpTypeParameter, shape, len(f.params))
	f.params = append(f.params, n)
	f.names = append(f.names, name)
	return n, nil
}

// Constant implements compute.Function. The data is copied.
func (f *function) Constant(flat any, dims ...int) (compute.Value, error) {
	shape, err := shapeOfFlat(flat, dims)
	if err != nil {
		return nil, err
	}
	data, err := bytesOf(flat, shape)
	if err != nil {
		return nil, err
	}
	const inKey = 1 << 16 // larger constants are not compared with each other
	attr := constant(data)
	if len(data) <= inKey {
		return f.add(compute.OpTypeConstant, shape, attr), nil
	}
	return f.addUnique(compute.OpTypeConstant, shape, constant(slices.Clone(data))), nil
}

// constant holds a constant's bytes. A string, so that it cannot change and prints into the common-subexpression key.
type constant string

// Return implements compute.Function.
func (f *function) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	if f.outputs != nil {
		return errors.New("backend cpu: Return called twice")
	}
	for _, s := range shardings {
		if s != nil {
			return errors.Wrap(compute.ErrNotImplemented, "backend cpu: Return: sharding")
		}
	}
	nodes, err := f.castAll("Return", outputs...)
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		return errors.New("backend cpu: Return needs at least one output")
	}
	f.outputs = nodes
	return nil
}
