package script

import (
	"context"
	"errors"
	"log"
	"os"

	"lidrlab/lidr/handoff"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/recipe"
)

// ExitCodes is the table of the exit codes of all commands, scripts included.
const ExitCodes = `Exit codes:
  0    done
  1    failed: the message says what to do next
  2    lidr run alone: the script was refused, crashed or went beyond a limit
  3    done, with items left out: requests that a server refused, or answered with nothing or by another model; the
       notes and the report count them, and the column "fault" of the responses names them
  75   handed off, or a model is to be served: the message says what to run where; the same command continues after it
  130  interrupted: the same command continues where it stopped
`

// ExitCode returns the exit code of a command, or of a script, that ended with err.
func ExitCode(err error) int {
	switch {
	case errors.Is(err, context.Canceled):
		return 130
	case errors.Is(err, handoff.ErrElsewhere), errors.Is(err, recipe.ErrUnserved):
		return 75
	case err != nil:
		return 1
	case lm.Unanswered() > 0:
		return 3
	}
	return 0
}

// exit ends the script's process after log.Fatal and its like, by the error that is among their arguments.
func exit(arguments []any) {
	for _, a := range arguments {
		if err, ok := a.(error); ok {
			os.Exit(ExitCode(err))
		}
	}
	os.Exit(1)
}

func fatal(v ...any) {
	log.Print(v...)
	exit(v)
}

func fatalf(format string, v ...any) {
	log.Printf(format, v...)
	exit(v)
}

func fatalln(v ...any) {
	log.Println(v...)
	exit(v)
}
