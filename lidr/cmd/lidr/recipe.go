package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
	"lidrlab/lidr/recipe"
)

// recipeCommand runs a recipe, and lists the shipped ones.
func recipeCommand() *cobra.Command {
	var dir string
	var sets []string
	var small, dry, show bool
	var how func() ([]lidr.Option, error)
	cmd := &cobra.Command{
		Use:   "recipe [NAME|FILE]",
		Short: "Run a whole experiment from one YAML file to its report; list the shipped ones",
		Long: `Run a whole experiment from one YAML file to its report: the rounds, by models here or behind servers, trained
here or by another program, and everything that is measured. NAME is a shipped recipe, one for each experiment of the
paper; without one they are listed. --print shows the whole recipe of a name, to be changed in a FILE of one's own.

The same command continues: after an interruption, after a training elsewhere, and once the next model is served.`,
		Example:           "  lidr recipe ratings --small",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeRecipes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listRecipes()
			}
			if show {
				text, err := recipe.Print(args[0], sets...)
				if err == nil {
					fmt.Fprint(stdout, text)
				}
				return err
			}
			r, err := recipe.Load(args[0], sets...)
			if err != nil {
				return err
			}
			if dry && small {
				return errors.New("--dry and --small were given, expected one: a small run is over sooner than it is forecast")
			}
			if dry {
				return printForecast(r)
			}
			if dir == "" {
				dir = filepath.Join("runs", r.Name)
				if small {
					dir += "-small"
				}
			}
			options, err := how()
			if err != nil {
				return err
			}
			run := func() (string, error) { return recipe.Run(cmd.Context(), r, dir, options...) }
			if small {
				run = func() (string, error) {
					note := func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
					return recipe.RunSmall(cmd.Context(), r, dir, note, options...)
				}
			}
			path, err := run()
			if err != nil {
				return err
			}
			fmt.Fprintln(stdout, "report:", path)
			return nil
		},
	}
	how = runFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", "", "run folder (default runs/NAME)")
	flags.StringArrayVar(&sets, "set", nil, "change a field: train.beta=0.2; may be given several times")
	flags.BoolVar(&small, "small", false,
		"a tiny size on the embedded model, with stand-ins for data, judge and translator")
	flags.BoolVar(&dry, "dry", false, "only print what every step takes at most, and what differences the items can show")
	flags.BoolVar(&show, "print", false, "only print the whole recipe, with the source of every value")
	return cmd
}

func listRecipes() error {
	type row struct {
		Recipe string `json:"recipe"`
		Model  string `json:"model"`
		About  string `json:"about"`
	}
	var rows []row
	for _, name := range recipe.Names() {
		r, err := recipe.Load(name)
		if err != nil {
			return err
		}
		rows = append(rows, row{name, r.Model.Path, r.About})
	}
	return lidr.Show(rows)
}

func printForecast(r recipe.Recipe) error {
	forecast, err := recipe.Dry(r)
	if err != nil {
		return err
	}
	if err := lidr.Show(forecast.Costs); err != nil {
		return err
	}
	for _, note := range forecast.Notes {
		fmt.Fprintln(stdout, note)
	}
	return nil
}
