package backend

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/gomlx/compute"
)

// XLA is the name of GoMLX's XLA backend.
const XLA = "xla"

// ErrNotLinked is the error of a program without XLA. It says how to get one with it.
var ErrNotLinked = errors.New("this program has no XLA; `make build-xla` builds the lidr command with it if there " +
	"is a C compiler, and a program of your own links it by importing lidr/backend/xla")

// Accelerator is what lidr/backend/xla provides beside the backend itself.
type Accelerator interface {
	// Default returns the name of the backend that Open opens if no name is given, "" for the processor's.
	Default() (string, error)
	// Name returns the name of b, if b is a backend of the accelerator.
	Name(b compute.Backend) (name string, is bool)
	// Plugins returns the paths of the plugins that can be loaded on this machine, by name.
	Plugins() (map[string]string, error)
	// Install downloads a plugin, "cpu" or "cuda", unless it is installed, and returns its folder. No other method uses
	// the network.
	Install(ctx context.Context, plugin string) (folder string, err error)
}

var linked atomic.Pointer[Accelerator]

// Link registers an accelerator. Importing lidr/backend/xla calls it.
func Link(a Accelerator) { linked.Store(&a) }

// Linked returns the accelerator that this program links, or nil.
func Linked() Accelerator {
	if a := linked.Load(); a != nil {
		return *a
	}
	return nil
}
