package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// What the paper's experiment costs is the same interpreted and compiled, and the judge is asked in both orders only
// where models meet each other.
func TestPaperCosts(t *testing.T) {
	root, programs := t.TempDir(), t.TempDir()
	for folder, n := range map[string]int{"train": 2000, "alpaca": 5} {
		for _, lang := range []string{"en", "es", "ru", "de", "fr", "zh", "ja", "sw", "th", "bn"} {
			var lines strings.Builder
			for i := range n {
				fmt.Fprintf(&lines, `{"id": "%d", "lang": %q, "prompt": "What is %d?", "answer": "%d"}`+"\n", i, lang, i, i)
			}
			path := filepath.Join(root, folder, lang+".jsonl")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(lines.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	interpreted := []string{build(t, programs, "../lidr/cmd/lidr"), "run", "--read", root, "scripts/paper"}
	for _, recipe := range []string{"llama3_instruct", "head_to_head"} {
		var outputs []string
		for _, command := range [][]string{interpreted, {build(t, programs, "./paper")}} {
			args := append(command[1:], "-recipe", recipe, "-dry", "-set", "prompts.source="+filepath.Join(root, "train"))
			run := exec.Command(command[0], append(args, "-set", "instructions.source="+filepath.Join(root, "alpaca"))...)
			run.Dir = ".."
			out, err := run.CombinedOutput()
			if err != nil {
				t.Fatalf("%q: %v\n%s", run.Args, err, out)
			}
			outputs = append(outputs, string(out))
		}
		if outputs[0] != outputs[1] {
			t.Errorf("interpreted:\n%s\ncompiled:\n%s", outputs[0], outputs[1])
		}
		// 5 instructions in 5 languages with references and in 6 without.
		name, requests := "M0-reference", "25"
		if recipe == "head_to_head" {
			name, requests = "M2-M0", "60"
		}
		if row := regexp.MustCompile("judge " + name + ` +` + requests + " "); !row.MatchString(outputs[0]) {
			t.Errorf("expected %s requests for %s, and found\n%s", requests, name, outputs[0])
		}
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
