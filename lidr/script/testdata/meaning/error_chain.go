//go:build go1.21

// Package errors finds an error of the script, in what wraps it too.
package main

import (
	"errors"
	"fmt"
)

type failure struct {
	code  int
	inner error
}

func (f *failure) Error() string { return fmt.Sprintf("failure %d: %v", f.code, f.inner) }
func (f *failure) Unwrap() error { return f.inner }

type quiet string

func (q quiet) Error() string        { return string(q) }
func (q quiet) Is(target error) bool { return target == errOther }

var errOther = errors.New("other")
var errBase = errors.New("base")

func main() {
	err := fmt.Errorf("outer: %w", &failure{3, errBase})
	var f *failure
	var q quiet
	fmt.Println(errors.As(err, &f), errors.As(err, &q), errors.Is(err, errBase), errors.Is(err, f))
	fmt.Println(f.code, err, errors.Is(quiet("q"), errOther), errors.Is(quiet("q"), quiet("q")), errors.Unwrap(f))
	joined := errors.Join(quiet("a"), &failure{4, nil})
	fmt.Println(errors.As(joined, &q), q, errors.As(joined, &f), f.code)
}

// Output:
// true false true true
// 3 outer: failure 3: base true true base
// true a true 4
