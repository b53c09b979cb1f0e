// Package symbols holds what scripts see of lidr, plots, datasets, gota and gonum/plot, extracted for the interpreter.
// Generic functions and types are not among them: the interpreter cannot call them.
package symbols

import "reflect"

//go:generate go run ./extract

// Symbols maps an import path and the package's name, "lidrlab/plots/plots", to the package's exported names. A type is
// held as a nil pointer to it, a variable as an addressable value.
var Symbols = map[string]map[string]reflect.Value{}
