//go:build go1.21

// Package fmt writes values of the host that hold ones of the script, and directives that name their operand or take
// their width from one.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

type code int

func (c code) Error() string { return fmt.Sprintf("code %d", int(c)) }

type count int

type ratio float64

type flagged bool

type action func()

type day int

func (day) String() string { return "day" }

type pair struct{ A, b int }

type base struct{ In day }

type outer struct {
	base
	in day
	E  error
	f  fmt.Stringer
}

type own struct{ context.Context }

func recovered(f func()) {
	defer func() {
		r := recover()
		fmt.Printf("%v %T\n", r, r)
	}()
	f()
}

func main() {
	err := fmt.Errorf("in %w", code(3))
	both := errors.Join(code(3), code(4))
	fmt.Printf("%v %+v %d %T %#v\n", err, err, err, err, err)
	fmt.Printf("%v %d %#v\n", both, both, both)
	fmt.Printf("%#v\n%#v\n", fmt.Errorf("%w %w", code(1), code(2)), []any{code(1), day(2), nil, pair{1, 2}, count(3)})
	fmt.Printf("%#v\n%+v %d %v\n", outer{base{1}, 2, nil, nil}, outer{base{1}, 2, nil, day(3)}, outer{}, outer{E: code(1)})
	fmt.Printf("%+d %v\n", struct{ n []any }{[]any{count(1), code(2)}}, map[complex128]count{2: 1, 1i: 2})

	fmt.Printf("%[1]v %[1]T %[2]d %[2]T %[1]s\n", code(1), count(2))
	fmt.Printf("%*d|%-*d|%0*d|%.*f|%[1]*.[1]*f\n", count(4), 1, count(3), 2, -3, count(1), count(1), 2.25)
	fmt.Printf("%d\n", 1, count(2), nil, pair{3, 4})
	fmt.Println()
	fmt.Printf("%w %!|%z %d %", count(1), pair{1, 2}, code(3))
	fmt.Printf("%[9]d %[x]d %d\n", count(1))
	fmt.Printf("%+s %06t %+d %z\n", count(1), []any{ratio(2.5)}, []any{ratio(1), flagged(true)}, action(nil))
	fmt.Printf("%p %w %w\n", count(1), code(2), both)
	fmt.Println(fmt.Errorf("%w, %w, %v", code(1), count(2), []any{pair{3, 4}}))

	ctx := context.WithValue(context.Background(), count(1), code(2))
	fmt.Printf("%v %d\n%#v\n", ctx, ctx, ctx)
	fmt.Println(context.WithValue(own{context.WithValue(ctx, day(1), pair{})}, "a", day(2)))
	var v atomic.Value
	v.Store(pair{1, 2})
	fmt.Printf("%v %#v\n", &v, &v)
	recovered(func() { v.Store(count(1)) })
	recovered(func() { v.CompareAndSwap(count(1), pair{}) })

	zero, list, none := len(both.Error())-13, []int{}, map[any]int(nil)
	recovered(func() { fmt.Println(1 / zero) })
	recovered(func() { fmt.Println(list[zero]) })
	recovered(func() { fmt.Println(error(both).(fmt.Stringer)) })
	recovered(func() { none[1] = 2 })
	recovered(func() { map[any]int{1: 1}[[]count{1}]++ })
	recovered(func() { fmt.Println(errors.Is(hidden{}, hidden{}), errors.Is(err, code(3))) })
}

type hidden struct{ list []any }

func (hidden) Error() string { return "hidden" }

// Output:
// in code 3 in code 3 &{%!d(string=in code 3) 3} *fmt.wrapError &fmt.wrapError{msg:"in code 3", err:3}
// code 3
// code 4 &{[3 4]} &errors.joinError{errs:[]error{3, 4}}
// &fmt.wrapErrors{msg:"code 1 code 2", errs:[]error{1, 2}}
// []interface {}{1, 2, interface {}(nil), main.pair{A:1, b:2}, 3}
// main.outer{base:main.base{In:1}, in:2, E:error(nil), f:fmt.Stringer(nil)}
// {base:{In:day} in:2 E:<nil> f:3} {{0} 0 <nil> <nil>} {{day} 0 code 1 <nil>}
// {[+1 +2]} map[(0+1i):2 (2+0i):1]
// code 1 main.code 2 main.count code 1
//    1|2  |1  |2.2|%!f(int=0001)
// 1
// %!(EXTRA main.count=2, <nil>, main.pair={3 4})
// %!w(main.count=1) {%!!(int=1) %!!(int=2)}|%!z(main.code=3) %!d(MISSING) %!(NOVERB)%!d(BADINDEX) %!d(BADINDEX) 1
// %!s(main.count=+1) [%!t(main.ratio=0002.5)] [%!d(main.ratio=+1) %!d(main.flagged=true)] %!z(main.action=<nil>)
// %!p(main.count=1) %!w(main.code=2) %!w(*errors.joinError=&{[3 4]})
// code 1, %!w(main.count=2), [{3 4}]
// context.Background.WithValue(main.count, main.code) &{{{}} 1 2}
// &context.valueCtx{Context:context.backgroundCtx{emptyCtx:context.emptyCtx{}}, key:1, val:2}
// main.own.WithValue(a, day)
// &{{1 2}} &atomic.Value{v:main.pair{A:1, b:2}}
// sync/atomic: store of inconsistently typed value into Value string
// sync/atomic: compare and swap of inconsistently typed values string
// runtime error: integer divide by zero runtime.errorString
// runtime error: index out of range [0] with length 0 runtime.boundsError
// interface conversion: *errors.joinError is not fmt.Stringer: missing method String *runtime.TypeAssertionError
// assignment to entry in nil map runtime.plainError
// runtime error: hash of unhashable type []main.count runtime.errorString
// false true
// <nil> <nil>
