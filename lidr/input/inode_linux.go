package input

import (
	"fmt"
	"io/fs"
	"syscall"
)

// inode is the number of a file's inode, and when that last changed, which nobody can set.
func inode(info fs.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(s.Ino, s.Ctim.Sec, s.Ctim.Nsec)
	}
	return ""
}
