// Command lidr runs the method from a shell: the demo on the embedded model, rounds on one's own prompts, the report,
// scripts, a model as a server or as a GGUF file, and the pretraining and the tokenizer of the miniature.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	_ "lidrlab/datasets/parquet" // for the commands' files, and the scripts'
	"lidrlab/lidr/lm"
	"lidrlab/lidr/printable"
	"lidrlab/lidr/script"
	"lidrlab/lidr/show"
	"lidrlab/lidr/tokenizer"
)

// Texts of models, data sets and servers are in what the commands print, and must not steer the terminal.
var stdout, stderr = printable.Writer(os.Stdout), printable.Writer(os.Stderr)

// patience is how long a command may go on after an interrupt. Files are whole at any moment, and steps end by
// themselves at their next item: this is for an item that takes long.
const patience = 1400 * time.Millisecond

func main() {
	ctx, stop := context.Background(), context.CancelFunc(func() {})
	if !isScript() {
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	}
	defer stop()
	defer sayEndless()
	context.AfterFunc(ctx, func() {
		time.Sleep(patience)
		interrupted()
	})
	root := &cobra.Command{
		Use: "lidr",
		Short: "Language Imbalance Driven Rewarding (arXiv 2410.08964): " +
			"better answers in every language, without labels",
		Long: "Language Imbalance Driven Rewarding (arXiv 2410.08964): " +
			"better answers in every language, without labels.\n\n" + script.ExitCodes,
		SilenceUsage:  true,
		SilenceErrors: true,

		PersistentPreRunE: refuseEmptyNames,
	}
	root.AddCommand(
		demoCommand(),
		recipeCommand(),
		driveCommand(),
		keepCommand(),
		announceCommand(),
		iterateCommand(),
		reportCommand(),
		runsCommand(),
		pretrainCommand(),
		pullCommand(),
		pushCommand(),
		doctorCommand(),
		tokenizerCommand(),
		kernelCommand(),
		runCommand(),
		replCommand(),
		serveCommand(),
		viewCommand(),
		ggufCommand(),
		importCommand(),
		backendCommand(),
	)
	root.AddCommand(stepCommands()...)
	versions(root, versionText())
	root.SetFlagErrorFunc(flagError)
	expectArguments(root)
	completeFlags(root)
	err := root.ExecuteContext(ctx)
	if err != nil && strings.HasPrefix(err.Error(), "unknown command") {
		err = fmt.Errorf("%w; lidr --help lists the commands", err)
	}
	code := script.ExitCode(err)
	switch {
	case errors.Is(err, context.Canceled):
		interrupted()
	case err != nil: // one line, whatever a library below put into its message
		fmt.Fprintln(stderr, "lidr:", strings.Join(strings.Fields(err.Error()), " "))
	case code != 0:
		fmt.Fprintf(stderr, "lidr: done, and %d requests have no answer; the notes above count them\n", lm.Unanswered())
	}
	os.Exit(code)
}

// interrupted ends the process with one line, below the progress that it takes away. A shell has nothing to continue.
func interrupted() {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprint(os.Stderr, show.Erase)
	}
	if len(os.Args) > 1 && slices.Contains([]string{"repl", "serve", "view"}, os.Args[1]) {
		fmt.Fprintln(stderr, "lidr: interrupted")
	} else {
		fmt.Fprintln(stderr, "lidr: interrupted; this continues where it stopped:", os.Args[0], words(os.Args[1:]))
	}
	os.Exit(130)
}

// sayEndless makes one line of the panic of a tokenizer whose expression does not end.
func sayEndless() {
	p := recover()
	if endless, ok := p.(tokenizer.EndlessPattern); ok {
		fmt.Fprintln(stderr, "lidr:", endless)
		os.Exit(1)
	}
	if p != nil {
		panic(p)
	}
}
