package main

import (
	"context"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
	_ "lidrlab/lidr/langid/lingua" // the identifier of --identifier lingua
)

// demoCommand is iterate on the embedded model with the miniature's settings.
func demoCommand() *cobra.Command {
	s := lidr.MiniatureSettings()
	dir := "runs/demo"
	full := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run two rounds on the embedded miniature model and write a report",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if full {
				s.Prompts.N = 1000
				if !cmd.Flags().Changed("dir") {
					dir = "runs/demo-full"
				}
			}
			return iterate(cmd.Context(), dir, "miniature", s)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", dir, "run folder")
	cmd.Flags().IntVar(&s.Prompts.N, "n", s.Prompts.N, "prompts a round, each in every language")
	cmd.Flags().BoolVar(&full, "full", false, "the paper's 1,000 prompts a round, in runs/demo-full")
	cmd.Flags().IntVar(&s.Rounds, "rounds", s.Rounds, "rounds")
	cmd.Flags().Int64Var(&s.Seed, "seed", s.Seed, "seed of prompts, draws and training order")
	return cmd
}

// iterateCommand runs the same steps on the user's prompts and model.
func iterateCommand() *cobra.Command {
	s := lidr.MiniatureSettings()
	s.Evaluate.N = 0
	s.Evaluate.Translations = 0
	dir := "runs/own"
	model := "miniature"
	cmd := &cobra.Command{
		Use:   "iterate --prompts FOLDER --eval FOLDER",
		Short: "Run rounds on prompts of your own and write a report",
		Long: `Run rounds on prompts of your own and write a report.

FOLDER holds one file a language, LANG.jsonl, mgsm_LANG.jsonl or LANG.json, in one of the published forms (Alpagasus,
GSM8K, MGSM, X-AlpacaEval) or in our own: {"id", "lang", "prompt", "answer"}, with equal ids in all languages. The
folder of --eval may have more languages than that of --prompts.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("trained") && !cmd.Flags().Changed("unseen") {
				s.Unseen = nil
			}
			s.Preset = "own"
			return iterate(cmd.Context(), dir, model, s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&s.Prompts.Source, "prompts", "", "folder of prompts")
	flags.StringVar(&s.Evaluate.Source, "eval", "", "folder of evaluation prompts with gold answers")
	flags.StringVar(&model, "model", model, `"miniature", a Hugging Face folder, or ORG/NAME in its cache`)
	flags.StringVar(&dir, "dir", dir, "run folder")
	flags.IntVar(&s.Prompts.N, "n", s.Prompts.N, "prompts a round, each in every language")
	flags.IntVar(&s.Evaluate.N, "eval-n", s.Evaluate.N, "evaluation prompts a language; 0 for all")
	flags.IntVar(&s.Evaluate.Shots, "shots", 0, "worked examples before each evaluation prompt, as turns of the chat")
	flags.StringVar(&s.Evaluate.Exemplars, "exemplars", "",
		"folder of the worked examples, LANG.jsonl with question and answer (MGSM's, GSM8K's)")
	flags.StringVar(&s.Evaluate.Identifier, "identifier", "",
		`what identifies the languages of answers: "" for the small default identifier, or lingua`)
	flags.IntVar(&s.Rounds, "rounds", 1, "rounds")
	flags.BoolVar(&s.StopWhenSaturated, "stop-when-saturated", false, "end when a round gains nothing beyond its error")
	flags.Int64Var(&s.Seed, "seed", s.Seed, "seed of draws and training order")
	flags.StringVar(&s.Dominant, "dominant", s.Dominant, "the language that the model is best in")
	flags.StringSliceVar(&s.Trained, "trained", s.Trained, "the other languages that pairs are made for")
	flags.StringSliceVar(&s.Unseen, "unseen", nil, "languages that are only evaluated")
	for _, name := range []string{"prompts", "eval"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined a few lines above
		}
	}
	return cmd
}

func iterate(ctx context.Context, dir, path string, s lidr.Settings) error {
	run, err := lidr.Open(dir, s, lidr.WithProgress(lidr.ShowProgress()))
	if err != nil {
		return err
	}
	model, err := lidr.LoadModel(path)
	if err != nil {
		return err
	}
	if _, _, err := lidr.Iterate(ctx, run, model); err != nil {
		return err
	}
	return printReport(ctx, run)
}
