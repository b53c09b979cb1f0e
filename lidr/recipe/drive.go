package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/lidr"
	"lidrlab/lidr/handoff"
	"lidrlab/lidr/lm/remote"
)

// Drive is [Run] unattended: it serves M0, takes its answers, stops the server, trains by the recipe's program, serves
// M1, and so on to the report. The recipe's launch says where servers and trainings run: on this machine, or as jobs of
// a cluster. It can be killed and started again anywhere. On this machine what it has started ends with it, but for a
// training; on a cluster a job goes on when its driver is killed, and the next Drive finds it again. keep is the
// command that starts another one and ends it with the process that holds its standard input (see [Keep]).
func Drive(ctx context.Context, r Recipe, dir string, keep []string, options ...lidr.Option) (report string,
	err error) {
	singles, err := r.singles()
	if err != nil {
		return "", err
	}
	for _, one := range singles {
		if one.Trainer.Program != own && one.Trainer.Nodes > 1 && !one.Launch.Train.Elsewhere() {
			return "", in(one.name, fmt.Errorf("recipe %s: trainer.nodes is %d, expected 1: this machine is one; set "+
				"launch.train.on to a cluster, or train elsewhere by lidr recipe, which says what to run where", r.Name,
				one.Trainer.Nodes))
		}
	}
	s, err := newServer(r, dir, keep)
	if err != nil {
		return "", fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	t, err := newTrains(r, dir)
	if err != nil {
		return "", fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	return runAll(ctx, singles, dir, options, plan{server: s, trains: t})
}

// handOff trains a model by the recipe's program. A server of the run's own leaves it the machine first.
func (w *work) handOff(ctx context.Context, m *lidr.Model, pairs dataframe.DataFrame) error {
	next := fmt.Sprintf("M%d", m.Round+1)
	if _, err := os.Stat(w.run.Path(next, "training.json")); errors.Is(err, fs.ErrNotExist) {
		if err := w.server.stop(); err != nil {
			return err
		}
		w.forgetServed()
	}
	if w.trains != nil {
		start := func(ctx context.Context, script, key string) error {
			return w.trains.train(ctx, w.run, w.recipe.Trainer, next, script, key)
		}
		if _, _, err := handoff.TrainBy(ctx, w.run, m, pairs, w.recipe.Trainer, start); err != nil {
			return err
		}
		return w.trains.forget(ctx, w.run, w.recipe.Trainer, next)
	}
	if on := w.recipe.Launch.Train; on.Elsewhere() {
		return fmt.Errorf("launch.train.on is %s, which lidr drive does; run that, or --set launch.train.on=here", on.On)
	}
	for told, wait := false, time.Second; ; told, wait = true, min(2*wait, seldom) {
		_, _, err := handoff.Train(ctx, w.run, m, pairs, w.recipe.Trainer)
		if w.server == nil || !errors.Is(err, handoff.ErrTraining) {
			return err
		}
		if !told {
			w.run.Note("%s; it is waited for", err)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// forgetServed has the run's models looked for again: their server is gone.
func (w *work) forgetServed() {
	for name := range w.loaded {
		if modelName.MatchString(name) && w.server != nil {
			delete(w.loaded, name)
		}
	}
}

// persist does a stage, and again where its server was lost on the way and came back. What was answered is kept.
func (w *work) persist(ctx context.Context, do func(context.Context, *work) error) error {
	for again := 0; ; again++ {
		err := do(ctx, w)
		if w.server == nil || again == restarts || !errors.Is(err, remote.ErrUnreachable) || ctx.Err() != nil {
			return err
		}
		w.run.Note("%s; the server is waited for", err)
		w.forgetServed()
	}
}

// same is an error where a server says that it serves other weights than those of a checkpoint that is here: lidr serve
// says which. Of other servers nobody knows.
func same(server *remote.Model, name, path, where string) error {
	weights := server.Weights()
	if _, err := os.Stat(path); weights == "" || err != nil && path != miniature {
		return nil
	}
	m, err := lidr.LoadModel(path)
	if err != nil {
		return err
	}
	if m.Fingerprint() != weights {
		return fmt.Errorf("the server at %s serves other weights under the name %s than %s holds (%.12s, expected %.12s); "+
			"stop it, and run the same command again", where, name, path, weights, m.Fingerprint())
	}
	return nil
}
