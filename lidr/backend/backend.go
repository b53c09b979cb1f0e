// Package backend opens GoMLX backends by name.
package backend

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // registers "go"

	"lidrlab/lidr/backend/cpu"
)

// EnvVar is the environment variable that Open reads if no name is given.
const EnvVar = "LIDR_BACKEND"

// Open returns the backend of that name: "cpu" is this project's own, "go" is GoMLX's. A program that links
// lidr/backend/xla also has GoMLX's XLA: "xla:cuda" or "xla:cpu" after the PJRT plugin, or "xla:" with the path of a
// plugin. An empty name means the environment variable LIDR_BACKEND; if that is empty too, it is "xla:cuda" in a
// program that links XLA, on a machine with an NVIDIA GPU and the CUDA plugin, and "cpu" otherwise. Options of the
// backend follow as in GoMLX ("go:ops_parallel", "xla:cuda,tf32"). An unknown name is an error that lists the known
// ones.
func Open(name string) (b compute.Backend, err error) {
	if name == "" {
		name = os.Getenv(EnvVar)
	}
	if name == "" {
		if name, err = byDefault(); err != nil {
			return nil, fmt.Errorf("%w; with %s=%s the processor computes", err, EnvVar, cpu.Name)
		}
	}
	kind, _, hasOptions := strings.Cut(name, ":")
	if known := Kinds(); !slices.Contains(known, kind) {
		if kind == XLA {
			return nil, fmt.Errorf("backend %q: %w", name, ErrNotLinked)
		}
		return nil, fmt.Errorf("backend %q is not compiled in, expected one of %s (set %s or leave it empty)",
			kind, strings.Join(known, ", "), EnvVar)
	}
	if kind == "go" && !hasOptions {
		// With its default options GoMLX v0.28's go backend deadlocks in training: its worker pool waits for slots
		// that its own callers hold.
		name = "go:ops_sequential"
	}
	defer func() { // some constructors panic on bad options
		if e := recover(); e != nil {
			b, err = nil, fmt.Errorf("backend %q: %v", name, e)
		}
	}()
	if b, err = compute.NewWithConfig(name); err != nil {
		return nil, fmt.Errorf("backend %q: %w", name, err)
	}
	return b, nil
}

func byDefault() (string, error) {
	if linked := Linked(); linked != nil {
		if name, err := linked.Default(); name != "" || err != nil {
			return name, err
		}
	}
	return cpu.Name, nil
}

// Kinds returns the names of the backends of this program, in alphabetical order.
func Kinds() []string {
	aliases := []string{"stablehlo", "hlo", "shlo"} // go-xla's other names for XLA
	known := slices.DeleteFunc(compute.List(), func(kind string) bool { return slices.Contains(aliases, kind) })
	slices.Sort(known)
	return known
}

// Arithmetic returns what decides b's results to the last bit: its name, and the kernels of the processor where that
// computes, "cpu (AVX-512, revision 3)". Of a GPU it does not tell the kind.
func Arithmetic(b compute.Backend) string {
	name := Name(b)
	if strings.HasPrefix(name, XLA+":") && !strings.HasPrefix(name, XLA+":cpu") {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, cpu.Kernels())
}

// Name returns a short name by which Open opens b again, or a backend that computes the same.
func Name(b compute.Backend) string {
	if linked := Linked(); linked != nil {
		if name, is := linked.Name(b); is {
			return name
		}
	}
	return b.String()
}
