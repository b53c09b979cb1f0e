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
	var submit bool
	var how func() ([]lidr.Option, error)
	cmd := &cobra.Command{
		Use:   "drive NAME|FILE",
		Short: "Run a recipe unattended, here or on a cluster: serve, ask, train, serve the next model, to the report",
		Long: `Run a recipe unattended: serve M0, take its answers, stop the server, train by LLaMA-Factory or TRL, serve M1,
and so on to the report. The command can be killed at any moment; the same one continues. A judge and a translator have
servers of their own.

On this machine a model is served at model.endpoints. model.serve is the command that serves, lidr serve by default;
with vLLM:

  --set 'model.serve=[vllm, serve, "{path}", --served-model-name, "{name}", --host, "{host}", --port, "{port}"]'

On a cluster the recipe says launch.serve.on and launch.train.on, slurm, kubernetes or skypilot, and no endpoints: a
server says by itself where it is. Each job is a script or manifest below DIR/launch, with its log. The run folder is on
a disk that driver and jobs see under the same path. A driver that is killed leaves its jobs as they are, and the next
one finds them by their ids or names: nothing is submitted twice. An interrupt ends the servers and leaves a training.
--submit has the driver itself run as a job of launch.drive; lidr runs says how far it is.

  launch:
    serve: {on: slurm, gpus: 1, replicas: 2, minutes: 240}
    train: {on: slurm, minutes: 1440}
    slurm: {options: [--partition=gpu], prologue: module load cuda, container: apptainer exec --nv vllm.sif}

go doc lidrlab/lidr/recipe/launch has all keys, and examples for the others.`,
		Example:           "  lidr drive mine.yaml --dir runs/mine",
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
			options, err := how()
			if err != nil {
				return err
			}
			if submit {
				return submitDriver(cmd, r, args[0], dir, sets)
			}
			path, err := recipe.Drive(cmd.Context(), r, dir, []string{self, "keep", "--"}, options...)
			if err != nil {
				return err
			}
			fmt.Fprintln(stdout, "report:", path)
			return nil
		},
	}
	how = runFlags(cmd)
	cmd.Flags().StringVar(&dir, "dir", "", "run folder (default runs/NAME)")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "change a field: train.beta=0.2; may be given several times")
	cmd.Flags().BoolVar(&submit, "submit", false, "have the driver run as a job of launch.drive, and return")
	return cmd
}

// submitDriver starts lidr drive as a job, which sees a recipe's file under its absolute path.
func submitDriver(cmd *cobra.Command, r recipe.Recipe, nameOrFile, dir string, sets []string) (err error) {
	self := "lidr" // that of a job's image
	if r.Launch.Drive.On == "slurm" {
		if self, err = os.Executable(); err != nil {
			return err
		}
	}
	if _, err := os.Stat(nameOrFile); err == nil {
		if nameOrFile, err = filepath.Abs(nameOrFile); err != nil {
			return err
		}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	command := []string{self, "drive", nameOrFile, "--dir", dir}
	for _, set := range sets {
		command = append(command, "--set", set)
	}
	to, err := cmd.Flags().GetStringSlice("track")
	if err != nil {
		return err
	}
	for _, one := range to {
		command = append(command, "--track", one)
	}
	for _, name := range []string{"peak-tflops", "memory"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			command = append(command, "--"+name, flag.Value.String())
		}
	}
	id, err := recipe.Submit(cmd.Context(), r, dir, command)
	if err == nil {
		fmt.Fprintf(stdout, "job %s drives %s; lidr runs %[2]s says how far it is\n", id, dir)
	}
	return err
}

// announceCommand is how a server is started on a cluster's machine.
func announceCommand() *cobra.Command {
	var folder, as, model string
	cmd := &cobra.Command{
		Use:    "announce -- COMMAND...",
		Short:  "Run a server at {host} and a free {port}, and announce it in a folder while it serves a model",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return recipe.Attend(cmd.Context(), folder, as, model, args, os.Stdout)
		},
	}
	cmd.Flags().StringVar(&folder, "folder", "", "folder of announcements")
	cmd.Flags().StringVar(&as, "as", "", "name of this one there")
	cmd.Flags().StringVar(&model, "model", "", "name of the model")
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
