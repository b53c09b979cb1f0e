//go:build unix

package cpu

import "syscall"

// reserve takes no memory before it is written, and none counts as promised.
func reserve(n int) ([]byte, error) {
	const how = syscall.MAP_ANON | syscall.MAP_PRIVATE | syscall.MAP_NORESERVE
	return syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, how)
}

func release(mem []byte) error { return syscall.Munmap(mem) }
