//go:build linux && amd64

package amx

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Run runs a command with AMX emulated and waits for its end; it counts the instructions that were emulated. The
// command's threads are followed, its processes are not.
func Run(cmd *exec.Cmd) (instructions int, err error) {
	runtime.LockOSThread() // one thread may trace
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	instructions, err = trace(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill() // it may have ended
	}
	_ = cmd.Wait() // the tracer has seen its end; this ends the copying of its output
	return instructions, err
}

// trace follows the threads of a process that has stopped at its start.
func trace(pid int) (instructions int, err error) {
	threads := map[int]*tiles{}
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-pid, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return instructions, fmt.Errorf("waiting for the traced process: %w", err)
		case status.Exited() || status.Signaled():
			delete(threads, tid)
			if tid != pid {
				continue
			}
			if status.Signaled() || status.ExitStatus() != 0 {
				return instructions, fmt.Errorf("the process ended with status %d, signal %v", status.ExitStatus(), status.Signal())
			}
			return instructions, nil
		}
		signal := status.StopSignal()
		first := threads[tid] == nil
		if first {
			threads[tid] = &tiles{}
		}
		switch {
		case first && tid == pid: // stopped at its start
			err = unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL)
			signal = 0
		case first && signal == unix.SIGSTOP, signal == unix.SIGTRAP && status.TrapCause() > 0:
			signal = 0 // a new thread
		case signal == unix.SIGILL:
			var ours bool
			if ours, err = emulate(tid, threads[tid]); ours {
				signal = 0
				instructions++
			}
		}
		if err == nil {
			err = unix.PtraceCont(tid, int(signal))
		}
		if err != nil && err != unix.ESRCH { // the thread may have been ended meanwhile
			return instructions, err
		}
	}
}

// emulate does what the instruction at which a thread has stopped does, if it is one of AMX.
func emulate(tid int, t *tiles) (ours bool, err error) {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return false, err
	}
	code := make([]byte, 15)
	n, err := copyMemory(tid, unix.ProcessVMReadv, regs.Rip, 0, code)
	if err != nil {
		return false, err
	}
	in, ok := decode(code[:n], &regs)
	if !ok {
		return false, nil
	}
	if err := in.run(t, tid); err != nil {
		return true, fmt.Errorf("at %#x: %w", regs.Rip, err)
	}
	regs.Rip += uint64(in.size)
	return true, unix.PtraceSetRegs(tid, &regs)
}

// copyMemory reads or writes rows of a process's memory, stride bytes apart.
func copyMemory(pid int, move transfer, address, stride uint64, rows ...[]byte) (bytes int, err error) {
	local, remote := make([]unix.Iovec, len(rows)), make([]unix.RemoteIovec, len(rows))
	for i, row := range rows {
		local[i].Base = &row[0]
		local[i].SetLen(len(row))
		remote[i] = unix.RemoteIovec{Base: uintptr(address + uint64(i)*stride), Len: len(row)}
	}
	return move(pid, local, remote, 0)
}

type transfer func(pid int, local []unix.Iovec, remote []unix.RemoteIovec, flags uint) (int, error)
