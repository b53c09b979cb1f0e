package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
	"lidrlab/lidr/recipe"
)

// driveCommand runs a recipe whose models are served and trained by programs of this machine, unattended.
func driveCommand() *cobra.Command {
	var dir string
	var sets []string
	var progress func() ([]lidr.Option, error)
	cmd := &cobra.Command{
		Use:   "drive NAME|FILE",
		Short: "Run a recipe unattended on this machine: serve, ask, train, serve the next model, to the report",
		Long: `Run a recipe unattended on this machine: serve M0 at model.endpoints, take its answers, stop the server, train
by LLaMA-Factory or TRL, serve M1, and so on to the report. model.serve is the command that serves, lidr serve by
default; with vLLM:

  --set 'model.serve=[vllm, serve, "{path}", --served-model-name, "{name}", --port, "{port}"]'

The command can be killed at any moment; the same one continues. A judge and a translator have servers of their own.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeRecipes,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := recipe.Load(args[0], sets...)
			if err != nil {
				return err
			}
			if dir == "" {
				dir = filepath.Join("runs", r.Name)
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			options, err := progress()
			if err != nil {
				return err
			}
			path, err := recipe.Drive(cmd.Context(), r, dir, []string{self, "keep", "--"}, options...)
			if err != nil {
				return err
			}
			fmt.Fprintln(stdout, "report:", path)
			return nil
		},
	}
	progress = progressFlags(cmd)
	cmd.Flags().StringVar(&dir, "dir", "", "run folder (default runs/NAME)")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "change a field: train.beta=0.2; may be given several times")
	return cmd
}

// keepCommand is how lidr drive starts a server that ends with it.
func keepCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "keep -- COMMAND...",
		Short:  "Run a command until it ends or standard input does",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			err := recipe.Keep(os.Stdin, args, os.Stdout)
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				os.Exit(exit.ExitCode())
			}
			return err
		},
	}
}
