//go:build unix && !linux

package input

import (
	"fmt"
	"io/fs"
	"syscall"
)

// inode is the number of a file's inode.
func inode(info fs.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(s.Ino)
	}
	return ""
}
