package script

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"

	"github.com/traefik/yaegi/interp"

	"lidrlab/lidr/printable"
)

// errorFile is the script's standard error in its process. File 2, where Go's runtime writes a crash, goes to the
// parent, which makes a short message of it.
const errorFile = 3

// Child runs the script in this process, which [Script.Run] started for it, and returns the exit code.
func (s Script) Child() int {
	crash := os.Stderr
	os.Stderr = os.NewFile(errorFile, "stderr")
	if _, err := os.Stderr.Stat(); err != nil {
		fmt.Fprintln(crash, "lidr starts this process itself; use lidr run")
		return 2
	}
	signal.Reset() // a signal ends the script at once, as it ends a compiled one; its run folder keeps what it computed
	if err := s.interpret(crash); err != nil {
		fmt.Fprintln(printable.Writer(os.Stderr), "lidr:", err)
		return 2
	}
	return ExitCode(nil)
}

// interpret compiles and executes the script. Where it panics, what, where and the calls go to crash.
func (s Script) interpret(crash io.Writer) error {
	files, err := s.access()
	if err != nil {
		return err
	}
	os.Args = append([]string{s.name()}, s.Args...)
	flag.CommandLine = flag.NewFlagSet(s.name(), flag.ExitOnError)
	program, machine, issues, err := compile(s.Path, files)
	if err != nil {
		return err
	}
	if len(issues) > 0 {
		return issues[0] // the script changed since it was checked
	}
	i := interp.New(interp.Options{Stderr: machine.Trace, Unrestricted: true})
	if err := i.Use(interp.Exports{"h/h": program.Symbols}); err != nil {
		return err
	}
	debug.SetMemoryLimit(int64(s.Memory - s.Memory/8)) // collect hard before the limit is reached
	if err := limitMemory(s.Memory); err != nil {
		return fmt.Errorf("limiting the script's memory: %w", err)
	}
	confined, err := confine(files)
	if err != nil {
		return err
	}
	kept, err := keepAttributes()
	if err != nil {
		return err
	}
	var open []string
	if !confined {
		open = append(open, "no Landlock: the script's own calls on files are checked, those of the packages that it calls "+
			"are not")
	}
	if !kept {
		open = append(open, "no seccomp filter: the script may change mode and owner of files that it can read")
	}
	if len(open) > 0 {
		fmt.Fprintln(os.Stderr, "lidr: this system has", strings.Join(open, ", and "))
	}
	log.SetOutput(io.Discard) // the interpreter's compiler logs beside its errors
	compiled, err := i.Compile(program.Source)
	if err != nil {
		return fmt.Errorf("%s: the interpreter does not take the form that this script was brought into (%w); "+
			"please report it, and use go run", s.Path, err)
	}
	machine.Crashed = func(r any) {
		fmt.Fprint(crash, crashMark, crashText(program, machine, r))
		os.Exit(2)
	}
	log.SetOutput(hinting{os.Stderr})
	_, err = i.Execute(compiled)
	var panicked interp.Panic
	if errors.As(err, &panicked) {
		machine.Crashed(panicked.Value)
	}
	return err
}

const accessHint = "lidr: a script reads below the current folder and writes below runs, its -dir folder, the store " +
	"beside that and the temporary folder, and changes no file's mode or owner; allow more with --read PATH and " +
	"--write PATH"

// hinting adds to an error how to allow what the kernel refused: the packages that return these errors do not know that
// a script runs.
type hinting struct{ out io.Writer }

func (h hinting) Write(line []byte) (int, error) {
	n, err := printable.Writer(h.out).Write(line)
	if err == nil && bytes.Contains(line, []byte("permission denied")) {
		_, err = fmt.Fprintln(h.out, accessHint)
	}
	return n, err
}
