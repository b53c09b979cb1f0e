package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
	"lidrlab/lidr/recipe"
)

// stepCommands are the steps of a round and its measures, each on a run folder.
func stepCommands() []*cobra.Command {
	var all []*cobra.Command
	for _, step := range []struct{ name, short, model, makes string }{
		{"generate", "Let a model answer its round's prompts", "M0", "responses"},
		{"translate", "Let a model, or the recipe's translator, translate its answers", "M0", "translations"},
		{"pairs", "Make the preference pairs of a model's round", "M0", "pairs.jsonl"},
		{"train", "Train a model on its pairs, which makes the next one", "M0", "model"},
		{"handoff", "Train a model on its pairs by LLaMA-Factory or TRL", "M0", "model"},
		{"eval", "Evaluate a model: problems, instructions, multiple choice", "M0", ""},
		{"judge", "Let the judge judge: comparisons, MT-bench, ratings", "", ""},
	} {
		all = append(all, stepCommand(step.name, step.short, step.model, step.makes))
	}
	return all
}

// stepCommand is of a step that makes a file or folder of the model, or of the next one.
func stepCommand(step, short, model, makes string) *cobra.Command {
	var from, shard string
	var sets []string
	var how func() ([]lidr.Option, error)
	cmd := &cobra.Command{
		Use:   step + " RUN",
		Short: short,
		Long: short + `.

RUN is a run folder, with the recipe or the settings that it was made by; a new one takes those of --recipe. The steps
before it are done too where they are not yet, and nothing is done twice.`,
		Example:           "  lidr " + step + " runs/own --recipe miniature",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := recipe.Of(args[0], from, sets...)
			if err != nil {
				return err
			}
			options, err := how()
			if err != nil {
				return err
			}
			if shard != "" {
				var part, of int
				if n, _ := fmt.Sscanf(shard, "%d/%d", &part, &of); n != 2 || fmt.Sprintf("%d/%d", part, of) != shard {
					return fmt.Errorf("--shard is %s, expected a part of how many, such as 2/4", shard)
				}
				options = append(options, recipe.Shard(part, of))
			}
			if err := recipe.Step(cmd.Context(), r, args[0], step, model, options...); err != nil || shard != "" {
				return err
			}
			of, round := model, 0
			if n, _ := fmt.Sscanf(model, "M%d", &round); n == 1 && makes == "model" {
				of = fmt.Sprintf("M%d", round+1)
			}
			made := filepath.Join(args[0], of, makes)
			if _, err := os.Stat(made); err == nil { // a run that is saturated trains no further
				fmt.Fprintf(stdout, "%s: %s\n", step, made)
			}
			return nil
		},
	}
	how = runFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&from, "recipe", "", "of a new folder: a shipped recipe, a file, or a preset, miniature or paper")
	flags.StringArrayVar(&sets, "set", nil, "change a field: train.beta=0.2; may be given several times")
	flags.StringVar(&model, "model", model, "the model of the run whose step it is (judge: all, if none is named)")
	if asks := step == "generate" || step == "translate" || step == "eval"; asks {
		flags.StringVar(&shard, "shard", "", "ask for one part of how many, such as 2/4, beside others at work; the same "+
			"command without it puts the parts together")
	}
	return cmd
}

// runsCommand lists run folders.
func runsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "runs [FOLDER]",
		Short: "List the run folders in and below FOLDER, with how far they are (default runs)",

		Example:           "  lidr runs runs",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeRuns,
		RunE: func(_ *cobra.Command, args []string) error {
			folder := "runs"
			if len(args) > 0 {
				folder = args[0]
			}
			found, err := recipe.Folders(folder)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return fmt.Errorf("%s holds no run folder", folder)
			}
			return lidr.Show(found)
		},
	}
}
