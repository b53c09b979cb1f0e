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

// Register makes [Named] return an identifier under a name. A package with an identifier calls it when it is imported
// (lidr/langid/lingua).
func Register(name string, id Identifier) {
	registering.Lock()
	defer registering.Unlock()
	registered[name] = id
}

// Named returns the identifier registered under a name, and for "" the default one.
func Named(name string) (Identifier, error) {
	if name == "" {
		return Default(), nil
	}
	registering.Lock()
	defer registering.Unlock()
	if id, ok := registered[name]; ok {
		return id, nil
	}
	return nil, fmt.Errorf("language identifier %q is not linked into this program, which has \"\" for %s and [%s]; "+
		"the lidr command has lingua, and a program of your own has it by importing lidr/langid/lingua",
		name, Default().Name(), strings.Join(slices.Sorted(maps.Keys(registered)), " "))
}

// Registered returns the names of the identifiers other than the default one, in alphabetical order.
func Registered() []string {
	registering.Lock()
	defer registering.Unlock()
	return slices.Sorted(maps.Keys(registered))
}
