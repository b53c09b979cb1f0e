package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/tokenizer"
)

func tokenizerCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tokenizer", Short: "Work on tokenizers"}
	cmd.AddCommand(tokenizerTrainCommand())
	return cmd
}

// tokenizerTrainCommand trains a byte-level BPE on text files.
func tokenizerTrainCommand() *cobra.Command {
	var o tokenizer.TrainOptions
	out := ""
	cmd := &cobra.Command{
		Use:   "train --out tokenizer.json FILE...",
		Short: "Train a byte-level BPE on text files and write it as tokenizer.json",

		Example: "  lidr tokenizer train --out tokenizer.json corpus.txt",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			texts := make([]string, len(args))
			for i, path := range args {
				data, err := input.ReadFile(path)
				if err != nil {
					return err
				}
				texts[i] = string(data)
			}
			trained, err := tokenizer.Train(texts, o)
			if err != nil {
				return err
			}
			if err := ledger.WriteFile(out, trained); err != nil {
				return err
			}
			fmt.Fprintln(stdout, "wrote", out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "tokenizer.json", "file to write")
	cmd.Flags().IntVar(&o.VocabSize, "vocab", 2000, "tokens in all: 256 bytes, merges and specials")
	cmd.Flags().StringSliceVar(&o.Special, "special", nil, "special tokens, comma-separated")
	return cmd
}
