package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lidrlab/lidr/gguf"
)

// importCommand writes a GGUF file as a Hugging Face folder.
func importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE.gguf|OLLAMA_NAME DIR",
		Short: "Write a GGUF file as a Hugging Face folder, for transformers and what trains with it",
		Long: `Write a GGUF file, or a model of Ollama on this disk, as a Hugging Face folder: config.json, weights as
bfloat16, tokenizer, chat template, and a model card that names the file, its SHA-256 and the types of its tensors.

The other commands take the file itself as MODEL. Ollama's models are looked for in $OLLAMA_MODELS or ~/.ollama/models,
and a quantized weight becomes the number that it stands for: nothing that quantization took comes back.`,
		Example: "  lidr import SmolLM2-135M-Instruct.Q4_1.gguf smollm2\n  lidr import smollm2:135m smollm2",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			file, err := gguf.Find(args[0])
			if err != nil {
				return err
			}
			if file == "" {
				return notGGUF(args[0])
			}
			if err := gguf.Import(file, args[1]); err != nil {
				return err
			}
			fmt.Fprintln(stdout, "wrote", args[1])
			return nil
		},
	}
}

// notGGUF says what a name is that means no GGUF file.
func notGGUF(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder; commands take a Hugging Face folder as it is, and import takes a GGUF file, so "+
			"name the file in it", name)
	}
	return fmt.Errorf("%s is neither a file nor a model of Ollama on this disk; name a GGUF file, or run: ollama pull %s",
		name, name)
}
