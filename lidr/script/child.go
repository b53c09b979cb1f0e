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
		var panicked interp.Panic
		if errors.As(err, &panicked) {
			fmt.Fprintf(crash, "panic: %v\n", panicked.Value)
		} else {
			fmt.Fprintln(printable.Writer(os.Stderr), "lidr:", err)
		}
		return 2
	}
	return ExitCode(nil)
}

// interpret compiles and executes the script. Where it panics, the interpreter writes the positions to crash, innermost
// first.
func (s Script) interpret(crash io.Writer) error {
	file, err := source(s.Path)
	if err != nil {
		return err
	}
	files, err := s.access()
	if err != nil {
		return err
	}
	os.Args = append([]string{s.name()}, s.Args...)
	flag.CommandLine = flag.NewFlagSet(s.name(), flag.ExitOnError)
	i := interp.New(interp.Options{Stderr: crash, Unrestricted: true})
	if err := i.Use(library(files)); err != nil {
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
	program, err := compile(i, file)
	if err != nil {
		return err
	}
	log.SetOutput(hinting{os.Stderr})
	_, err = i.Execute(program)
	return err
}

// compile turns the panics that the interpreter's compiler ends in on some constructs into an error.
func compile(i *interp.Interpreter, file string) (program *interp.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: the interpreter does not support a construct of this script, "+
				"often a range over a number or a function (%v); use go run", file, r)
		}
	}()
	return i.CompilePath(file)
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
