package value

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatted gives a function with a format, Printf and its like, its values as [Machine.resolve] does.
func (m *Machine) formatted(function reflect.Value, wraps bool) reflect.Value {
	last := function.Type().NumIn() - 1
	return reflect.MakeFunc(function.Type(), func(in []reflect.Value) []reflect.Value {
		format, operands := m.resolve(in[last-1].String(), in[last].Interface().([]any), wraps)
		in[last-1], in[last] = reflect.ValueOf(format), reflect.ValueOf(operands)
		return function.CallSlice(in)
	})
}

// resolve returns a format and operands by which package fmt writes what it writes compiled: without asking a value of
// the script for its type, as %T does, and without looking into one by itself. Of operands of the host alone it changes
// nothing. The function wraps the errors of %w, or not.
func (m *Machine) resolve(format string, operands []any, wraps bool) (string, []any) {
	touched := false
	for _, x := range operands {
		_, boxed := m.Normal(x).(Box)
		_, thrown := x.(Error)
		touched = touched || boxed || thrown || m.hides(x)
	}
	if !touched {
		return format, operands
	}
	d := directives{m: m, format: format, given: operands, operands: append([]any{}, operands...), wraps: wraps}
	d.run()
	return d.out.String(), d.operands
}

// directives follows a format as package fmt does, and writes one in which each directive names its operand and holds
// its width and precision.
type directives struct {
	m         *Machine
	format    string
	at        int // in format
	given     []any
	next      int // the operand of the next directive
	good      bool
	reordered bool
	out       strings.Builder
	operands  []any // given, and others behind
	wraps     bool
}

func (d *directives) run() {
	for {
		before, _, found := strings.Cut(d.format[d.at:], "%")
		d.literal(before)
		d.at += len(before) + 1
		if !found {
			break
		}
		d.directive()
	}
	if d.reordered || d.next >= len(d.given) {
		return
	}
	d.literal("%!(EXTRA ")
	for i := d.next; i < len(d.given); i++ {
		if i > d.next {
			d.literal(", ")
		}
		if d.given[i] == nil {
			d.literal("<nil>")
			continue
		}
		d.literal(d.m.typeName(d.given[i]) + "=")
		d.operand("", 'v', i)
	}
	d.literal(")")
}

func (d *directives) literal(text string) { d.out.WriteString(strings.ReplaceAll(text, "%", "%%")) }

func (d *directives) is(c byte) bool { return d.at < len(d.format) && d.format[d.at] == c }

// directive reads one behind its percent sign.
func (d *directives) directive() {
	d.good = true
	start := d.at
	for d.at < len(d.format) && strings.IndexByte("#0+- ", d.format[d.at]) >= 0 {
		d.at++
	}
	flags := d.format[start:d.at]
	indexed := d.index()
	if d.is('*') {
		width, ok := d.number()
		switch indexed = false; {
		case !ok:
			d.literal("%!(BADWIDTH)")
		case width < 0:
			flags = strings.ReplaceAll(flags, "0", "") + strconv.Itoa(width) // with its sign, which is a flag
		default:
			flags += strconv.Itoa(width)
		}
	} else if digits := d.digits(); digits != "" {
		d.good = d.good && !indexed
		flags += digits
	}
	if d.is('.') && d.at+1 < len(d.format) {
		d.at++
		d.good = d.good && !indexed
		indexed = d.index()
		if !d.is('*') {
			flags += "." + d.digits()
		} else if precision, ok := d.number(); ok && precision >= 0 {
			indexed = false
			flags += "." + strconv.Itoa(precision)
		} else {
			indexed = false
			d.literal("%!(BADPREC)")
		}
	}
	if !indexed {
		d.index()
	}
	if d.at >= len(d.format) {
		d.literal("%!(NOVERB)")
		return
	}
	verb, size := utf8.DecodeRuneInString(d.format[d.at:])
	d.at += size
	switch {
	case verb == '%':
		d.literal("%")
	case !d.good:
		d.literal(fmt.Sprintf("%%!%c(BADINDEX)", verb))
	case d.next >= len(d.given):
		d.literal(fmt.Sprintf("%%!%c(MISSING)", verb))
	default:
		d.operand(flags, verb, d.next)
		d.next++
	}
}

