package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
	"lidrlab/lidr/pretrain"
)

// pretrainCommand makes the miniature's M0.
func pretrainCommand() *cobra.Command {
	s := pretrain.Defaults()
	out := ""
	cmd := &cobra.Command{
		Use:   "pretrain --out FOLDER",
		Short: "Pretrain an M0 of the miniature world from a seed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := pretrain.Make(cmd.Context(), out, s, lidr.ShowProgress()); err != nil {
				return err
			}
			fmt.Fprintln(stdout, "the model is in", out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder to write")
	cmd.Flags().Int64Var(&s.Seed, "seed", s.Seed, "seed of weights, examples and their order")
	cmd.Flags().IntVar(&s.Steps, "steps", s.Steps, "optimizer steps")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}
