//go:build !linux

package cpu

// tilesPermitted: AMX has been used on Linux alone.
func tilesPermitted() bool { return false }
