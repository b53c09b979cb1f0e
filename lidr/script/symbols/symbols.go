// Package symbols holds what scripts see of lidr, plots, datasets, gota and gonum/plot, extracted for the interpreter.
// Generic functions and types are not among them: the interpreter cannot call them.
package symbols

import "reflect"

//go:generate go tool yaegi extract -name symbols lidrlab/lidr lidrlab/lidr/dpo lidrlab/lidr/eval
//go:generate go tool yaegi extract -name symbols lidrlab/lidr/lm lidrlab/lidr/lm/remote lidrlab/lidr/ablation
//go:generate go tool yaegi extract -name symbols lidrlab/lidr/judge lidrlab/lidr/handoff lidrlab/lidr/choices
//go:generate go tool yaegi extract -name symbols lidrlab/lidr/scorers lidrlab/lidr/recipe lidrlab/lidr/trial
//go:generate go tool yaegi extract -name symbols lidrlab/lidr/tracking lidrlab/lidr/cards
//go:generate go tool yaegi extract -name symbols lidrlab/lidr/doctor lidrlab/lidr/pretrain lidrlab/lidr/report
//go:generate go tool yaegi extract -name symbols lidrlab/plots lidrlab/datasets
//go:generate go tool yaegi extract -name symbols lidrlab/datasets/miniature lidrlab/datasets/paper
//go:generate go tool yaegi extract -name symbols github.com/go-gota/gota/dataframe github.com/go-gota/gota/series
//go:generate go tool yaegi extract -name symbols gonum.org/v1/plot gonum.org/v1/plot/font gonum.org/v1/plot/text
//go:generate go tool yaegi extract -name symbols gonum.org/v1/plot/plotter gonum.org/v1/plot/plotutil
//go:generate go tool yaegi extract -name symbols gonum.org/v1/plot/vg gonum.org/v1/plot/vg/draw

// Symbols maps an import path and the package's name, "lidrlab/plots/plots", to the package's exported names. A type is
// held as a nil pointer to it, a variable as an addressable value.
var Symbols = map[string]map[string]reflect.Value{}
