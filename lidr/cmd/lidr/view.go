package main

import (
	"fmt"
	"os/user"
	"regexp"

	"github.com/spf13/cobra"

	"lidrlab/lidr/recipe"
	"lidrlab/lidr/view"
)

// viewCommand shows run folders in a browser until it is interrupted.
func viewCommand() *cobra.Command {
	o := view.Options{Seed: 1}
	var listen string
	cmd := &cobra.Command{
		Use:   "view [FOLDER...]",
		Short: "Look at runs in a browser: progress, curves, every answer and pair, a leaderboard",
		Long: `Look at runs in a browser: how far each is and its learning curves while they grow; every prompt, answer,
translation, pair and verdict, searched, filtered and sorted, two models side by side; a leaderboard with paired
comparisons. FOLDER is a run folder or one that holds some (default runs). No run is locked or changed, and nothing of
the internet is used.

With --rate a person compares the answers of two models blind. The ratings are saved in the run folder in the form of a
judge's verdicts (judged/M2-M0/people/NAME), and their agreement with the checker and with a judge is shown.

Only this machine can reach the pages. From another one: ssh -L 8001:127.0.0.1:8001 HOST.`,
		ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"runs"}
			}
			var dirs []string
			for _, dir := range args {
				found, err := recipe.Folders(dir)
				if err != nil {
					return err
				}
				for _, f := range found {
					dirs = append(dirs, f.Dir)
				}
			}
			if len(dirs) == 0 {
				return fmt.Errorf("%v holds no run folder; make one with lidr demo, or name one", args)
			}
			if o.Rate && o.Rater == "" {
				o.Rater = raterHere()
			}
			s, err := view.New(dirs, o)
			if err != nil {
				return err
			}
			l, err := view.Listen(cmd.Context(), listen)
			if err != nil {
				return listenError(listen, err)
			}
			defer l.Close()
			fmt.Fprintf(stdout, "look at http://%s/ (Ctrl-C ends)\n", l.Addr())
			return s.Serve(cmd.Context(), l)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:8001", "address and port on this machine; port 0 takes a free one")
	flags.BoolVar(&o.Rate, "rate", false, "let a person rate answers, blind")
	flags.StringVar(&o.Rater, "rater", "", "who rates, in the names of files (default: your user name)")
	flags.Int64Var(&o.Seed, "seed", o.Seed, "draws the order of what is rated, and the sides")
	return cmd
}

// raterHere is the user's name as far as a file can be named by it.
func raterHere() string {
	u, err := user.Current()
	if err != nil {
		return "person"
	}
	if name := regexp.MustCompile(`[^\pL\pN_-]+`).ReplaceAllString(u.Username, "_"); name != "" {
		return name
	}
	return "person"
}
