//go:build !linux

package cpu

const osPage = 1 << 16

// forget returns nothing to the system here: elsewhere than on Linux such pages need not hold zeros afterwards.
func forget([]byte) bool { return false }
