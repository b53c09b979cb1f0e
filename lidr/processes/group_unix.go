//go:build unix

// Package processes ends programs with all that they have started: a trainer and a server are trees of processes.
package processes

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// Lead has a command that is not started yet lead a process group, to which all that it starts belongs.
func Lead(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// End asks all processes of a command's group to end.
func End(command *exec.Cmd) error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }

// Kill kills those of a command's group that are still there after a while.
func Kill(command *exec.Cmd, after time.Duration) {
	for deadline := time.Now().Add(after); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if errors.Is(syscall.Kill(-command.Process.Pid, 0), syscall.ESRCH) {
			return
		}
	}
	_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // fails where none is left
}
