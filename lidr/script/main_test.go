package script

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The test program is also the command that runs a script, and its process.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 {
		s := Script{Path: os.Args[2], Args: os.Args[3:], Memory: 8 << 30, Timeout: 20 * time.Second}
		switch os.Args[1] {
		case "run-script":
			code, err := s.Run(context.Background(), append([]string{os.Args[0], "child-script"}, os.Args[2:]...))
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 2
			}
			os.Exit(code)
		case "child-script":
			os.Exit(s.Child())
		}
	}
	os.Exit(m.Run())
}

// result is what a program wrote, and its exit code.
type result struct {
	out, errors string
	code        int
}

// runScript runs a script, a source text, as lidr run does.
func runScript(t *testing.T, source string) result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.go")
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	return execute(t, t.TempDir(), os.Args[0], "run-script", path)
}

func execute(t *testing.T, folder string, command ...string) result {
	t.Helper()
	var out, errors bytes.Buffer
	run := exec.Command(command[0], command[1:]...)
	run.Dir, run.Stdout, run.Stderr = folder, &out, &errors
	err := run.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return result{out.String(), errors.String(), run.ProcessState.ExitCode()}
}
