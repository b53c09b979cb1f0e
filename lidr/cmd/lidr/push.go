package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lidrlab/lidr"
	"lidrlab/lidr/cards"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/hub"
)

// pushCommand publishes a model, pairs or a report on the Hugging Face hub.
func pushCommand() *cobra.Command {
	var yes, public, dry bool
	var license string
	cmd := &cobra.Command{
		Use:   "push model|pairs|report FOLDER ORG/NAME[@BRANCH]",
		Short: "Publish a model, a run's pairs or its report on the Hugging Face hub",
		Long: `Publish a model, a run's pairs or its report on the Hugging Face hub, each as a repository with its card.

  model   FOLDER is RUN/M1/model or RUN/M1/adapter, whose card has the run's results in the model-index form, or any
          other folder of a model, whose files are sent as they are, without its subfolders
  pairs   FOLDER is a run: a data set of its pairs, a configuration for each round
  report  FOLDER is a run: a static page (a Space) of its report.html

It shows what it is going to send, and asks; --yes answers, and without a terminal nothing is sent unasked. A new
repository is private, and nothing is sent to a public one, unless --public says so. Cards of a run are written to
RUN/cards; one that you edit stays as you left it. Killed at any time, the same command goes on: what the hub has is not
sent again, and one that is done changes nothing.

HF_TOKEN, or the file that "hf auth login" writes, is the token; it must be one that may write. HF_ENDPOINT names
another hub. The requests have been held to huggingface_hub's on a hub made for the tests, and not been tried on
huggingface.co.`,
		Example: "  lidr push model runs/demo/M1/model ORG/NAME --license apache-2.0 --dry\n" +
			"  lidr push pairs runs/demo ORG/NAME --public --yes",
		Args: cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := hub.ParseName(args[2])
			if err != nil {
				return err
			}
			u, err := uploadOf(args[0], args[1], license)
			if err != nil {
				return err
			}
			u.Name, u.Public = name, public
			for _, f := range u.Files {
				info, err := os.Stat(f.File)
				if err != nil {
					return err
				}
				fmt.Fprintf(stdout, "%12d  %-28s %s\n", info.Size(), f.Path, f.File)
			}
			if dry {
				return nil
			}
			return push(cmd.Context(), u, yes)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&yes, "yes", false, "do not ask")
	flags.BoolVar(&public, "public", false, "a repository that everyone reads")
	flags.BoolVar(&dry, "dry", false, "write the card, list what would be sent, and send nothing")
	flags.StringVar(&license, "license", "", "the licence that the card names, an identifier of the hub's list")
	return cmd
}

// uploadOf returns what is sent of a folder.
func uploadOf(what, folder, license string) (hub.Upload, error) {
	switch what {
	case "model":
		return modelUpload(folder, license)
	case "pairs", "report":
		if what == "report" && license != "" {
			return hub.Upload{}, errors.New("--license is of a model or of pairs: the card of a report names none")
		}
	default:
		return hub.Upload{}, fmt.Errorf("%q is nothing to push, expected model, pairs or report", what)
	}
	run, err := lidr.Reopen(folder, lidr.WithProgress(lidr.ShowProgress()))
	if err != nil {
		return hub.Upload{}, err
	}
	u := hub.Upload{Kind: "space", Summary: "Upload the report of " + filepath.Base(run.Dir)}
	if what == "pairs" {
		u.Kind, u.Summary = "dataset", "Upload the pairs of "+filepath.Base(run.Dir)
		u.Files, err = cards.PairsFiles(run, license)
	} else {
		u.Files, err = cards.ReportFiles(run)
	}
	return u, errors.Join(err, run.Close())
}

// modelUpload is of a model that a run trained, RUN/M1/model or RUN/M1/adapter, or of any other folder.
func modelUpload(folder, license string) (hub.Upload, error) {
	full, err := filepath.Abs(folder)
	if err != nil {
		return hub.Upload{}, err
	}
	if _, err := os.Stat(full); errors.Is(err, fs.ErrNotExist) {
		return hub.Upload{}, fmt.Errorf("there is no folder %s: name one such as RUN/M1/model, of a run that lidr runs lists",
			folder)
	}
	u := hub.Upload{Kind: "model", Summary: "Upload " + filepath.Base(full)}
	model, part := filepath.Base(filepath.Dir(full)), filepath.Base(full)
	dir := filepath.Dir(filepath.Dir(full))
	if _, err := os.Stat(filepath.Join(dir, model, "training.json")); err != nil {
		if license != "" {
			return u, fmt.Errorf("%s is no model of a run, and is sent with its own README.md: name the licence there", folder)
		}
		if u.Files, err = cards.FolderFiles(full); err != nil {
			return u, err
		}
		if !slices.ContainsFunc(u.Files, ofModel) {
			return u, fmt.Errorf("%s holds no model: expected config.json, %s or a .gguf file there, as in RUN/M1/model", folder,
				checkpoint.AdapterConfigFile)
		}
		return u, nil
	}
	run, err := lidr.Reopen(dir, lidr.WithProgress(lidr.ShowProgress()))
	if err != nil {
		return u, err
	}
	u.Summary = fmt.Sprintf("Upload %s of %s", model, filepath.Base(dir))
	u.Files, err = cards.ModelFiles(run, model+"/"+part, license)
	return u, errors.Join(err, run.Close())
}

// ofModel says whether a file is one that each folder of a model has, in one of the forms.
func ofModel(s hub.Source) bool {
	return s.Path == "config.json" || s.Path == checkpoint.AdapterConfigFile || strings.HasSuffix(s.Path, ".gguf")
}

func push(ctx context.Context, u hub.Upload, yes bool) error {
	const often = 1 << 20 // bytes between two reports
	shown, progress := int64(-often), lidr.ShowProgress()
	var mu sync.Mutex // a request's body may still be read when its answer has come
	last := lidr.Event{Step: "push " + u.Name.String(), Unit: "bytes"}
	pushed, err := hub.Push(ctx, u, func(p hub.Plan) error { return agree(p, yes) }, func(done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		if done-shown >= often || done == total {
			shown, last.Done, last.Total = done, int(done), int(total)
			progress(last)
		}
	})
	if err != nil {
		mu.Lock()
		defer mu.Unlock()
		if last.Done < last.Total { // the error stands on a line of its own
			last.Ended = true
			progress(last)
		}
		return err
	}
	for _, warning := range pushed.Warnings {
		fmt.Fprintln(stdout, "the hub says of README.md:", warning)
	}
	if pushed.Commit == "" {
		fmt.Fprintln(stdout, pushed.URL, "has all of it already")
		return nil
	}
	fmt.Fprintf(stdout, "%s has %d new or changed files, at commit %s\n", pushed.URL, len(pushed.Files), pushed.Commit)
	return nil
}

// agree shows what a push is going to do, and asks.
func agree(p hub.Plan, yes bool) error {
	state, readers := "is there", "everyone reads it"
	if p.New {
		state = "will be made"
	}
	if p.Private {
		readers = "private"
	}
	fmt.Fprintf(stdout, "%d files, %d bytes, to %s, which %s: %s\n", p.Files, p.Bytes, p.URL, state, readers)
	if yes {
		return nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return errors.New("nothing was sent: there is no terminal to ask at, and no --yes")
	}
	fmt.Fprint(stdout, "send them? [y/N] ")
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return fmt.Errorf("nothing was sent: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("nothing was sent")
	}
	return nil
}
