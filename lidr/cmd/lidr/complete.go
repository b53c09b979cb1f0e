package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lidrlab/lidr/recipe"
)

// Values that the shell completes: lidr completion bash|zsh|fish|powershell prints how.

// completeFlags completes the values of flags, on all commands that have them.
func completeFlags(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		completeFlags(sub)
	}
	register := func(flag string, f cobra.CompletionFunc) {
		if cmd.Flags().Lookup(flag) == nil {
			return
		}
		if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
			panic(err) // the flag is there, and nobody else completes it
		}
	}
	settings := cmd.Name() == "demo" || cmd.Name() == "iterate" // which change a run's settings, not a recipe
	register("set", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		paths := recipe.Paths(settings)
		for i := range paths {
			paths[i] += "="
		}
		return paths, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
	register("track", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"tensorboard", "mlflow="}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	})
	register("dir", completeRuns)
	register("recipe", completeRecipes)
	if cmd.Flags().Lookup("recipe") != nil { // a step on a run
		register("model", completeModelsOfRun)
	} else {
		register("model", completeModels)
	}
	if cmd.ValidArgsFunction == nil && strings.HasSuffix(cmd.Use, " MODEL") {
		cmd.ValidArgsFunction = completeModels
	}
}

// versions gives every command the flag --version, which prints that of the program.
func versions(cmd *cobra.Command, text string) {
	cmd.Version = text
	cmd.SetVersionTemplate("lidr version {{.Version}}\n")
	for _, sub := range cmd.Commands() {
		versions(sub, text)
	}
}

func completeRecipes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return append(recipe.Names(), "miniature", "paper"), cobra.ShellCompDirectiveDefault
}

// completeRuns completes the run folders below runs; others are completed as files are.
func completeRuns(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	found, err := recipe.Folders("runs")
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, f := range found {
		names = append(names, f.Dir)
	}
	return names, cobra.ShellCompDirectiveDefault
}

// completeModelsOfRun completes M0, M1 and so on, as far as the run that is named before has them.
func completeModelsOfRun(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return []string{"M0"}, cobra.ShellCompDirectiveNoFileComp
	}
	found, _ := filepath.Glob(filepath.Join(args[0], "M[0-9]*")) // the pattern is one
	names := []string{"M0"}
	for _, path := range found {
		names = append(names, filepath.Base(path))
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

// completeModels completes the embedded model and those that runs have made; others are completed as files are.
func completeModels(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return append([]string{"miniature"}, modelsOfRuns()...), cobra.ShellCompDirectiveDefault
}

// modelsOfRuns are the models that the runs below runs have made.
func modelsOfRuns() []string {
	runs, err := recipe.Folders("runs")
	if err != nil {
		return nil
	}
	var names []string
	for _, run := range runs {
		found, _ := filepath.Glob(filepath.Join(run.Dir, "M[0-9]*", "model")) // the pattern is one
		names = append(names, found...)
	}
	return names
}
