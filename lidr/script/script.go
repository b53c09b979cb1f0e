// Package script runs Go programs in the yaegi interpreter: the same file that `go run` compiles, started in
// milliseconds and confined to its folders.
//
//	lidr run scripts/alpha -n 1000
//
// [Check] lists what keeps a script from running. [Script.Run] starts a process for the script and limits its memory
// and time. In that process, [Script.Child] provides lidr, plots, datasets, gota, gonum/plot and the harmless part of
// the standard library ([library]) and restricts the script's own file functions to its folders ([access]); on Linux
// the kernel restricts every package to them ([confine]). A script sees no environment variable that could hold a key
// unless Script.Env names it.
//
// # What a script means
//
// A script means what it means to the compiler, at version 1.21 of the language. The interpreter gives many constructs
// another meaning, which no list of them ends; so it never sees a script. go/types checks it against packages that are
// made of the linked ones (package host), go/ssa brings it into functions of simple statements, and those are written
// as Go again (package lower): variables, one operation or call a statement, blocks that end in a goto. The interpreter
// runs these as the compiler does. What it does otherwise even of that, interfaces and methods, closures, deferred
// calls, panics, maps, channels, conversions, are calls of package value, which holds the script's types. Refused with
// its line is what has no such form: a host that would look into a value and not find its methods, a function that
// calls recover and is used as a value, and a statement whose meaning Go leaves open, as x + f() where f changes x.
//
// The measure is conformance (make conformance): the programs of a corpus write the same, and end with the same exit
// code, compiled and interpreted. Programs are those that end by themselves and write the same each time. Accepted are
// those that a script may be at all: most of the others import net/http, unsafe, reflect or os/exec, or are of a later
// version of the language. Too slow are those that compute for more than half a minute (interpreted, a step takes some
// hundred times as long).
//
//	corpus                            programs  accepted  equal  different  too slow
//	yaegi v0.16.1, _test                   934       781    781          0         0
//	Go 1.26, test                         1208       762    753          0         9
//	this project, scripts                   20        20     20          0         0
//
// Random programs over all forms of the language are written and compared too, a few in each test; of 10,000 on the
// code of that table none differed.
//
// What package fmt writes of values of the host that hold ones of the script is written here, hidden fields included.
// Refused, some of it at run time, are %#v and %d of a run-time error, the name of a script's type in xml and gob, and
// bytes of a named type in log/slog. Where all goroutines wait for each other the script ends as the compiled one does,
// in a lidr that is built without C, as those of make dist are; in another it waits for the timeout.
//
// A script starts in about 95 ms on an idle machine. Of the processors it takes 0.12 s, checked and lowered twice.
package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"lidrlab/lidr/gguf"
	"lidrlab/lidr/hub"
	"lidrlab/lidr/ledger"
)

// Script is a script with its arguments and its limits.
type Script struct {
	Path    string // a folder with main.go, or a file
	Args    []string
	Timeout time.Duration // 0 for none
	Memory  uint64        // bytes that the script and the packages that it calls may use
	Read    []string      // paths that may be read besides the current folder, $LIDR_DATA and the folders of models
	Write   []string      // paths that may be written besides runs, the script's -dir and the store beside that
	Env     []string      // names of environment variables that the script sees besides those of [passed]
}

// passed are the environment variables that a script sees. The others, keys and passwords among them, are hidden.
const passed = `PATH HOME USER LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES TZ TERM COLUMNS NO_COLOR
GOMAXPROCS GOMEMLIMIT GOGC GODEBUG LIDR_DATA LIDR_BACKEND LIDR_HOME HF_HOME HF_HUB_CACHE HF_HUB_OFFLINE HF_ENDPOINT
OLLAMA_MODELS XDG_CACHE_HOME SSL_CERT_FILE SSL_CERT_DIR SYSTEMROOT USERPROFILE LOCALAPPDATA`

