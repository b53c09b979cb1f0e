package recipe

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Keep runs a command until it ends by itself, or until held does: then it is asked to end, and killed after a while.
// With the standard input of another process as held, the command ends with that process, however that ends.
func Keep(held io.Reader, command []string, out io.Writer) error {
	if len(command) == 0 {
		return fmt.Errorf("no command, expected one to keep")
	}
	process := exec.Command(command[0], command[1:]...)
	process.Stdout, process.Stderr = out, out
	if err := process.Start(); err != nil {
		return err
	}
	ended, let := make(chan error, 1), make(chan struct{})
	go func() { ended <- process.Wait() }()
	go func() {
		defer close(let)
		_, _ = io.Copy(io.Discard, held) // an error is an end too
	}()
	select {
	case err := <-ended:
		return err
	case <-let:
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil { // on Windows there is no asking
		_ = process.Process.Kill()
	}
	select {
	case <-ended:
	case <-time.After(leaving):
		_ = process.Process.Kill()
		<-ended
	}
	return nil
}
