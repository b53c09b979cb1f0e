package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"lidrlab/lidr/script"
)

// runCommand runs a script in a process of its own and ends with the script's exit code.
func runCommand() *cobra.Command {
	var s script.Script
	memory := "8GiB"
	child := false
	cmd := &cobra.Command{
		Use:   "run [flags] SCRIPT [arguments]",
		Short: "Run a script: a folder with main.go, or a Go file",
		Long: `Run a script: a folder with main.go, or a Go file. go run prints the same, and starts more slowly.
What the compiler refuses is refused with its words, and so is the little that cannot be interpreted with its meaning.

A script may read below the current folder, $LIDR_DATA, the Hugging Face cache and Ollama's models, and write below
runs, the folder that its own -dir names and the store beside that. It changes no file's mode or owner, cannot start
programs, reaches the network through lidr only, and sees the usual environment variables and those of --env. The exit
code is the script's own where it calls os.Exit. Otherwise it is that of "lidr --help": a script that ends has 0, or 3
with items left out; log.Fatal of an error has 1, or 75 where a training is handed off, and 2 is for a script that was
refused, crashed or went beyond a limit.`,
		Example: "  lidr run scripts/alpha -n 1000 -dir runs/alpha",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s.Path, s.Args = args[0], args[1:]
			if s.Memory, err = humanize.ParseBytes(memory); err != nil || s.Memory < 1<<28 {
				return fmt.Errorf("--memory %s: expected a size of at least 256MiB, like 8GiB", memory)
			}
			if s.Timeout < 0 {
				return fmt.Errorf("--timeout %s: expected a time of 0 or more, like 90s or 2h; 0 for never", s.Timeout)
			}
			if child {
				os.Exit(s.Child())
			}
			code, err := s.Run(cmd.Context(), append([]string{os.Args[0], "run", "--child"}, os.Args[2:]...))
			if failure := script.Failure(""); errors.As(err, &failure) {
				fmt.Fprintln(stderr, failure)
				code, err = 2, nil
			}
			if err == nil {
				os.Exit(code)
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false) // arguments after the script are its own
	flags.DurationVar(&s.Timeout, "timeout", 12*time.Hour, "stop the script after this time, like 90s or 48h; 0 for never")
	flags.StringVar(&memory, "memory", memory, "memory that the script may use")
	flags.StringArrayVar(&s.Read, "read", nil, "a further folder or file that the script may read; may be repeated")
	flags.StringArrayVar(&s.Write, "write", nil,
		"a further folder, or an existing file, that the script may write; may be repeated")
	flags.StringArrayVar(&s.Env, "env", nil,
		"a further environment variable that the script sees, such as OPENAI_API_KEY; may be repeated")
	flags.BoolVar(&child, "child", false, "")
	if err := flags.MarkHidden("child"); err != nil {
		panic(err) // the flag is defined a line above
	}
	return cmd
}

// isScript tells whether this is the process of a script. Waiting for signals, it would not end where all goroutines of
// the script wait for each other.
func isScript() bool { return len(os.Args) > 2 && os.Args[1] == "run" && os.Args[2] == "--child" }
