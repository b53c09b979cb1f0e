//go:build linux || darwin || freebsd

package durable

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Room returns the bytes that the disk of a folder, or of the first one above it that is there, has free for this user.
// ok is false where the system does not tell.
func Room(folder string) (free uint64, ok bool) {
	for {
		if _, err := os.Stat(folder); err == nil || folder == filepath.Dir(folder) {
			break
		}
		folder = filepath.Dir(folder)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil || disk.Bsize <= 0 {
		return 0, false
	}
	return uint64(max(0, int64(disk.Bavail))) * uint64(disk.Bsize), true
}
