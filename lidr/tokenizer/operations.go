package tokenizer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ardanlabs/jinja"
)

// Costs of operations: about the number of bytes that they make.
const (
	itemCost = 32      // for an item of a list from which another is made
	runeCost = 64      // for a piece of a text that becomes an item of a list
	maxBound = 1 << 20 // of a slice; with a step, the interpreter counts up to it
)

// The interpreter itself computes the operations: operators and methods in templates of one expression, filters and
// functions under the names that it gives them.
var (
	operators = map[string]*jinja.Template{}
	filters   = map[string]jinja.Callable{}
	functions = map[string]jinja.Callable{}
)

func init() {
	for op, as := range binary {
		t, err := oneExpression("a " + op + " b")
		if err != nil {
			panic(err)
		}
		operators[as.name] = t
	}
	find := func(name string) jinja.Callable {
		t, err := oneExpression(name)
		if err != nil {
			panic(err)
		}
		v, err := evaluate(t, jinja.Value{}, jinja.Value{})
		if err != nil || !v.IsCallable() {
			panic(fmt.Sprintf("the Jinja interpreter has no %s: %v", name, err))
		}
		return *v.AsCallable()
	}
	for name := range reads {
		filters[name] = find("__filter_" + name)
	}
	for _, name := range []string{"namespace", "dict", "joiner", "cycler"} {
		functions[name] = find(name)
	}
}

func oneExpression(source string) (*jinja.Template, error) {
	return jinja.Compile("{{ out(" + source + ") }}")
}

func evaluate(expression *jinja.Template, a, b jinja.Value) (value jinja.Value, err error) {
	out := func(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
		value = args[0]
		return jinja.None(), nil
	}
	_, err = expression.RenderValues(map[string]jinja.Value{"a": a, "b": b, "out": jinja.NewCallable("out", out)})
	return value, err
}

// How much of its value an operation reads: at most a text's characters, also a list's items, or everything in it.
const (
	top = iota
	items
	all
)

// reads maps the known filters to how much they read. Any other filter is refused when it is used.
var reads = map[string]int{
	"length": top, "count": top, "first": top, "last": top, "default": top, "d": top, "safe": top,
	"int": top, "float": top, "round": top, "abs": top,
	"items": items, "reverse": items, "list": items, "map": items, "select": items, "reject": items, "selectattr": items,
	"rejectattr": items, "dictsort": items, "sum": items, "batch": items,
	"tojson": all, "from_json": all, "fromjson": all, "join": all, "trim": all, "lower": all, "upper": all, "title": all,
	"capitalize": all, "sort": all, "unique": all, "string": all, "replace": all, "indent": all, "wordcount": all,
	"escape": all, "e": all, "max": all, "min": all,
}

// read counts the cost of reading so much of a value.
func (m *meter) read(v jinja.Value, much int) error {
	switch {
	case much == all:
		return m.weigh(v, nil, 0)
	case v.IsString():
		m.left -= len(v.AsString())
	case much == items && v.IsList():
		m.left -= itemCost * v.AsList().Len()
	case much == items && v.IsDict():
		m.left -= itemCost * v.AsDict().Len()
	}
	m.left -= valueCost
	return m.enough()
}

// readArguments counts the arguments of an operation, without its first operand.
func (m *meter) readArguments(args []jinja.Value, named map[string]jinja.Value) error {
	for _, v := range args {
		if err := m.read(v, all); err != nil {
			return err
		}
	}
	for _, v := range named {
		if err := m.read(v, all); err != nil {
			return err
		}
	}
	return nil
}

// function returns the function of that name that a guarded template calls (see [guard.use]).
func (m *meter) function(use string) jinja.Value {
	kind, name, _ := strings.Cut(use, "_")
	return jinja.NewCallable(use, func(args []jinja.Value, named map[string]jinja.Value) (v jinja.Value, err error) {
		first, rest := args[0], args[1:]
		switch kind {
		case "op":
			return m.operate(name, first, rest[0])
		case "filter":
			return m.filter(name, args, named)
		case "method":
			return m.method(name, first, rest, named)
		case "call":
			if !first.IsCallable() {
				return v, fmt.Errorf("%s is no function", name)
			}
			return m.call(name, first, rest, named)
		case "data":
			if first.IsCallable() {
				return jinja.NewCallable(use, func([]jinja.Value, map[string]jinja.Value) (jinja.Value, error) {
					return v, errors.New("a method can be called only where it is named")
				}), nil
			}
		case "at":
			return first, m.read(first, top)
		case "made", "slice":
			return first, m.read(first, items)
		case "weigh":
			return first, m.read(first, all)
		case "each":
			if first.IsString() {
				m.left -= runeCost * len(first.AsString())
			}
			return first, m.read(first, all)
		case "bound":
			n := integer(first)
			if n < -maxBound || n > maxBound {
				// the interpreter drops the returned one
				m.err = fmt.Errorf("a slice up to %d; at most %d is accepted", n, maxBound)
				return v, m.err
			}
			m.left -= itemCost * int(max(n, -n))
			return first, m.read(first, all)
		}
		return first, nil
	})
}

