// Package backend chooses the GoMLX backend that computes.
package backend

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // registers "go"

	_ "lidrlab/lidr/backend/cpu" // registers "cpu"
)

// EnvVar names the environment variable that Open reads when it is asked for no particular backend.
const EnvVar = "LIDR_BACKEND"

// Open returns the backend of that name: "cpu" is this project's own, "go" is GoMLX's. An empty name means the
// environment variable LIDR_BACKEND, and where that is empty too, "cpu". After a colon a name may carry options of the
// backend, as in GoMLX ("go:ops_parallel"). An unknown name is an error that lists the known ones.
func Open(name string) (b compute.Backend, err error) {
	if name == "" {
		name = os.Getenv(EnvVar)
	}
	if name == "" {
		name = "cpu"
	}
	known := compute.List()
	slices.Sort(known)
	kind, _, hasOptions := strings.Cut(name, ":")
	if !slices.Contains(known, kind) {
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

// Name returns the short name under which Open finds b again.
func Name(b compute.Backend) string { return b.String() }
