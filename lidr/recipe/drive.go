package recipe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/lidr"
	"lidrlab/lidr/handoff"
)

// Drive is [Run] unattended, on this machine: it serves M0, takes its answers, stops the server, trains by the
// recipe's program, serves M1, and so on to the report. It can be killed and started again anywhere; what it has
// started ends with it, but for a training, which the next Drive waits for. keep is the command that starts another
// one and ends it with the process that holds its standard input (see [Keep]), such as lidr keep.
func Drive(ctx context.Context, r Recipe, dir string, keep []string, options ...lidr.Option) (report string,
	err error) {
	singles, err := r.singles()
	if err != nil {
		return "", err
	}
	for _, one := range singles {
		if one.Trainer.Program != own && one.Trainer.Nodes > 1 {
			return "", in(one.name, fmt.Errorf("recipe %s: trainer.nodes is %d, expected 1: this machine is one; train "+
				"elsewhere by lidr recipe, which says what to run where", r.Name, one.Trainer.Nodes))
		}
	}
	s, err := newServer(r.Model, filepath.Join(dir, "serve.log"), keep)
	if err != nil {
		return "", fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	return runAll(ctx, singles, dir, options, plan{server: s})
}

// seldom is the longest time until a training that an earlier process started is looked at again: a look reads all
// pairs.
const seldom = 10 * time.Second

// handOff trains a model by the recipe's program. A server of the run's own leaves it the machine first.
func (w *work) handOff(ctx context.Context, m *lidr.Model, pairs dataframe.DataFrame) error {
	if err := w.server.stop(); err != nil {
		return err
	}
	for name := range w.loaded {
		if modelName.MatchString(name) && w.server != nil {
			delete(w.loaded, name) // they have no server any more
		}
	}
	for told, wait := false, time.Second; ; told, wait = true, min(2*wait, seldom) {
		_, _, err := handoff.Train(ctx, w.run, m, pairs, w.recipe.Trainer)
		if w.server == nil || !errors.Is(err, handoff.ErrTraining) {
			return err
		}
		if !told {
			w.run.Note("%s; it is waited for", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}
