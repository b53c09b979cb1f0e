//go:build unix

package input

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapped maps a file for reading; nil where there is nothing to map or the file system cannot.
func mapped(f *os.File, size int64) []byte {
	if size == 0 || int64(int(size)) != size {
		return nil
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil
	}
	return data
}

// rest is advice, so a system that does not take it is no error.
func rest(part []byte) {
	page := uintptr(os.Getpagesize())
	from := -uintptr(unsafe.Pointer(unsafe.SliceData(part))) % page // to where a page begins
	if n := (uintptr(len(part)) - from) &^ (page - 1); from < uintptr(len(part)) && n > 0 {
		_ = unix.Madvise(part[from:from+n], unix.MADV_DONTNEED)
	}
}

func unmap(data []byte) {
	syscall.Munmap(data) // it was mapped, so this cannot fail
}

// holds says that an address is within what is mapped.
func (c *Content) holds(address uintptr) bool {
	return c.file != nil && address-uintptr(unsafe.Pointer(unsafe.SliceData(c.Data))) < uintptr(len(c.Data))
}
