package main

import (
	"context"
	"fmt"
	"reflect"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
	_ "lidrlab/lidr/langid/lingua" // the identifier of --identifier lingua
	"lidrlab/lidr/recipe"
)

// demoCommand is iterate on the embedded model with the miniature's settings.
func demoCommand() *cobra.Command {
	s := lidr.MiniatureSettings()
	dir := "runs/demo"
	full := false
	var sets []string
	var how func() ([]lidr.Option, error)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run two rounds on the embedded miniature model and write a report",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if full {
				if !cmd.Flags().Changed("n") {
					s.Prompts.N = 1000
				}
				if !cmd.Flags().Changed("dir") {
					dir = "runs/demo-full"
				}
			}
			changed, err := recipe.Change(s, sets...)
			if err != nil {
				return err
			}
			s = changed
			fmt.Fprintf(cmd.ErrOrStderr(), "the embedded miniature model, %d prompts a round in %d languages, rounds: %d; "+
				"every model answers %d problems in each of %d languages; files go to %s\n",
				s.Prompts.N, len(s.Languages()), s.Rounds, s.Evaluate.N, len(s.AllLanguages()), dir)
			model, err := lidr.LoadModel("miniature")
			if err != nil {
				return err
			}
			return iterate(cmd.Context(), dir, model, s, how)
		},
	}
	how = runFlags(cmd)
	cmd.Flags().StringVar(&dir, "dir", dir, "run folder")
	cmd.Flags().IntVar(&s.Prompts.N, "n", s.Prompts.N, "prompts a round, each in every language")
	cmd.Flags().BoolVar(&full, "full", false, "the paper's 1,000 prompts a round, in runs/demo-full")
	cmd.Flags().IntVar(&s.Rounds, "rounds", s.Rounds, "rounds")
	cmd.Flags().Int64Var(&s.Seed, "seed", s.Seed, "seed of prompts, draws and training order")
	cmd.Flags().StringArrayVar(&sets, "set", nil, "change a setting: train.beta=0.2; may be given several times")
	return cmd
}

// loraLR are the learning rates of adapters, by preset, ten times those of all weights: of LLaMA-Factory's example of
// DPO with LoRA (llama3_lora_dpo.yaml), and of scripts/lora.
var loraLR = map[string]float64{"paper": 5e-6, "miniature": 1e-3}

// presetFor returns the preset of a model: the miniature's for it and what was trained from it, which know one form of
// prompt only, and the paper's for all others.
func presetFor(m *lidr.Model) (lidr.Settings, error) {
	miniature, err := lidr.LoadModel("miniature")
	if err != nil {
		return lidr.Settings{}, err
	}
	if ck := m.Checkpoint(); ck != nil && reflect.DeepEqual(ck.Config, miniature.Checkpoint().Config) &&
		m.Tokenizer().ChatTemplate() == miniature.Tokenizer().ChatTemplate() {
		return lidr.MiniatureSettings(), nil
	}
	return lidr.PaperSettings(), nil
}

