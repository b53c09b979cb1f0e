package recipe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/handoff"
	"lidrlab/lidr/lm/remote"
)

// ErrUnserved is wrapped by the error of a run that waits for a server: its text says what to serve where.
var ErrUnserved = errors.New("no server answers for it")

// work is a recipe at work in its run folder.
type work struct {
	recipe Recipe
	run    *lidr.Run
	loaded map[string]*lidr.Model // models, judges and translators by name, as they are first asked for
	last   int                    // the round that the run ends with
	ended  bool                   // it was saturated there
	server *server                // that serves the run's models, nil where somebody else does
	trains *trains                // that trains on a cluster, nil where this machine does
}

// model returns a model of the run that can answer.
func (w *work) model(ctx context.Context, name string) (*lidr.Model, error) {
	if m := w.loaded[name]; m != nil {
		return m, nil
	}
	m, err := w.open(ctx, name)
	if err == nil {
		w.loaded[name] = m
	}
	return m, err
}

func (w *work) open(ctx context.Context, name string) (*lidr.Model, error) {
	from := w.recipe.Model
	switch {
	case !w.recipe.served() && name == "M0":
		return lidr.LoadModel(from.Path)
	case !w.recipe.served():
		return w.run.Model(name)
	case len(from.Endpoints) == 0 && w.server == nil:
		return nil, fmt.Errorf("launch.serve.on is %s, which lidr drive does; run that, or set model.endpoints",
			w.recipe.Launch.Serve.On)
	}
	path, key := from.Path, ""
	if name != "M0" {
		path = w.run.Path(name, "model")
		if w.recipe.Trainer.Program != own {
			if _, _, err := handoff.TakeBack(w.run, name); err != nil {
				return nil, err
			}
		}
		m, err := w.run.Model(name)
		if err != nil {
			return nil, err
		}
		key = m.Fingerprint()
	}
	if err := w.server.start(ctx, name, path, key); err != nil {
		return nil, err
	}
	if w.server != nil {
		from.Endpoints = []string{w.server.clients}
	}
	server, err := remote.Open(ctx, remote.Options{Model: name, Endpoints: from.Endpoints})
	if err != nil {
		command := fmt.Sprintf("vllm serve %s --served-model-name %s", path, name)
		if path == miniature { // a model of this program alone
			command = fmt.Sprintf("lidr serve %s --name %s", path, name)
		}
		return nil, fmt.Errorf("%w: %s; serve it under the name %s (%s) and run the same command again: %w", ErrUnserved,
			path, name, command, err)
	}
	if err := same(server, name, path, strings.Join(from.Endpoints, ", ")); err != nil {
		return nil, err
	}
	if name == "M0" {
		return lidr.UseModel(path, server), nil
	}
	return w.run.Use(name, server)
}

// named is a model of the run for a step that does not ask it anything: one behind a server as the run knows it, by
// which a training is the same whether its server still answers or not.
func (w *work) named(name string) (*lidr.Model, error) {
	if m := w.loaded[name]; m != nil && !w.recipe.served() {
		return m, nil
	}
	return w.run.Model(name)
}

// has tells whether the run has made a model.
func (w *work) has(name string) bool {
	_, err := os.Stat(w.run.Path(name))
	return err == nil
}

func (w *work) judge(ctx context.Context) (*lidr.Model, error) {
	return w.other(ctx, "judge", w.recipe.Judge.options())
}

// translator is the model itself, where the recipe names no other.
func (w *work) translator(ctx context.Context, m *lidr.Model) (*lidr.Model, error) {
	if w.recipe.Translator.Path == "" {
		return m, nil
	}
	return w.other(ctx, "translator", w.recipe.Translator.options())
}

// other returns a model that is no part of the run: loaded here, or behind the endpoints.
func (w *work) other(ctx context.Context, role string, o remote.Options) (*lidr.Model, error) {
	if m := w.loaded[role]; m != nil {
		return m, nil
	}
	var m *lidr.Model
	if len(o.Endpoints) == 0 {
		here, err := lidr.LoadModel(o.Model)
		if err != nil {
			return nil, fmt.Errorf("%s (set %s.endpoints for one behind a server): %w", role, role, err)
		}
		m = here
	} else {
		server, err := remote.Open(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", role, o.Model, err)
		}
		m = lidr.UseModel(o.Model, server)
	}
	w.loaded[role] = m
	return m, nil
}

// pairs reads back the pairs that a model has made.
func (w *work) pairs(name string) ([]lidr.Pair, error) {
	var rows []lidr.Pair
	err := w.run.ReadLines(w.run.Path(name, "pairs.jsonl"), &rows)
	return rows, err
}

// saturated is errSaturated where the run's settings end it with a model. pairs are those that the model has made, nil
// before it has made any.
func (w *work) saturated(ctx context.Context, m *lidr.Model, pairs []lidr.Pair) error {
	if !w.recipe.StopWhenSaturated {
		return nil
	}
	stop, err := w.run.Saturated(ctx, m, datasets.Frame(pairs))
	if err == nil && stop {
		w.last, err = m.Round, errSaturated
	}
	return err
}

// inLanguages are the rows of a frame in some languages.
func inLanguages(rows dataframe.DataFrame, langs []string) dataframe.DataFrame {
	return rows.Filter(dataframe.F{Colname: "lang", Comparator: series.In, Comparando: langs})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// change sets the fields of a cell.
func (r *Recipe) change(cell string, values map[string]any) error {
	for _, path := range sortedKeys(values) {
		if err := r.set("cell "+cell, path, values[path]); err != nil {
			return err
		}
	}
	return nil
}

// roundOf is the number of a stage's model, -1 where its subject is none.
func roundOf(stage string) int {
	_, subject, _ := strings.Cut(stage, " ")
	n := -1
	if modelName.MatchString(subject) {
		fmt.Sscanf(subject, "M%d", &n)
	}
	return n
}
