package backend

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/gomlx/compute"
)

// XLA is the name of GoMLX's XLA backend.
const XLA = "xla"

// ErrNotLinked says how a program comes to have XLA.
var ErrNotLinked = errors.New("this program has no XLA; `make build-xla` builds the lidr command with it where a C compiler is at hand, and a program of your own has it by importing lidr/backend/xla")

// Accelerator is what lidr/backend/xla brings along beside the backend itself.
type Accelerator interface {
	// Default names the backend that Open opens unless it is told another: "" for the processor's.
	Default() (string, error)
	// Name names b, if b is its own.
	Name(b compute.Backend) (name string, is bool)
	// Plugins returns the paths of the plugins that work on this machine, by name.
	Plugins() (map[string]string, error)
	// Install downloads a plugin, "cpu" or "cuda", unless it is there, and returns its folder. Nothing else here touches
	// the network.
	Install(ctx context.Context, plugin string) (folder string, err error)
}

var linked atomic.Pointer[Accelerator]

// Link makes an accelerator known, as lidr/backend/xla does when it is imported.
func Link(a Accelerator) { linked.Store(&a) }

// Linked returns the accelerator that this program links, or nil.
func Linked() Accelerator {
	if a := linked.Load(); a != nil {
		return *a
	}
	return nil
}
