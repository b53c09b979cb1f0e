package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every script runs at its small size under the interpreter, then compiled and once more interpreted from what the
// first left in its folder: always with the same output, and after the first time without asking a model anything. The
// latter also shows that both ask for the same, to the last setting. The scripts share a store, so M0 is asked once for
// all of them.
func TestScripts(t *testing.T) {
	mains, err := filepath.Glob("*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("found scripts %v, %v", mains, err)
	}
	root, programs := t.TempDir(), t.TempDir()
	lidr := build(t, programs, "../lidr/cmd/lidr")
	for _, path := range mains {
		name := filepath.Dir(path)
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(source), "package main")
			commands := []string{"//	bin/lidr run scripts/" + name + " ", "//	go run ./scripts/" + name + " "}
			for _, want := range append(commands, "//go:build go1.21\n") {
				if !strings.Contains(head, want) {
					t.Errorf("the header lacks %q", want)
				}
			}
			dir, want := filepath.Join(root, name), ""
			interpreted, compiled := []string{lidr, "run", "scripts/" + name}, []string{build(t, programs, "./"+name)}
			for i, command := range [][]string{interpreted, compiled, interpreted} {
				var out, progress strings.Builder
				run := exec.Command(command[0], append(command[1:], "-small", "-dir", dir)...)
				run.Dir, run.Stdout, run.Stderr = "..", &out, &progress
				if err := run.Run(); err != nil {
					t.Fatalf("%q: %v\n%s%s", run.Args, err, out.String(), progress.String())
				}
				if i == 0 {
					want = out.String()
				}
				if got := out.String(); got == "" || got != want {
					t.Errorf("%q printed\n%s\nand the interpreter at first\n%s", run.Args, got, want)
				}
				if i > 0 && progress.Len() > 0 {
					t.Errorf("%q worked again:\n%s", run.Args, progress.String())
				}
			}
		})
	}
}

// build compiles a program into a folder and returns its path.
func build(t *testing.T, folder, source string) string {
	t.Helper()
	program := filepath.Join(folder, filepath.Base(source))
	if out, err := exec.Command("go", "build", "-ldflags=-w", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
