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
		s := Script{Path: os.Args[2], Args: os.Args[3:], Memory: 8 << 30, Timeout: time.Minute}
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
	got, ended := executeWithin(t, folder, 5*time.Minute, command...)
	if !ended {
		t.Fatalf("%q does not end", command)
	}
	return got
}

// executeWithin tells also whether the program ended within a time.
func executeWithin(t *testing.T, folder string, limit time.Duration, command ...string) (got result, ended bool) {
	t.Helper()
	var out, errors bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	run := exec.CommandContext(ctx, command[0], command[1:]...)
	run.Dir, run.Stdout, run.Stderr = folder, &out, &errors
	run.WaitDelay = time.Second
	err := run.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited && ctx.Err() == nil {
		t.Fatal(err)
	}
	return result{out.String(), errors.String(), run.ProcessState.ExitCode()}, ctx.Err() == nil
}
