package script

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	isMain    = regexp.MustCompile(`(?m)^package main\b`)
	hasMain   = regexp.MustCompile(`(?m)^func main\(\)`)
	directive = regexp.MustCompile(`^// ?(\w+)`)
	buildLine = regexp.MustCompile(`(?m)^//(go:build| ?\+build) .*$`)
	badMain   = regexp.MustCompile(`(?m)^# conformance/(\S+)`)
)

// Every program of the folders that LIDR_CONFORMANCE names, like PATH, is run compiled and interpreted: what a script
// may be at all writes the same to both outputs and ends with the same exit code. Programs that do not end by
// themselves, or that write something else at each time, are left out.
func TestConformance(t *testing.T) {
	folders := filepath.SplitList(os.Getenv("LIDR_CONFORMANCE"))
	if len(folders) == 0 {
		t.Skip("LIDR_CONFORMANCE names no folder with programs; see make conformance")
	}
	table := "corpus | programs | accepted | equal | different | too slow\n"
	for _, folder := range folders {
		table += conform(t, folder) + "\n"
	}
	t.Log("\n" + table)
}

// conform runs the programs of a folder and returns their row of the table.
func conform(t *testing.T, folder string) string {
	work := t.TempDir()
	write := func(path, text string) string {
		path = filepath.Join(work, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	refusals := map[string]int{}
	var names []string
	programs := 0
	for name, source := range corpus(t, folder) {
		programs++
		path := write(filepath.Join(name, "main.go"), source)
		issues, err := Check(path)
		switch {
		case err != nil:
			refusals["not parsed"]++
		case len(issues) > 0:
			refusals[issues[0].Message]++
		default:
			names = append(names, name)
			continue
		}
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
	}
	for reason, n := range refusals {
		t.Logf("%d refused: %s", n, reason)
	}
	write("go.mod", "module conformance\n\ngo 1.21\n")
	uncompiled := compileAll(t, work)
	equal, different, slow, unstable := 0, 0, 0, 0
	compare(t, names, func(name string) {
		if uncompiled[name] {
			return
		}
		verdict := conforms(t, filepath.Join(work, "bin", name), filepath.Join(work, name, "main.go"))
		counting.Lock()
		defer counting.Unlock()
		switch verdict {
		case "":
			equal++
		case "slow":
			slow++
			t.Logf("%s: too slow", name)
		case "unstable":
			unstable++
		default:
			different++
			t.Errorf("%s: %s", name, verdict)
		}
	})
	accepted := len(names) - len(uncompiled)
	return fmt.Sprintf("%s | %d | %d | %d | %d | %d", folder, programs-unstable-len(uncompiled), accepted-unstable, equal,
		different, slow)
}

var counting sync.Mutex

// corpus returns the programs below a folder, with the line that gives them the meaning of scripts.
func corpus(t *testing.T, folder string) map[string]string {
	programs := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !isMain.Match(text) || !hasMain.Match(text) {
			return err
		}
		first, _, _ := bytes.Cut(text, []byte("\n"))
		if words := directive.FindSubmatch(first); words != nil && bytes.HasPrefix(first, []byte("// ")) {
			switch string(words[1]) {
			case "errorcheck", "compile", "build", "skip", "buildrun", "rundir", "runoutput", "asmcheck", "cmpout",
				"compiledir", "errorcheckdir", "errorcheckoutput", "buildrundir", "builddir", "runindir", "errorcheckandrundiag":
				return nil
			}
		}
		name, err := filepath.Rel(folder, strings.TrimSuffix(path, ".go"))
		if err != nil {
			return err
		}
		name = "p_" + strings.ReplaceAll(name, string(filepath.Separator), "__")
		programs[name] = "//go:build go1.21\n\n" + buildLine.ReplaceAllString(string(text), "//")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return programs
}

// compileAll compiles the programs of a module into its folder bin, and returns those that the compiler refuses.
func compileAll(t *testing.T, work string) map[string]bool {
	refused := map[string]bool{}
	for {
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", "bin"+string(filepath.Separator), "./...")
		build.Dir = work
		build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
		out, err := build.CombinedOutput()
		if err == nil {
			return refused
		}
		found := badMain.FindAllSubmatch(out, -1)
		if len(found) == 0 {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, match := range found {
			t.Logf("the compiler refuses what was accepted: %s\n%.300s", match[1], out)
			refused[string(match[1])] = true
			if err := os.RemoveAll(filepath.Join(work, string(match[1]))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// compare calls do for each name, a few at a time.
func compare(t *testing.T, names []string, do func(string)) {
	t.Helper()
	var wait sync.WaitGroup
	queue := make(chan string)
	for range runtime.NumCPU() {
		wait.Go(func() {
			for name := range queue {
				do(name)
			}
		})
	}
	for _, name := range names {
		queue <- name
	}
	close(queue)
	wait.Wait()
}

// conforms returns "" where a program writes the same compiled and interpreted, and else what is different.
func conforms(t *testing.T, program, source string) string {
	empty := t.TempDir()
	compiled, ended := executeWithin(t, empty, 10*time.Second, program)
	again, endedAgain := executeWithin(t, empty, 10*time.Second, program)
	if !ended || !endedAgain || compiled.out != again.out || compiled.code != again.code ||
		compiled.code == 0 && compiled.errors != again.errors {
		return "unstable"
	}
	interpreted, _ := executeWithin(t, empty, 2*time.Minute, os.Args[0], "run-script", source)
	switch {
	case interpreted.code == 2 && strings.Contains(interpreted.errors, "stopped after"):
		return "slow"
	case interpreted.code != compiled.code:
		return fmt.Sprintf("exit code %d, compiled %d\n%.300q\n%.300q", interpreted.code, compiled.code, interpreted.errors,
			compiled.errors)
	case interpreted.out != compiled.out:
		return fmt.Sprintf("output\n%s", firstDifference(interpreted.out, compiled.out))
	case compiled.code == 0 && interpreted.errors != compiled.errors:
		return fmt.Sprintf("errors\n%s", firstDifference(interpreted.errors, compiled.errors))
	}
	return ""
}

func firstDifference(got, want string) string {
	a := strings.Split(got, "\n")
	b := strings.Split(want, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("line %d: %.300q, compiled %.300q", i+1, a[i], strings.Join(b[i:min(i+1, len(b))], ""))
		}
	}
	return fmt.Sprintf("%d lines, compiled %d", len(a), len(b))
}
