//go:build !unix

// Package processes ends programs. Without process groups only the command itself is ended.
package processes

import (
	"os/exec"
	"time"
)

// Lead does nothing.
func Lead(*exec.Cmd) {}

// End kills the command: there is no asking.
func End(command *exec.Cmd) error { return command.Process.Kill() }

// Kill does nothing.
func Kill(*exec.Cmd, time.Duration) {}
