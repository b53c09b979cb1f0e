package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
)

// pullCommand downloads a model from the Hugging Face hub.
func pullCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pull ORG/NAME[@REVISION]",
		Short: "Download a model from the Hugging Face hub into its cache",
		Long: `Download a model from the Hugging Face hub into its cache, where LoadModel and --model find it by its name.

Only the files that lidr reads are fetched: config.json, safetensors, tokenizer, chat template and licence. The same
command continues a download that was cut off. The environment variables are those of the hub's own tools: HF_HOME or
HF_HUB_CACHE (the cache), HF_TOKEN (for gated models), HF_ENDPOINT (another hub), HF_HUB_OFFLINE.`,
		Example: "  lidr pull Qwen/Qwen2.5-0.5B-Instruct",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := lidr.Pull(cmd.Context(), args[0], lidr.ShowProgress())
			if err != nil {
				return err
			}
			fmt.Fprintln(stdout, args[0], "is in", dir)
			return nil
		},
	}
}
