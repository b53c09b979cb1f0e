// Command lidr runs the method from a shell: the demo on the embedded model, rounds on one's own prompts, the report,
// scripts, a model as a server or as a GGUF file, and the pretraining and the tokenizer of the miniature.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	_ "lidrlab/datasets/parquet" // for the commands' files, and the scripts'
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use: "lidr",
		Short: "Language Imbalance Driven Rewarding (arXiv 2410.08964): " +
			"better answers in every language, without labels",
		Version:       versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		demoCommand(),
		iterateCommand(),
		reportCommand(),
		pretrainCommand(),
		pullCommand(),
		doctorCommand(),
		tokenizerCommand(),
		kernelCommand(),
		runCommand(),
		replCommand(),
		serveCommand(),
		ggufCommand(),
		backendCommand(),
	)
	if err := root.ExecuteContext(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "lidr: interrupted; the same command continues where it stopped")
			os.Exit(130)
		}
		// One line, whatever a library below put into its message.
		fmt.Fprintln(os.Stderr, "lidr:", strings.Join(strings.Fields(err.Error()), " "))
		os.Exit(1)
	}
}
