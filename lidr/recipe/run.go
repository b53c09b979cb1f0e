package recipe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/show"
	"lidrlab/lidr/tracking"
)

// Run does everything that a recipe says in run folder dir, and returns the path of the report. What is done already is
// not done again, so that a run that was interrupted, or that waited for a training or a server, goes on. A recipe with
// seeds or cells has a run folder for each below dir, and a report that sets them side by side.
//
// Where the training has to run elsewhere, the error wraps handoff.ErrElsewhere, and where a server has to be started
// first, [ErrUnserved]; their texts say what to do.
func Run(ctx context.Context, r Recipe, dir string, options ...lidr.Option) (report string, err error) {
	singles, err := r.singles()
	if err != nil {
		return "", err
	}
	return runAll(ctx, singles, dir, options, plan{})
}

// plan is what [RunSmall] and [Drive] do beside [Run].
type plan struct {
	prepare func(single, *lidr.Run) error // after a run is opened, nil for nothing
	server  *server                       // serves the runs' models, nil where somebody else does
	trains  *trains                       // trains them on a cluster, nil where this machine does
	// scripted are the servers of the runs' judges and translators where they are small, by their order.
	scripted []*scripted
}

// runAll opens the runs of a recipe and does them one after the other.
func runAll(ctx context.Context, singles []single, dir string, options []lidr.Option, p plan) (report string,
	err error) {
	var runs []*lidr.Run
	over := make([]func(), len(singles)) // to be called when a run is done
	cells := show.NewCells(len(singles), 0)
	defer func() {
		for _, run := range runs {
			err = errors.Join(err, run.Close())
		}
	}()
	for i, one := range singles { // what is wrong with the last is said before the first has worked for days
		all := options
		if one.name != "" {
			cell := func(r *lidr.Run) {
				var progress lidr.Progress
				progress, over[i] = cells.Cell(i+1, one.name, r.Progress())
				lidr.WithProgress(progress)(r)
			}
			all = slices.Concat([]lidr.Option{lidr.WithStore(ledger.StoreBeside(dir))}, options, []lidr.Option{cell})
		}
		run, err := open(one.Recipe, filepath.Join(dir, one.name), all)
		if err != nil {
			return "", in(one.name, err)
		}
		runs = append(runs, run)
		if p.prepare != nil {
			if err := p.prepare(one, run); err != nil {
				return "", in(one.name, err)
			}
		}
	}
	for i, one := range singles {
		if p.scripted != nil {
			one.Recipe = p.scripted[i].asked(one.Recipe)
		}
		if report, err = runOne(ctx, one.Recipe, runs[i], p); err != nil {
			return "", in(one.name, err)
		}
		if one.name != "" {
			over[i]()
		}
	}
	if len(runs) > 1 {
		if err := detectableBySeeds(ctx, singles, runs); err != nil {
			return "", err
		}
		return lidr.CompareRuns(ctx, dir, runs)
	}
	return report, nil
}

// in says in which of several runs of a recipe an error was.
func in(name string, err error) error {
	if name == "" || err == nil {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// file is the recipe of a run in its folder, whole.
const file = "recipe.yaml"

// open opens the run folder of a recipe without seeds and cells.
func open(r Recipe, dir string, options []lidr.Option) (*lidr.Run, error) {
	if len(r.Tracking.To) > 0 {
		track, err := tracking.Option(r.Tracking)
		if err != nil {
			return nil, err
		}
		options = append(slices.Clone(options), track) // behind the progress, which it passes on
	}
	run, err := lidr.Open(dir, r.Settings, options...)
	if err != nil {
		return nil, err
	}
	if err := run.Write(run.Path(file), []byte(r.YAML())); err != nil {
		return nil, errors.Join(err, run.Close())
	}
	return run, nil
}

// runOne does the stages of one run and writes its report.
func runOne(ctx context.Context, r Recipe, run *lidr.Run, p plan) (string, error) {
	w := &work{recipe: r, run: run, server: p.server, trains: p.trains, loaded: map[string]*lidr.Model{},
		last: r.models() - 1}
	if p.server != nil {
		p.server.note = run.Note
	}
	done, err := r.doneIn(run)
	if err != nil {
		return "", err
	}
	run.Plan(r.planned()...)
	for _, s := range r.stages() {
		served := s.model != "" && r.served() // its server may be gone
		if w.beyond(s.name) {
			continue
		}
		do := s.do
		if served && done[s.name] == r.key() {
			do = decided(s.name)
		}
		if err := w.persist(ctx, do); errors.Is(err, errSaturated) {
			w.ended = true
		} else if err != nil {
			return "", err
		}
		if err := r.mark(run, done, s.name); err != nil {
			return "", err
		}
	}
	if err := w.beside(); err != nil {
		return "", err
	}
	if err := w.detectable(ctx); err != nil {
		return "", err
	}
	return lidr.Report(ctx, run)
}

// decided is what a stage that is done decides of those after it, told from its files: whether the run ends there.
func decided(stage string) func(context.Context, *work) error {
	return func(ctx context.Context, w *work) error {
		if !strings.HasPrefix(stage, "evaluate ") || roundOf(stage) < 1 {
			return nil
		}
		m, err := w.named(fmt.Sprintf("M%d", roundOf(stage)))
		if err != nil {
			return err
		}
		return w.saturated(ctx, m, nil)
	}
}

// beyond tells whether a stage is of a round after the one that the run ended with.
func (w *work) beyond(stage string) bool {
	round := roundOf(stage)
	starts := strings.HasPrefix(stage, "pairs ") || strings.HasPrefix(stage, "rate ")
	return round > w.last || w.ended && starts && round == w.last
}
