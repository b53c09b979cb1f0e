package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every script runs at its small size, and a second time from what the first left in its folder: with the same output,
// and without asking a model anything. The scripts share a store, so M0 is asked once for all of them.
func TestScripts(t *testing.T) {
	mains, err := filepath.Glob("*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("found scripts %v, %v", mains, err)
	}
	root, programs := t.TempDir(), t.TempDir()
	for _, path := range mains {
		name := filepath.Dir(path)
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			head, _, _ := strings.Cut(string(source), "package main")
			for _, want := range []string{"//go:build go1.21\n", "//	bin/lidr run scripts/" + name + " ", "//	go run ./scripts/" + name + " "} {
				if !strings.Contains(head, want) {
					t.Errorf("the header lacks %q", want)
				}
			}
			program := filepath.Join(programs, name)
			if out, err := exec.Command("go", "build", "-o", program, "./"+name).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			run := func() (stdout, stderr string) {
				var out, progress strings.Builder
				command := exec.Command(program, "-small", "-dir", filepath.Join(root, name))
				command.Stdout, command.Stderr = &out, &progress
				if err := command.Run(); err != nil {
					t.Fatalf("%v\n%s%s", err, out.String(), progress.String())
				}
				return out.String(), progress.String()
			}
			first, _ := run()
			second, progress := run()
			if first == "" || first != second {
				t.Errorf("printed\n%s\nand the second time\n%s", first, second)
			}
			if progress != "" {
				t.Errorf("worked again the second time:\n%s", progress)
			}
		})
	}
}
