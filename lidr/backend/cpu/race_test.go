//go:build race

package cpu_test

// The stock backend's own pointer arithmetic does not survive the checks that the race detector turns on.
func init() { skipStock = true }
