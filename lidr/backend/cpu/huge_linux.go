package cpu

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page on amd64, and on arm64 with pages of 4 KiB.
const hugePage = 2 << 20

// huge asks the kernel for large pages, where they are not the rule: memory comes 2 MiB at a time, and is found again
// without walking tables. What it says is ignored: smaller pages hold the same.
func huge(mem []byte) {
	base := int(uintptr(unsafe.Pointer(unsafe.SliceData(mem))))
	from, to := roundUp(base, hugePage)-base, (base+len(mem))/hugePage*hugePage-base
	if from < to {
		_ = unix.Madvise(mem[from:to], unix.MADV_HUGEPAGE)
	}
}
