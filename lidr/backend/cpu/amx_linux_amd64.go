package cpu

import "golang.org/x/sys/unix"

// tilesPermitted asks Linux to let this process use the data of tiles (arch_prctl's ARCH_REQ_XCOMP_PERM of state
// component 18), which it must before the first use, and which a kernel without AMX refuses. Tests replace it.
var tilesPermitted = func() bool {
	const request, tileData = 0x1023, 18
	_, _, err := unix.RawSyscall(unix.SYS_ARCH_PRCTL, request, tileData, 0)
	return err == 0
}
