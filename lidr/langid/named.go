package langid

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

var (
	registering sync.Mutex
	registered  = map[string]Identifier{}
)

// Register makes an identifier known under a name, as a package does that brings one along (lidr/langid/lingua).
func Register(name string, id Identifier) {
	registering.Lock()
	defer registering.Unlock()
	registered[name] = id
}

// Named returns the identifier that was registered under a name, and for "" the default one.
func Named(name string) (Identifier, error) {
	if name == "" {
		return Default(), nil
	}
	registering.Lock()
	defer registering.Unlock()
	if id, ok := registered[name]; ok {
		return id, nil
	}
	return nil, fmt.Errorf(`language identifier %q is not linked into this program, which has "" for %s and [%s]; the lidr command has lingua, and a program of your own has it by importing lidr/langid/lingua`,
		name, Default().Name(), strings.Join(slices.Sorted(maps.Keys(registered)), " "))
}

// Registered lists the names of the identifiers beside the default one, in alphabetical order.
func Registered() []string {
	registering.Lock()
	defer registering.Unlock()
	return slices.Sorted(maps.Keys(registered))
}
