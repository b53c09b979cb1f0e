//go:build !linux && !darwin && !freebsd

package durable

// Room tells nothing on this system.
func Room(string) (free uint64, ok bool) { return 0, false }
