package lower

import (
	"fmt"
	"go/types"
	"reflect"

	"golang.org/x/tools/go/ssa"

	"lidrlab/lidr/script/value"
)

// reached tells whether an address is only loaded from and stored to, so that statements can name what lies there.
func reached(address ssa.Value) bool {
	for _, user := range *address.Referrers() {
		switch user := user.(type) {
		case *ssa.UnOp, *ssa.DebugRef:
		case *ssa.Store:
			if user.Val == address {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// safe tells whether a pointer is never nil.
func safe(v ssa.Value) bool {
	switch v.(type) {
	case *ssa.Alloc, *ssa.Global, *ssa.FieldAddr, *ssa.IndexAddr:
		return true
	}
	return false
}

// checkNil lets a nil pointer panic here.
func (fn *function) checkNil(v ssa.Value, at int) {
	if safe(v) {
		return
	}
	if t := fn.t(v.Type()); t.Opaque() {
		check := fn.operation("checknil", func() reflect.Value { return fn.m.CheckNil(t) }, t)
		fn.emit("%s(%d, %s)", check, at, fn.operand(v))
		return
	}
	fn.emit("if %s == nil { %s(%d) }", fn.operand(v),
		fn.symbol("nilpointer", func() reflect.Value { return reflect.ValueOf(value.NilPointer) }), at)
}

func (fn *function) elem(pointer types.Type) *value.Type {
	return fn.t(pointer.Underlying().(*types.Pointer).Elem())
}

// place returns what a statement writes for the memory at an address that was fused, "" for others.
func (fn *function) place(address ssa.Value) string {
	if !fn.fused[address] {
		return ""
	}
	return fn.names[address]
}

func (fn *function) load(i *ssa.UnOp) {
	if place := fn.place(i.X); place != "" {
		fn.emit("%s = %s", fn.register(i), place)
		return
	}
	pointer := fn.t(i.X.Type())
	fn.checkNil(i.X, fn.at(i))
	if !pointer.Opaque() {
		fn.emit("%s = *%s", fn.register(i), fn.operand(i.X))
		return
	}
	elem := fn.elem(i.X.Type())
	fn.emit("%s = %s(%s)", fn.register(i), fn.operation("load", func() reflect.Value {
		return fn.m.Load(pointer, elem)
	}, pointer, elem), fn.operand(i.X))
}

func (fn *function) memory(i ssa.Instruction) {
	m := fn.m
	switch i := i.(type) {
	case *ssa.Store:
		if place := fn.place(i.Addr); place != "" {
			fn.emit("%s = %s", place, fn.operand(i.Val))
			return
		}
		pointer := fn.t(i.Addr.Type())
		fn.checkNil(i.Addr, fn.at(i))
		if !pointer.Opaque() {
			fn.emit("*%s = %s", fn.operand(i.Addr), fn.operand(i.Val))
			return
		}
		elem := fn.elem(i.Addr.Type())
		fn.emit("%s(%s, %s)", fn.operation("store", func() reflect.Value {
			return m.Store(pointer, elem)
		}, pointer, elem), fn.operand(i.Addr), fn.operand(i.Val))
	case *ssa.FieldAddr:
		fn.fieldAddr(i)
	case *ssa.IndexAddr:
		fn.indexAddr(i)
	case *ssa.Field:
		of := fn.t(i.X.Type())
		fn.emit("%s = %s.%s", fn.register(i), fn.operand(i.X), of.Layout.Field(i.Field).Name)
	case *ssa.Index:
		of := fn.t(i.X.Type())
		elem := fn.t(i.Type())
		fn.emit("%s = %s(%d, %s, %s)", fn.register(i), fn.operation(fmt.Sprint("index", unsigned(i.Index)),
			func() reflect.Value {
				if of.Layout == reflect.TypeFor[string]() && !unsigned(i.Index) {
					return reflect.ValueOf(value.Byte)
				}
				return m.Index(of, elem, unsigned(i.Index))
			}, of, elem), fn.at(i), fn.operand(i.X), fn.integer(i.Index))
	case *ssa.Slice:
		of := fn.t(i.X.Type())
		to := fn.t(i.Type())
		mask := 0
		bounds := []string{"0", "0", "0"}
		for n, bound := range []ssa.Value{i.Low, i.High, i.Max} {
			if bound != nil {
				mask |= 1 << n
				if unsigned(bound) {
					mask |= 8 << n
				}
				bounds[n] = fn.integer(bound)
			}
		}
		array, ok := i.X.(*ssa.Alloc)
		made := ok && array.Comment == "makeslice"
		fn.emit("%s = %s(%d, %s, %s, %s, %s, %d)", fn.register(i),
			fn.operation(fmt.Sprint("slice", made), func() reflect.Value {
				return m.Slice(of, to, made)
			}, of, to), fn.at(i), fn.operand(i.X), bounds[0], bounds[1], bounds[2], mask)
	case *ssa.MakeSlice:
		t := fn.t(i.Type())
		fn.emit("%s = %s(%d, %s, %s)", fn.register(i), fn.operation("makeslice", func() reflect.Value {
			return m.MakeSlice(t)
		}, t), fn.at(i), fn.integer(i.Len), fn.integer(i.Cap))
	}
}

// integer is an operand as an int, which an index of another type becomes.
func (fn *function) integer(v ssa.Value) string {
	t := fn.t(v.Type())
	if t.Layout == reflect.TypeFor[int]() {
		return fn.operand(v)
	}
	converted := fn.variable(reflect.TypeFor[int]())
	fn.emit("%s = %s(%s)", converted, fn.operation("toint", func() reflect.Value { return fn.m.ToInt(t) }, t),
		fn.operand(v))
	return converted
}

// unsigned tells whether an index is of a type without negative values that reaches beyond those of int.
func unsigned(v ssa.Value) bool {
	switch basic, _ := v.Type().Underlying().(*types.Basic); basic.Kind() {
	case types.Uint, types.Uint64, types.Uintptr:
		return true
	}
	return false
}

func (fn *function) fieldAddr(i *ssa.FieldAddr) {
	pointer := fn.t(i.X.Type())
	field := fn.t(i.Type())
	fn.checkNil(i.X, fn.at(i))
	name := fn.elem(i.X.Type()).Layout.Field(i.Field).Name
	switch {
	case pointer.Opaque() || field.Opaque():
		fn.emit("%s = %s(%s)", fn.register(i), fn.operation("fieldaddr"+name, func() reflect.Value {
			return fn.m.FieldAddr(pointer, field, i.Field)
		}, pointer, field), fn.operand(i.X))
	case reached(i):
		fn.fused[i] = true
		fn.names[i] = fn.operand(i.X) + "." + name
	default:
		fn.emit("%s = &%s.%s", fn.register(i), fn.operand(i.X), name)
	}
}

func (fn *function) indexAddr(i *ssa.IndexAddr) {
	of := fn.t(i.X.Type())
	pointer := fn.t(i.Type())
	_, isSlice := of.T.Underlying().(*types.Slice)
	if !isSlice || of.Opaque() || pointer.Opaque() {
		fn.emit("%s = %s(%d, %s, %s)", fn.register(i), fn.operation(fmt.Sprint("indexaddr", unsigned(i.Index)),
			func() reflect.Value {
				return fn.m.IndexAddr(of, pointer, unsigned(i.Index))
			}, of, pointer), fn.at(i), fn.operand(i.X), fn.integer(i.Index))
		return
	}
	index := fn.integer(i.Index)
	slice := fn.operand(i.X)
	length := fn.variable(reflect.TypeFor[int]())
	fn.emit("%s = len(%s)", length, slice)
	fail := fn.symbol("outofrange", func() reflect.Value { return reflect.ValueOf(value.OutOfRange) })
	if unsigned(i.Index) {
		fail = fn.symbol("outofrange unsigned", func() reflect.Value { return reflect.ValueOf(value.OutOfRangeUnsigned) })
	}
	fn.emit("if %s >= %s { %s(%d, %s, %s) }", index, length, fail, fn.at(i), index, length)
	fn.emit("if %s < 0 { %s(%d, %s, %s) }", index, fail, fn.at(i), index, length)
	if reached(i) {
		fn.fused[i] = true
		fn.names[i] = slice + "[" + index + "]"
		return
	}
	fn.emit("%s = &%s[%s]", fn.register(i), slice, index)
}