// globals adds the functions that every template can call.
func (m *meter) globals(vars map[string]jinja.Value) {
	add := func(name string, fn func([]jinja.Value, map[string]jinja.Value) (jinja.Value, error)) {
		vars[name] = jinja.NewCallable(name, func(args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
			if err := m.readArguments(args, named); err != nil {
				return jinja.Undefined(), err
			}
			v, err := fn(args, named)
			if err == nil {
				err = m.read(v, items)
			}
			return v, err
		})
	}
	for name, fn := range functions {
		add(name, fn.Fn)
	}
	add("range", boundedRange)
	add("strftime_now", strftime)
	add("raise_exception", func(args []jinja.Value, _ map[string]jinja.Value) (v jinja.Value, err error) {
		return v, fmt.Errorf("%.1000s", text(args[0]))
	})
}

func (m *meter) operate(name string, a, b jinja.Value) (v jinja.Value, err error) {
	much := top
	switch {
	case name == "cat" || name == "add" && (a.IsString() || b.IsString()):
		much = all
	case name == "add":
		much = items
	case name == "mul" && a.IsString():
		m.left -= product(len(a.AsString()), integer(b))
	}
	for _, operand := range []jinja.Value{a, b} {
		if err := m.read(operand, much); err != nil {
			return v, err
		}
	}
	return evaluate(operators[name], a, b)
}

func (m *meter) filter(name string, args []jinja.Value, named map[string]jinja.Value) (v jinja.Value, err error) {
	filter, ok := filters[name]
	if !ok {
		return v, fmt.Errorf("a filter %q is not known", name)
	}
	before := m.left
	if err := m.read(args[0], reads[name]); err != nil {
		return v, err
	}
	weight := before - m.left
	if err := m.readArguments(args[1:], named); err != nil {
		return v, err
	}
	switch name {
	case "replace":
		m.replace(args)
	case "sort":
		m.left -= 16 * weight // comparisons
	case "list", "fromjson", "from_json":
		if args[0].IsString() {
			m.left -= runeCost * len(args[0].AsString())
		}
	case "join":
		if args[0].IsList() && len(args) > 1 {
			m.left -= product(len(text(args[1])), int64(args[0].AsList().Len()))
		}
		if args[0].IsList() {
			m.left -= product(len(text(named["d"])), int64(args[0].AsList().Len()))
		}
	case "indent", "tojson":
		m.left -= 4 * weight // escapes, and buffers that double
		for _, width := range args[1:] {
			m.left -= product(weight, integer(width))
		}
		for _, width := range named {
			m.left -= product(weight, integer(width))
		}
	}
	if err := m.enough(); err != nil {
		return v, err
	}
	return filter.Fn(args, named)
}

func (m *meter) method(name string, of jinja.Value, args []jinja.Value,
	named map[string]jinja.Value) (v jinja.Value, err error) {
	much := items
	if name == "get" {
		much = top
	}
	if err := m.read(of, much); err != nil {
		return v, err
	}
	if err := m.readArguments(args, named); err != nil {
		return v, err
	}
	if of.IsString() {
		switch name {
		case "replace":
			m.replace(append([]jinja.Value{of}, args...))
		case "split":
			pieces := 1
			if len(args) > 0 {
				pieces += strings.Count(of.AsString(), text(args[0]))
			} else {
				for range strings.FieldsSeq(of.AsString()) {
					pieces++
				}
			}
			m.left -= runeCost * pieces
		case "format": // an argument may have places for the next one
			s := of.AsString()
			for i, arg := range args {
				place, with := fmt.Sprintf("{%d}", i), text(arg)
				m.left -= len(s) + (strings.Count(s, place)+1)*len(with)
				if err := m.enough(); err != nil {
					return v, err
				}
				s = strings.Replace(strings.ReplaceAll(s, place, with), "{}", with, 1)
			}
			return jinja.NewString(s), nil
		}
	}
	if err := m.enough(); err != nil {
		return v, err
	}
	method, err := evaluate(m.methods[name], of, v)
	if err != nil {
		return v, err
	}
	if !method.IsCallable() {
		return v, fmt.Errorf("a method %q is not known", name)
	}
	return m.call(name, method, args, named)
}

func (m *meter) call(name string, function jinja.Value, args []jinja.Value,
	named map[string]jinja.Value) (jinja.Value, error) {
	if m.deep++; m.deep > m.calls {
		return function, fmt.Errorf("%s calls itself without end: more than %d times, the limit for a template of this "+
			"length", name, m.calls)
	}
	defer func() { m.deep-- }()
	return function.AsCallable().Fn(args, named)
}

// replace counts what the new text adds.
func (m *meter) replace(args []jinja.Value) {
	if len(args) > 2 {
		m.left -= product(len(text(args[2])), int64(strings.Count(text(args[0]), text(args[1]))))
	}
}

// product returns size times n, where an n above maxWork counts as maxWork+1.
func product(size int, n int64) int {
	return size * int(min(max(n, 0), int64(maxWork)+1))
}

// text and integer convert a value as the interpreter does.
func text(v jinja.Value) string {
	s, _ := filters["string"].Fn([]jinja.Value{v}, nil)
	return s.AsString()
}

func integer(v jinja.Value) int64 {
	n, _ := filters["int"].Fn([]jinja.Value{v}, nil)
	return n.AsInt()
}
