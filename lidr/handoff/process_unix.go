//go:build unix

package handoff

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// leadGroup has the command lead a process group, to which all that it starts belongs: a trainer is a tree of
// processes.
func leadGroup(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endGroup asks all processes of a command's group to end.
func endGroup(command *exec.Cmd) error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }

// killGroup kills those of a command's group that are still there after a while.
func killGroup(command *exec.Cmd, after time.Duration) {
	for deadline := time.Now().Add(after); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if errors.Is(syscall.Kill(-command.Process.Pid, 0), syscall.ESRCH) {
			return
		}
	}
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // fails where none is left
}

// lockFile locks a file for this process and those that inherit it. free is false where others hold the lock.
func lockFile(file *os.File) (free bool, err error) {
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
