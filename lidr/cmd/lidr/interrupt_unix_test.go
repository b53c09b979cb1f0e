//go:build unix

package main

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Every command ends within two seconds of an interrupt, also inside of what takes minutes: drawing half a million
// problems, a script's loop, a line of the shell.
func TestInterrupt(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		input  string
		signal syscall.Signal
	}{
		"demo":  {[]string{"demo", "--n", "500000", "--rounds", "1", "--dir", t.TempDir()}, "", syscall.SIGTERM},
		"shell": {[]string{"repl"}, "for { }\n", syscall.SIGTERM},
		"idle":  {[]string{"repl"}, "", syscall.SIGINT},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			command := exec.Command("lidr", c.args...)
			command.Stderr = &said
			input, err := command.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer input.Close()
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := input.Write([]byte(c.input)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second) // for the signals to be heeded
			began := time.Now()
			if err := command.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			err = command.Wait()
			took := time.Since(began)
			if took > 3*time.Second { // this machine may be busy
				t.Errorf("it ended after %v", took)
			}
			last := "lidr: interrupted\n"
			if name == "demo" {
				last = "lidr: interrupted; this continues where it stopped: lidr demo --n 500000 --rounds 1 --dir " +
					c.args[6] + "\n"
			}
			if code := command.ProcessState.ExitCode(); code != 130 || !strings.HasSuffix(said.String(), last) {
				t.Errorf("exit code %d (%v): %s", code, err, said.String())
			}
		})
	}
}
