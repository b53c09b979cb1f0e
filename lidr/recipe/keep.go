package recipe

import (
	"fmt"
	"io"
	"os/exec"

	"lidrlab/lidr/processes"
)

// Keep runs a command until it ends by itself, or until held does: then it and all that it has started are asked to
// end, and killed after a while.
// With the standard input of another process as held, the command ends with that process, however that ends.
func Keep(held io.Reader, command []string, out io.Writer) error {
	if len(command) == 0 {
		return fmt.Errorf("no command, expected one to keep")
	}
	process := exec.Command(command[0], command[1:]...)
	process.Stdout, process.Stderr = out, out
	processes.Lead(process)
	if err := process.Start(); err != nil {
		return err
	}
	ended, let := make(chan error, 1), make(chan struct{})
	go func() { ended <- process.Wait() }()
	go func() {
		defer close(let)
		_, _ = io.Copy(io.Discard, held) // an error is an end too
	}()
	var failed error
	select {
	case failed = <-ended: // what it has started may be there yet
		close(ended)
	case <-let:
	}
	_ = processes.End(process) // fails where none is left
	processes.Kill(process, leaving)
	<-ended
	return failed
}
