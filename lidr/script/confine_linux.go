package script

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// confine lets this process, whatever code of it runs, reach files only as far as a says, and start no program. The
// kernel's Landlock, from 5.13 on, enforces it; elsewhere confined is false.
func confine(a access) (confined bool, err error) {
	if version, err := landlocksys.LandlockGetABIVersion(); err != nil || version < 1 {
		return false, nil
	}
	const read = landlocksys.AccessFSReadFile | landlocksys.AccessFSReadDir
	rules := []landlock.Rule{
		landlock.RWFiles(os.DevNull),
		// What the standard library and package plots read by themselves: time zones, certificates, name servers,
		// shared libraries, and the fonts of scripts that ours lacks.
		landlock.PathAccess(read, "/usr/lib", "/usr/lib64", "/usr/share", "/usr/local/share/fonts", "/lib", "/lib64",
			"/etc/ssl", "/etc/fonts", "/proc/self", "/sys/devices/system/cpu").IgnoreIfMissing(),
		landlock.PathAccess(landlocksys.AccessFSReadFile, "/etc/localtime", "/etc/resolv.conf", "/etc/hosts",
			"/etc/nsswitch.conf", "/etc/ld.so.cache", "/proc/meminfo", "/proc/cpuinfo", "/dev/urandom").IgnoreIfMissing(),
	}
	for _, path := range a.read {
		rights := landlock.AccessFSSet(read)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			rights = landlocksys.AccessFSReadFile
		}
		rules = append(rules, landlock.PathAccess(rights, path).IgnoreIfMissing())
	}
	for _, path := range a.write {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			rules = append(rules, landlock.RWFiles(path))
		} else {
			rules = append(rules, landlock.RWDirs(path).WithRefer().IgnoreIfMissing())
		}
	}
	if err := landlock.V6.BestEffort().RestrictPaths(rules...); err != nil {
		return false, fmt.Errorf("confining the script to its folders: %w", err)
	}
	return true, nil
}

// limitMemory makes the process fail to get more than limit bytes of memory of its own.
func limitMemory(limit uint64) error {
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit})
}

// dieWithParent has the kernel end the child when the thread that started it ends.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
