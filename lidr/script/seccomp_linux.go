package script

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changes are the system calls that change what Landlock does not guard: mode, owner, times and attributes of files,
// also of those that are open for reading alone. Nothing of ours makes them. Older forms, which only some processors
// have, are in olderChanges.
var changes = append([]uint32{
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT, unix.SYS_FILE_SETATTR,
}, olderChanges...)

// flagRequests are the requests of ioctl that change a file's flags, such as chattr's +i: FS_IOC_SETFLAGS,
// FS_IOC32_SETFLAGS and FS_IOC_FSSETXATTR.
var flagRequests = []uint32{0x40086602, 0x40046602, 0x401c5820}

// keepAttributes makes the kernel refuse the changes, in all threads of the process and in the programs that it starts,
// as it refuses to open a file. It is false where the kernel, or its configuration, knows no such filter.
func keepAttributes() (kept bool, err error) {
	if auditArch == 0 {
		return false, nil
	}
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		atMost = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
		refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)
		// struct seccomp_data: number, architecture, instruction pointer, arguments; the second one's low half is at 24
		number, architecture, request = 0, 4, 24
		other                         = 0x40000000 // x32's numbers begin here
	)
	filter := []unix.SockFilter{
		{Code: load, K: architecture}, {Code: equal, K: auditArch, Jt: 1}, {Code: answer, K: refuse},
		{Code: load, K: number}, {Code: atMost, K: other - 1, Jf: 1}, {Code: answer, K: refuse},
	}
	for _, call := range changes {
		filter = append(filter, unix.SockFilter{Code: equal, K: call, Jf: 1}, unix.SockFilter{Code: answer, K: refuse})
	}
	filter = append(filter, unix.SockFilter{Code: equal, K: unix.SYS_IOCTL, Jt: 1},
		unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW}, unix.SockFilter{Code: load, K: request})
	for _, flags := range flagRequests {
		filter = append(filter, unix.SockFilter{Code: equal, K: flags, Jf: 1}, unix.SockFilter{Code: answer, K: refuse})
	}
	filter = append(filter, unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW})

	runtime.LockOSThread() // the two calls are one thread's
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return false, fmt.Errorf("keeping the script from new privileges: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&program)))
	switch {
	case errno == 0:
		return true, nil
	case errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EINVAL):
		return false, nil
	}
	return false, fmt.Errorf("keeping the attributes of files from the script: %w", errno)
}
