//go:build race

package cpu_test

// The stock backend's pointer arithmetic fails the checks that the race detector turns on.
func init() { skipStock = true }
