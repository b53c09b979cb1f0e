//go:build !unix

package recipe

// Without process groups there is no cluster that stands in.
const fakeVariable = "FAKE_CLUSTER"

var fakes map[string]func(args []string) error
