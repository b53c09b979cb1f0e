package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"lidrlab/lidr/doctor"
)

// doctorCommand shows what training and generation will see of a model.
func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor MODEL",
		Short: "Show a model's exact training text and ids, and what is wrong with it",
		Long: `Show a model as training and generation see it: sizes, memory, chat template, and the exact text and ids of a
pair.

Spaces are shown as ·, line ends as ↵, special tokens as ⟦…⟧, and │ separates tokens. MODEL is "miniature", a Hugging
Face folder, a name in its cache, a GGUF file or a model of Ollama on this disk. The exit code is 1 if something is
wrong.`,
		Example: "  lidr doctor Qwen/Qwen2.5-0.5B-Instruct",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			model, err := loadModel(args[0])
			if err != nil {
				return err
			}
			settings, err := presetFor(model)
			if err != nil {
				return err
			}
			diagnosis, err := doctor.Examine(cmd.Context(), model, settings, doctor.SamplePair())
			if err != nil {
				return err
			}
			fmt.Fprint(stdout, diagnosis)
			if n := len(diagnosis.Problems); n > 0 {
				return fmt.Errorf("%s has %d problem(s), listed above", args[0], n)
			}
			return nil
		},
	}
}