// iterateCommand runs the same steps on the user's prompts and model.
func iterateCommand() *cobra.Command {
	given := lidr.MiniatureSettings() // for the flags that are not given; see presetFor
	var preset lidr.Settings
	dir := "runs/own"
	path := "miniature"
	rank := 0
	var sets []string
	var how func() ([]lidr.Option, error)
	cmd := &cobra.Command{
		Use:   "iterate --prompts FOLDER --eval FOLDER",
		Short: "Run rounds on prompts of your own and write a report",
		Long: `Run rounds on prompts of your own and write a report.

FOLDER holds one file a language, LANG.jsonl, mgsm_LANG.jsonl or LANG.json, in one of the published forms (Alpagasus,
GSM8K, MGSM, X-AlpacaEval) or in our own: {"id", "lang", "prompt", "answer"}, with equal ids in all languages. The
folder of --eval may have more languages than that of --prompts.

Everything that no flag sets is the miniature's preset for the miniature and models trained from it, and the paper's
for every other model: 1,000 prompts a round, answers of up to 2,400 tokens, learning rate 5e-7 for all weights or 5e-6
with --lora.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			model, err := loadModel(path)
			if err != nil {
				return err
			}
			if preset, err = presetFor(model); err != nil {
				return err
			}
			s := preset
			s.Rounds, s.Evaluate.N, s.Evaluate.Translations = 1, 0, 0
			for flag, set := range map[string]func(){
				"prompts":             func() { s.Prompts.Source = given.Prompts.Source },
				"n":                   func() { s.Prompts.N = given.Prompts.N },
				"eval":                func() { s.Evaluate.Source = given.Evaluate.Source },
				"eval-n":              func() { s.Evaluate.N = given.Evaluate.N },
				"shots":               func() { s.Evaluate.Shots = given.Evaluate.Shots },
				"exemplars":           func() { s.Evaluate.Exemplars = given.Evaluate.Exemplars },
				"identifier":          func() { s.Evaluate.Identifier = given.Evaluate.Identifier },
				"rounds":              func() { s.Rounds = given.Rounds },
				"stop-when-saturated": func() { s.StopWhenSaturated = given.StopWhenSaturated },
				"seed":                func() { s.Seed = given.Seed },
				"dominant":            func() { s.Dominant = given.Dominant },
				"trained":             func() { s.Trained = given.Trained },
			} {
				if cmd.Flags().Changed(flag) {
					set()
				}
			}
			s.Unseen = given.Unseen
			if rank != 0 {
				s.Train.LoRA = lidr.LoRASettings{Rank: rank, Alpha: 2 * float64(rank)}
				s.Train.LR = loraLR[preset.Preset]
			}
			s.Preset = "own, from " + preset.Preset
			if s, err = recipe.Change(s, sets...); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "settings of the preset %s, learning rate %g (settings.json has them all)\n",
				preset.Preset, s.Train.LR)
			return iterate(cmd.Context(), dir, model, s, how)
		},
	}
	how = runFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&given.Prompts.Source, "prompts", "", "folder of prompts")
	flags.StringVar(&given.Evaluate.Source, "eval", "", "folder of evaluation prompts with gold answers")
	flags.StringVar(&path, "model", path,
		`"miniature", a Hugging Face folder, ORG/NAME in its cache, a GGUF file, or a model of Ollama on this disk`)
	flags.StringVar(&dir, "dir", dir, "run folder")
	flags.IntVar(&given.Prompts.N, "n", 0, "prompts a round, each in every language (default: the preset's, 200 or 1,000)")
	flags.IntVar(&given.Evaluate.N, "eval-n", 0, "evaluation prompts a language; 0 for all")
	flags.IntVar(&given.Evaluate.Shots, "shots", 0, "worked examples before each evaluation prompt, as turns of the chat")
	flags.StringVar(&given.Evaluate.Exemplars, "exemplars", "",
		"folder of the worked examples, LANG.jsonl with question and answer (MGSM's, GSM8K's)")
	flags.StringVar(&given.Evaluate.Identifier, "identifier", "",
		`what identifies the languages of answers: "" for the small default identifier, or lingua`)
	flags.IntVar(&given.Rounds, "rounds", 1, "rounds")
	flags.BoolVar(&given.StopWhenSaturated, "stop-when-saturated", false,
		"end when a round gains nothing beyond its error")
	flags.Int64Var(&given.Seed, "seed", 0, "seed of draws and training order (default: the preset's)")
	flags.StringVar(&given.Dominant, "dominant", given.Dominant, "the language that the model is best in")
	flags.StringSliceVar(&given.Trained, "trained", given.Trained, "the other languages that pairs are made for")
	flags.StringSliceVar(&given.Unseen, "unseen", nil, "languages that are only evaluated")
	flags.IntVar(&rank, "lora", 0, "rank of a LoRA adapter to train, with alpha twice as large; 0 trains all weights")
	flags.StringArrayVar(&sets, "set", nil, "change a setting: train.beta=0.2; may be given several times")
	for _, name := range []string{"prompts", "eval"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined a few lines above
		}
	}
	return cmd
}

func iterate(ctx context.Context, dir string, model *lidr.Model, s lidr.Settings,
	how func() ([]lidr.Option, error)) error {
	options, err := how()
	if err != nil {
		return err
	}
	run, err := lidr.Open(dir, s, options...)
	if err != nil {
		return err
	}
	if _, _, err := lidr.Iterate(ctx, run, model); err != nil {
		return err
	}
	return printReport(ctx, run)
}
