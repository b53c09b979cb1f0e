package cpu

import (
	"fmt"
	"runtime"
	"strings"
)

// feature is an extension of the instruction set.
type feature struct {
	name string
	has  bool
}

// Processor tells which kernels compute and why, one fact a line: the sets that this processor runs, of which the first
// is in use, and what else it has and lacks. No set is chosen by its measured speed: two sets add up in different
// orders, and the results of a machine must not depend on what else it did when the program started.
func Processor() []string {
	var names, has, lacks []string
	for _, s := range append(processorKernels(), plainGo) {
		names = append(names, s.name)
	}
	for _, f := range features() {
		if f.has {
			has = append(has, f.name)
		} else {
			lacks = append(lacks, f.name)
		}
	}
	list := func(words []string) string {
		if len(words) == 0 {
			return "nothing that kernels ask for"
		}
		return strings.Join(words, ", ")
	}
	return []string{
		fmt.Sprintf("%s kernels: the first of those that run here (%s)", kernels.name, strings.Join(names, ", ")),
		fmt.Sprintf("the %s processor has %s; it lacks %s", runtime.GOARCH, list(has), list(lacks)),
	}
}