// index reads an index in brackets, and tells whether there was one.
func (d *directives) index() bool {
	if !d.is('[') {
		return false
	}
	d.reordered = true
	inside, _, closed := strings.Cut(d.format[d.at+1:], "]")
	if !closed || len(d.format)-d.at < 3 {
		d.at++
		d.good = false
		return false
	}
	d.at += len(inside) + 2
	n, err := strconv.ParseUint(inside, 10, 20)
	if err == nil && 0 < n && int(n) <= len(d.given) {
		d.next = int(n) - 1
		return true
	}
	d.good = false
	return err == nil
}

// number reads an asterisk, and returns the operand that it stands for.
func (d *directives) number() (n int, ok bool) {
	d.at++
	if d.next >= len(d.given) {
		return 0, false
	}
	v := reflect.ValueOf(d.m.seen(d.given[d.next]))
	d.next++
	switch {
	case v.IsValid() && v.CanInt():
		n = int(v.Int())
	case v.IsValid() && v.CanUint():
		n = int(min(v.Uint(), 1e7))
	default:
		return 0, false
	}
	return n, -1e6 <= n && n <= 1e6
}

// digits reads a number. One that is too large ends the format.
func (d *directives) digits() string {
	start := d.at
	for d.at < len(d.format) && '0' <= d.format[d.at] && d.format[d.at] <= '9' {
		d.at++
	}
	digits := d.format[start:d.at]
	if n, err := strconv.Atoi(digits[:max(0, len(digits)-1)]); len(digits) > 1 && (err != nil || n > 1e6) {
		d.at = len(d.format)
		return ""
	}
	return digits
}

// operand writes a directive for the operand with a number.
func (d *directives) operand(flags string, verb rune, number int) {
	x := d.given[number]
	box, boxed := d.m.Normal(x).(Box)
	_, isError := x.(error)
	hides := d.m.hides(x)
	_, isThrown := x.(Error)
	switch {
	case verb == 'T' && (boxed || isThrown):
		d.another(flags, 's', d.m.typeName(x))
	case isThrown && (!strings.ContainsRune("vsqxXw", verb) || strings.Contains(flags, "#")):
		panic(Error(fmt.Sprintf("package fmt cannot write a runtime error by %%%s%c here; write %%v", flags, verb)))
	case verb == 'p' && boxed && box.T.isPointer():
		d.another(flags, verb, d.m.seen(x))
	case verb == 'p' && boxed, verb == 'w' && (!d.wraps || !isError) && (boxed || hides):
		d.literal(fmt.Sprintf("%%!%c(%s=", verb, d.m.typeName(x)))
		d.another(flags, 'v', unreached{d.m, x})
		d.literal(")")
	case verb == 'w' && hides && strings.Contains(flags, "#"):
		panic(Error("fmt.Errorf cannot write %#w of an error that holds one of the script; write %w"))
	case hides && !strings.ContainsRune("Tpw", verb):
		d.another(flags, verb, foreign{d.m, x})
	default:
		fmt.Fprintf(&d.out, "%%%s[%d]%c", flags, number+1, verb)
	}
}

// another writes a directive for an operand that was not given.
func (d *directives) another(flags string, verb rune, x any) {
	d.operands = append(d.operands, x)
	fmt.Fprintf(&d.out, "%%%s[%d]%c", flags, len(d.operands), verb)
}

// typeName is what %T writes.
func (m *Machine) typeName(x any) string {
	switch v := m.Normal(x).(type) {
	case Box:
		return v.T.String()
	case Error:
		return v.typeName()
	}
	return fmt.Sprintf("%T", x)
}

// isPointer tells whether %p writes values of the type.
func (t *Type) isPointer() bool {
	switch t.Whole().Kind() {
	case reflect.Chan, reflect.Func, reflect.Map, reflect.Pointer, reflect.Slice, reflect.UnsafePointer:
		return true
	}
	return false
}
