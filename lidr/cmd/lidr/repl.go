package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/ergochat/readline"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lidrlab/lidr"
	"lidrlab/lidr/script"
)

const replHelp = `Type Go. An expression's value is shown; declarations are kept. Imported are lidr, judge, handoff,
choices, doctor, pretrain, eval, plots, datasets, miniature, paper, dataframe, series, plot, plotter, vg and the usual
packages of Go. Tab completes, Ctrl-C stops a line that runs.

  m0, err := lidr.LoadModel("miniature")
  paper.MGSM()[0]

  :help   this
  :quit   leave, as does Ctrl-D
`

var replCommands = []string{":help", ":quit"}

// running is what a signal must know: how the line that runs is stopped, if one does, and the editor of the terminal.
type running struct {
	stop   atomic.Pointer[context.CancelFunc]
	editor atomic.Pointer[readline.Instance]
}

// heedSignals stops the line that runs at an interrupt, and the program at any other signal.
func (r *running) heedSignals() {
	signals := make(chan os.Signal, 1)
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	for sent := range signals {
		if stop := r.stop.Load(); stop != nil && sent == os.Interrupt {
			(*stop)()
			continue
		}
		if editor := r.editor.Load(); editor != nil {
			editor.Close() // gives the terminal back as it was
		}
		interrupted()
	}
}

// replCommand reads Go from the terminal, or from a pipe, and shows what it gives.
func replCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "repl",
		Short: "Type Go line by line, with lidr's packages imported",
		Long:  "Type Go line by line, with lidr's packages imported.\n\n" + replHelp,
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var line running
			go line.heedSignals()
			shell, err := script.NewShell()
			if err != nil {
				return err
			}
			if !term.IsTerminal(int(os.Stdin.Fd())) {
				lines := bufio.NewScanner(os.Stdin)
				lines.Buffer(nil, 1<<20)
				return repl(shell, &line, func(bool) (string, error) {
					if !lines.Scan() {
						return "", errors.Join(lines.Err(), io.EOF)
					}
					return lines.Text(), nil
				})
			}
			editor, err := readline.NewFromConfig(&readline.Config{HistoryFile: historyFile(), AutoComplete: completer{shell}})
			if err != nil {
				return err
			}
			defer editor.Close()
			line.editor.Store(editor)
			fmt.Fprintln(stdout, "lidr repl; :help says how it works")
			return repl(shell, &line, func(more bool) (string, error) {
				prompt := "lidr> "
				if more {
					prompt = "  ... "
				}
				editor.SetPrompt(prompt)
				return editor.ReadLine()
			})
		},
	}
}

// repl evaluates lines until there are no more. Errors of a line are shown and end nothing.
func repl(shell *script.Shell, line *running, read func(more bool) (string, error)) error {
	more := false
	for {
		text, err := read(more)
		switch {
		case errors.Is(err, readline.ErrInterrupt):
			shell.Reset()
			more = false
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch strings.TrimSpace(text) {
		case ":quit":
			return nil
		case ":help":
			fmt.Fprint(stdout, replHelp)
			continue
		}
		ctx, stop := context.WithCancel(context.Background())
		line.stop.Store(&stop)
		value, open, err := shell.Eval(ctx, text)
		line.stop.Store(nil)
		stop()
		if more = open; err == nil {
			err = display(value)
		}
		if err != nil {
			fmt.Fprintln(stderr, err)
		}
	}
}

func display(value reflect.Value) error {
	if !value.IsValid() || !value.CanInterface() {
		return nil
	}
	switch x := value.Interface().(type) {
	case error:
		fmt.Fprintln(stdout, x)
	case nil:
		fmt.Fprintln(stdout, "nil")
	default:
		if kind := reflect.TypeOf(x).Kind(); kind == reflect.Func || kind == reflect.Chan {
			fmt.Fprintln(stdout, reflect.TypeOf(x))
			return nil
		}
		return lidr.Show(x)
	}
	return nil
}

// historyFile is in the user's cache folder; "", which keeps no history, where there is none.
func historyFile() string {
	cache, err := os.UserCacheDir()
	if err != nil || os.MkdirAll(filepath.Join(cache, "lidr"), 0o700) != nil {
		return ""
	}
	return filepath.Join(cache, "lidr", "history")
}

// completer completes the shell's names and the commands.
type completer struct{ shell *script.Shell }

func (c completer) Do(line []rune, pos int) (continuations [][]rune, length int) {
	typed := string(line[:pos])
	completions, length := c.shell.Complete(typed)
	if strings.HasPrefix(typed, ":") {
		completions, length = nil, len(typed)
		for _, command := range replCommands {
			if strings.HasPrefix(command, typed) {
				completions = append(completions, command)
			}
		}
	}
	for _, completion := range completions {
		continuations = append(continuations, []rune(completion[length:]))
	}
	return continuations, length
}
