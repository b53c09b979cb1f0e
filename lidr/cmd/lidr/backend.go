package main

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/backend/cpu"
)

// backendCommand shows what can compute, and fetches what may be missing.
func backendCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backend",
		Short: "Show what computes here, and install XLA's plugins for a GPU",
		Long: `Show what computes here, and install XLA's plugins for a GPU.

All commands compute on the backend that ` + backend.EnvVar + ` names: cpu (lidr's own), go (GoMLX's), xla:cuda,
xla:cpu or xla:/PATH/TO/PLUGIN.so. Where it is empty, a GPU computes if this program was built with XLA (make build-xla)
and its CUDA plugin is installed, and otherwise cpu.`,
	}
	cmd.AddCommand(backendListCommand(), backendInstallCommand())
	return cmd
}

func backendListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the backends of this program, the processor's kernels, XLA's plugins, and which one computes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, kind := range []string{"cpu", "go"} {
				b, err := backend.Open(kind)
				if err != nil {
					return err
				}
				fmt.Fprintf(stdout, "%-4s %s\n", kind, b.Description())
				if kind == cpu.Name {
					for _, fact := range cpu.Processor() {
						fmt.Fprintf(stdout, "     %s\n", fact)
					}
				}
			}
			if err := listPlugins(); err != nil {
				fmt.Fprintf(stdout, "%-4s %v\n", backend.XLA, err)
			}
			b, err := backend.Open("")
			if err != nil {
				return err
			}
			fmt.Fprintf(stdout, "with %s=%q, %s computes\n", backend.EnvVar, os.Getenv(backend.EnvVar), backend.Name(b))
			return nil
		},
	}
}

func listPlugins() error {
	linked := backend.Linked()
	if linked == nil {
		return backend.ErrNotLinked
	}
	found, err := linked.Plugins()
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("no plugin is found; `lidr backend install cuda` downloads one (or cpu)")
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(stdout, "%-4s plugin %s: %s\n", backend.XLA, name, found[name])
	}
	return nil
}

func backendInstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install cuda|cpu",
		Short: "Download a PJRT plugin of XLA, for an NVIDIA GPU (with NVIDIA's libraries, gigabytes) or the processor",
		Long: `Download a PJRT plugin of XLA, for an NVIDIA GPU (with NVIDIA's libraries, gigabytes) or the processor.

go-xla's own installer writes it into .local/lib/go-xla below the home folder. No other command downloads one. Where JAX
is installed for CUDA, its plugin serves too; name its path and the folder of its CUDA tools:

  export ` + backend.EnvVar + `=xla:/PATH/TO/site-packages/jax_plugins/xla_cuda12/xla_cuda_plugin.so
  export XLA_FLAGS=--xla_gpu_cuda_data_dir=/PATH/TO/site-packages/nvidia/cuda_nvcc`,
		Example: "  lidr backend install cuda",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			linked := backend.Linked()
			if linked == nil {
				return backend.ErrNotLinked
			}
			folder, err := linked.Install(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(stdout, "the %s plugin is in %s\n", args[0], folder)
			return nil
		},
	}
}
