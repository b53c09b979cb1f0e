package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
)

// ggufCommand writes a model for llama.cpp, Ollama and LM Studio.
func ggufCommand() *cobra.Command {
	var out, dtype string
	cmd := &cobra.Command{
		Use:     "gguf MODEL",
		Short:   "Write a model as GGUF with an Ollama Modelfile, for llama.cpp, Ollama and LM Studio",
		Example: "  lidr gguf runs/demo/M1/model --out m1\n  ollama create m1 -f m1/Modelfile",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			model, err := loadModel(args[0])
			if err != nil {
				return err
			}
			path, err := lidr.ExportGGUF(model, out, dtype)
			if err != nil {
				return err
			}
			fmt.Fprintln(stdout, "wrote", path, "and", filepath.Join(out, "Modelfile"))
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder to write to")
	cmd.Flags().StringVar(&dtype, "type", "f16", "how weights are stored: f32, f16, bf16 or q8_0")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}