func (s Script) environment() []string {
	var env []string
	for _, name := range append(strings.Fields(passed), s.Env...) {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Failure says, in one line, why a script was refused or stopped.
type Failure string

func (f Failure) Error() string { return string(f) }

// grace is how long a script may go on after the request to end.
const grace = time.Second

// Run checks the script and runs it in a process of its own, with this process's input and outputs, and returns its
// exit code. The command is this program's own command line that leads to [Script.Child]. A [Failure] says that the
// script was refused, crashed, took too long or too much memory; the error is the context's where that was cancelled.
func (s Script) Run(ctx context.Context, command []string) (int, error) {
	issues, err := Check(s.Path)
	if err != nil {
		return 0, Failure(err.Error())
	}
	if len(issues) > 0 {
		lines := make([]string, len(issues))
		for i, issue := range issues {
			lines[i] = issue.String()
		}
		return 0, Failure(strings.Join(lines, "\n"))
	}
	temporary, err := os.MkdirTemp("", "lidr-run-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(temporary)
	defer s.makeFolders()()

	running := ctx
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		running, cancel = context.WithTimeout(ctx, s.Timeout)
		defer cancel()
	}
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	var crash head
	child := exec.CommandContext(running, program, command[1:]...)
	child.Args[0] = command[0]
	child.Env = append(s.environment(), "TMPDIR="+temporary)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, &crash
	child.ExtraFiles = []*os.File{os.Stderr}
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
	child.WaitDelay = grace
	dieWithParent(child)
	runtime.LockOSThread() // the child dies with this thread
	defer runtime.UnlockOSThread()
	if err := child.Start(); err != nil {
		return 0, err
	}
	err = child.Wait()
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case running.Err() != nil:
		return 0, Failure(fmt.Sprintf("%s: stopped after %s (--timeout); what it wrote so far "+
			"stays, the same command continues, and --timeout 0 lifts the limit", s.Path, s.Timeout))
	case crash.Len() > 0:
		return 0, Failure(crashMessage(s.Path, crash.String(), s.Memory))
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if !exit.Exited() {
		return 0, Failure(fmt.Sprintf("%s: the system ended it (%s), perhaps for want of memory", s.Path, exit))
	}
	return exit.ExitCode(), nil
}

// name is the name of the script's program when it is compiled.
func (s Script) name() string {
	name := filepath.Base(filepath.Clean(s.Path))
	if name == "main.go" {
		name = filepath.Base(filepath.Dir(s.Path))
	}
	return strings.TrimSuffix(name, ".go")
}

// runFolder is the value of the script's -dir, "" without one: of several the last, as package flag has it, and none
// behind the end of the flags.
func (s Script) runFolder() string {
	folder := ""
	for i, arg := range s.Args {
		if arg == "--" {
			break
		}
		flag, value, joined := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if flag != "-dir" && flag != "dir" || !strings.HasPrefix(arg, "-") {
			continue
		}
		if joined {
			folder = value
		} else if i+1 < len(s.Args) {
			folder = s.Args[i+1]
		}
	}
	return folder
}

// written returns the paths that the script may write, without its temporary folder: beside runs and --write its run
// folder, and beside that the store that runs share, unless the folder can be no run's.
func (s Script) written() []string {
	paths := append([]string{"runs"}, s.Write...)
	dir := s.runFolder()
	if dir == "" || !isOwn(dir) {
		return paths
	}
	paths = append(paths, dir)
	if store := ledger.StoreBeside(dir); isOwn(store) {
		paths = append(paths, store)
	}
	return paths
}

// isOwn tells whether a folder that -dir names can be a script's own. One that holds the current folder, the user's
// home or a clone, or lies among their settings, has other things in it: only --write opens it. A run folder may be the
// current one.
func isOwn(folder string) bool {
	real, err := realPath(folder)
	if err != nil {
		return false
	}
	if info, err := os.Stat(real); err == nil && !info.IsDir() || exists(filepath.Join(real, ".git")) ||
		slices.Contains(strings.Split(real, string(filepath.Separator)), ".git") {
		return false
	}
	work, err := os.Getwd()
	if err == nil {
		work, err = realPath(work)
	}
	if err != nil || within(real, work) && (real != work || !exists(filepath.Join(real, "settings.json"))) {
		return false
	}
	home, err := os.UserHomeDir()
	if err == nil {
		home, err = realPath(home)
	}
	switch {
	case err != nil: // there is none
		return true
	case within(real, home):
		return false
	}
	inside, err := filepath.Rel(home, real)
	return err != nil || inside[0] != '.' || strings.HasPrefix(inside, "..") // not a folder such as ~/.ssh
}

// within tells whether a path is the folder or below it; both are real.
func within(folder, path string) bool {
	inside, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(inside)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// makeFolders makes the folders that the script may write, since the kernel confines to what exists. The function that
// it returns removes those that stayed empty.
func (s Script) makeFolders() (forget func()) {
	var made []string
	for _, path := range s.written() {
		var missing []string // the folder and those above it, from the top
		for at := filepath.Clean(path); !exists(at) && at != filepath.Dir(at); at = filepath.Dir(at) {
			missing = append([]string{at}, missing...)
		}
		if err := os.MkdirAll(path, 0o755); err == nil { // at an error the script cannot write there, and may not need to
			made = append(made, missing...)
		}
	}
	return func() {
		for _, path := range slices.Backward(made) {
			_ = os.Remove(path) // fails where the script wrote something, as it should
		}
	}
}

// access resolves the paths that the script may read and write.
func (s Script) access() (access, error) {
	read := append([]string{".", s.Path}, s.Read...)
	if path := os.Getenv("LIDR_DATA"); path != "" {
		read = append(read, path)
	}
	if path, err := hub.Cache(); err == nil { // not the folder above, which holds the hub's token
		read = append(read, path)
	}
	if path, err := gguf.OllamaModels(); err == nil { // not the folder above, which holds its keys
		read = append(read, path)
	}
	var a access
	for _, path := range read {
		real, err := realPath(path)
		if err != nil {
			return a, err
		}
		a.read = append(a.read, real)
	}
	for _, path := range append(s.written(), os.TempDir()) {
		real, err := realPath(path)
		if err != nil {
			return a, err
		}
		a.write = append(a.write, real)
	}
	return a, nil
}

// head keeps the first part of what is written to it.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	if room := 1<<20 - h.Len(); room > 0 {
		h.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
