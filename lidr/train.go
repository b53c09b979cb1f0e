package lidr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/transformer"
)

// Train trains m on preference pairs, a frame of [Pair] rows, and returns the next model, M<t+1>, with a frame of
// [dpo.Step] rows, one a step. It writes M<t+1>/model, a Hugging Face folder, and M<t+1>/train.jsonl. With
// TrainSettings.LoRA, M<t+1>/adapter is what was trained, in PEFT's form, and M<t+1>/model has it merged. The reference
// π_ref is m itself; its log-probabilities are computed once and kept in the store. Warnings for who reads the results
// are written to M<t+1>/warnings.json, and [RewardAccuracy] of the pairs beside the pairs.
func Train(ctx context.Context, run *Run, m *Model, pairs dataframe.DataFrame) (*Model, dataframe.DataFrame, error) {
	rows, err := rowsOf[Pair](pairs, "pairs")
	if err != nil {
		return nil, dataframe.DataFrame{}, err
	}
	next, steps, err := trainPairs(ctx, run, m, rows)
	return next, datasets.Frame(steps), err
}

func trainPairs(ctx context.Context, run *Run, m *Model, pairs []Pair) (*Model, []dpo.Step, error) {
	if len(pairs) == 0 {
		return nil, nil, fmt.Errorf("train %s: no pair is left after the filters; %s counts what each dropped",
			m.Name(), run.Path(m.Name(), "pairs.stats.json"))
	}
	if m.weights == nil {
		return nil, nil, fmt.Errorf("train %s: the weights of %s are not here; let package lidr/handoff train its "+
			"checkpoint by another program", m.Name(), m.Path)
	}
	if err := errors.Join(run.Enter(m), run.wholeList()); err != nil {
		return nil, nil, err
	}
	next, steps, err := train(ctx, run, m, pairs)
	if err != nil {
		return nil, nil, fmt.Errorf("train %s: %w", m.Name(), err)
	}
	rewards, err := run.rewards(m.Name(), pairs)
	if err != nil {
		return nil, nil, err
	}
	warnings := roundWarnings(run.Settings.Train.Settings, rewards, steps)
	var made []Pair
	if err := run.ReadLines(run.Path(m.Name(), "pairs.jsonl"), &made); err == nil && !slices.Equal(made, pairs) {
		warnings = append(warnings, fmt.Sprintf("%s was trained on %d pairs that are not the %d of %s/pairs.jsonl, which "+
			"the report describes", next.Name(), len(pairs), len(made), m.Name()))
	}
	files, err := measureFiles(run)
	if err != nil {
		return nil, nil, err
	}
	maps.DeleteFunc(files[m.Name()], func(file string, _ bool) bool { return !strings.HasPrefix(file, faultsKey) })
	measured, err := modelMeasures(run, m.Name(), files[m.Name()])
	if err != nil {
		return nil, nil, err
	}
	for _, warning := range faultWarnings(measured) {
		if !strings.HasPrefix(warning.Text, m.Name()+" evaluate") {
			warnings = append(warnings, warning.Text)
		}
	}
	if warning := run.alsoEvaluated(next.Name(), promptsOf(pairs)); warning != "" {
		warnings = append(warnings, warning)
	}
	if err := run.WriteJSON(run.Path(next.Name(), "warnings.json"), warnings); err != nil {
		return nil, nil, err
	}
	next, err = next.computesAs(m, run)
	return next, steps, err
}

func train(ctx context.Context, run *Run, m *Model, rows []Pair) (*Model, []dpo.Step, error) {
	s, name := run.Settings.Train, modelName(m.Round+1)
	tokens, err := TokenPairs(m, run.Settings, run.Settings.Relabel(rows))
	if err != nil {
		return nil, nil, err
	}
	replay, err := replayPairs(run, m, rows)
	if err != nil {
		return nil, nil, err
	}
	beside, err := run.readBeside(m, rows)
	if err != nil {
		return nil, nil, err
	}
	key := m.Key(append([]any{"train", tokens, replay, s}, beside...)...)
	total := s.Epochs * ((len(tokens) + s.BatchPairs - 1) / s.BatchPairs)
	record := Training{Key: key, Base: m.known(), Model: name, Pairs: len(tokens), Settings: s}
	model, steps, err := finished(ctx, run, m, record, total)
	if err != nil {
		return nil, nil, err
	}
	if model != nil {
		_, err := rewardAccuracy(ctx, run, m, rows)
		return model, steps, err
	}
	base, err := referenceModel(m, s)
	if err != nil {
		return nil, nil, err
	}
	tokens, reference, err := course(ctx, run, m, base, rows, tokens)
	if err != nil {
		return nil, nil, err
	}
	if s.Curriculum != "" {
		s.Order = "given"
	}
	weights, err := policy(m, base, s)
	if err != nil {
		return nil, nil, err
	}
	// An earlier model leaves the run after the first step, so that damage that is found on the way costs no good model.
	begin := sync.OnceValue(func() error {
		if err := run.discard(name); err != nil {
			return err
		}
		_, err := rewardAccuracy(ctx, run, m, rows)
		return err
	})
	meter := run.Meter(m.Name()+" train", "steps", total, 0)
	defer meter.Stop()
	parameters := 0
	for _, tensor := range m.checkpoint.Tensors {
		parameters += tensor.Len()
	}
	steps, err = dpo.Train(ctx, m.engine, weights, tokens, reference, replay, s.Settings, dpo.Hooks{
		OnStep: func(step dpo.Step) error {
			meter.Took(step, total, parameters)
			return begin()
		},
		CheckpointDir:   stateFolder(run, name, key),
		CheckpointEvery: max(1, total/10),
		Memory:          run.memory,
		Note:            func(text string) { run.Note("%s", text) },
	})
	if err != nil {
		return nil, nil, err
	}
	if err := meter.End(); err != nil {
		return nil, nil, err
	}
	if err := begin(); err != nil { // of a training whose steps were all taken before
		return nil, nil, err
	}
	model, err = saveTrained(ctx, run, m, record, weights, steps)
	if err != nil {
		return nil, nil, err
	}
	return model, steps, durable.RemoveAll(stateFolder(run, name, key))
}

// saveTrained writes what a training has made, its record last.
func saveTrained(ctx context.Context, run *Run, base *Model, t Training, weights *transformer.Model,
	steps []dpo.Step) (*Model, error) {
	result, err := merged(weights, base)
	if err != nil {
		return nil, err
	}
	if result.Files["README.md"], err = modelCard(run, base, t, steps); err != nil {
		return nil, err
	}
	folder := run.Path(t.Model, "model")
	if err := checkpoint.Save(folder, result, "F32"); err != nil {
		return nil, noRoom(err, folder, result)
	}
	if err := saveAdapter(run.Path(t.Model, "adapter"), weights, base); err != nil {
		return nil, err
	}
	if t.Files, err = modelHashes(run.Path(t.Model)); err != nil {
		return nil, err
	}
	if err := run.Write(filepath.Join(folder, "README.md"), result.Files["README.md"]); err != nil {
		return nil, err
	}
	if err := run.WriteLines(run.Path(t.Model, "train.jsonl"), steps); err != nil {
		return nil, err
	}
	model, err := loadModel(folder, base.engine)
	if err != nil {
		return nil, err
	}
	model.Round, model.From = base.Round+1, t.Base
	if err := run.made(model); err != nil {
		return nil, err
	}
	t.Fingerprint = model.Fingerprint()
	if _, err := keepSteps(ctx, run, t, len(steps), func() ([]dpo.Step, error) { return steps, nil }); err != nil {
		return nil, err
	}
	return model, run.WriteJSON(run.Path(t.Model, "training.json"), t)
}

// noRoom says how much room a model needs and its disk has, of an error that there is none.
func noRoom(err error, folder string, model *checkpoint.Checkpoint) error {
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	const float32Size, aside = 4, 1 << 20 // bytes of a number, and for the files beside the weights
	needed := uint64(aside)
	for _, t := range model.Tensors {
		needed += float32Size * uint64(t.Len())
	}
	free := "an unknown number of bytes"
	if room, ok := durable.Room(folder); ok {
		free = fmt.Sprintf("%d bytes", room)
	}
	return fmt.Errorf("%w: saving %s takes %d bytes, and its disk has %s free; make room and run the same command again, "+
		"which continues", err, folder, needed, free)
}

// finished returns the model of a training that ended earlier under the same key, nil if there is none, and makes anew
// what was changed beside its weights. Another key is another training: it takes the place of a model that nothing was
// made of, and is refused where something was.
func finished(ctx context.Context, run *Run, base *Model, want Training, total int) (*Model, []dpo.Step, error) {
	name := want.Model
	t, err := run.trained(want)
	if err != nil {
		return nil, nil, err
	}
	if t.Key != want.Key {
		if made := madeWith(run, name); made != "" {
			return nil, nil, fmt.Errorf("%s was trained on other pairs or with other settings, and %s was made with it; "+
				"choose another run folder (what the models have said is not asked for again), or delete %s and %s",
				run.Path(name, "model"), made, run.Path(name), made)
		}
		if t.Key == "" {
			return nil, nil, run.sayGone(name)
		}
		run.Note("%s was trained on other pairs or with other settings; it is trained anew", run.Path(name, "model"))
		return nil, nil, nil
	}
	model, err := loadModel(run.Path(name, "model"), base.engine)
	if err != nil {
		return nil, nil, err
	}
	model.Round, model.From = base.Round+1, t.Base
	if model.Fingerprint() != t.Fingerprint {
		return nil, nil, fmt.Errorf("%s was changed after its training; delete %s and run again", run.Path(name, "model"),
			run.Path(name))
	}
	log := run.Path(name, "train.jsonl")
	steps, err := keepSteps(ctx, run, t, total, func() (steps []dpo.Step, err error) {
		return steps, run.ReadLines(log, &steps)
	})
	if err != nil {
		return nil, nil, err
	}
	card, err := modelCard(run, base, t, steps)
	if err != nil {
		return nil, nil, err
	}
	// The process that wrote the record may have been killed before it did the rest.
	err = errors.Join(run.WriteLines(log, steps), run.Write(run.Path(name, "model", "README.md"), card),
		run.made(model), run.WriteJSON(run.Path(name, "training.json"), t),
		durable.RemoveAll(stateFolder(run, name, t.Key)))
	return model, steps, err
}

// sayGone notes, before hours of training, that a trained model of the run was deleted.
func (r *Run) sayGone(name string) error {
	before, err := r.readRecord()
	if err != nil || before.Fingerprints[name] == "" {
		return err
	}
	if _, err := os.Stat(r.Path(name, "model")); errors.Is(err, fs.ErrNotExist) {
		r.Note("%s is gone since it was trained; it is trained anew, which gives the same model on the same kind of "+
			"processor alone (to keep the one that was there, interrupt this and put %s back)", r.Path(name, "model"),
			r.Path(name))
	}
	return nil
}

// discard takes an earlier training's model out of the run.
func (r *Run) discard(name string) error {
	record := r.Path(name, "training.json")
	if _, err := os.Stat(record); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(r.forget(name), r.remove(record))
}

// keepSteps returns what a training logged, through the store: an edited train.jsonl is made anew from it. Another kind
// of processor may make another model by the same key, and then logs other numbers.
func keepSteps(ctx context.Context, run *Run, t Training, total int,
	steps func() ([]dpo.Step, error)) ([]dpo.Step, error) {
	return ledger.Collect(ctx, run.store, "steps", ledger.Key("steps", t.Key, t.Fingerprint), total,
		func(_ func(int) bool, save func([]int, []dpo.Step) error) error {
			all, err := steps()
			if err != nil {
				return err
			}
			idx := make([]int, len(all))
			for i := range idx {
				idx[i] = i
			}
			return save(idx, all)
		})
}

// stateFolder holds the state of a training under way.
func stateFolder(run *Run, name, key string) string { return run.Path(name, "state-"+key) }

// Relabel applies the controls of [TrainSettings].Labels to pairs.
func (s Settings) Relabel(pairs []Pair) []Pair {
	out := make([]Pair, len(pairs))
	for i, row := range pairs {
		draw := fnv.New64a()
		fmt.Fprintf(draw, "%d/labels/%s/%s", s.Seed, row.ID, row.Lang)
		switch {
		case s.Train.Labels == "random" && draw.Sum64()>>32&1 == 1:
			row.Chosen, row.Rejected = row.Rejected, row.Chosen
		case s.Train.Labels == "own" && row.Lang != s.Dominant:
			row.Chosen = row.Rejected
		}
		out[i] = row
	}
	return out
}

// readBeside is what the course of a training reads of its pairs beside their tokens, for the training's key.
func (r *Run) readBeside(m *Model, rows []Pair) ([]any, error) {
	s := r.Settings.Train
	var read []any
	if s.LanguageTemperature != 0 || s.Curriculum == "accuracy" {
		read = append(read, languagesOf(rows))
	}
	if s.Curriculum == "accuracy" {
		rewards, err := r.rewards(m.Name(), rows)
		if err != nil {
			return nil, err
		}
		read = append(read, fmt.Sprint(rewards)) // JSON has no NaN
	}
	return read, nil
}

func languagesOf(rows []Pair) []string {
	langs := make([]string, len(rows))
	for i, row := range rows {
		langs[i] = row.Lang
	}
	return langs
}

// course returns the pairs in the numbers and the order that the settings train them in, and the references that the
// loss reads of them.
func course(ctx context.Context, run *Run, m *Model, base *transformer.Model, rows []Pair,
	pairs []dpo.Pair) ([]dpo.Pair, [][2]float64, error) {
	s := run.Settings.Train
	if s.LanguageTemperature != 0 {
		mixed := dpo.Mix(languagesOf(rows), s.LanguageTemperature, s.Seed)
		rows, pairs = pick(rows, mixed), pick(pairs, mixed)
	}
	var known [][2]float64
	if s.Curriculum != "" {
		var margins []float64
		var rewards []Reward
		var err error
		if s.Curriculum == "margin" {
			known, err = referenceLogprobs(ctx, run, m, base, pairs)
		} else {
			rewards, err = run.rewards(m.Name(), rows)
		}
		if err != nil {
			return nil, nil, err
		}
		if known != nil {
			margins = dpo.Margins(pairs, known)
		}
		order, err := curriculum(rows, margins, rewards)
		if err != nil {
			return nil, nil, err
		}
		pairs, known = pick(pairs, order), pick(known, order)
	}
	var reference [][2]float64
	for i, list := range s.Referenced(pairs, base.Config) {
		part, err := known, error(nil)
		if i > 0 || part == nil {
			part, err = referenceLogprobs(ctx, run, m, base, list)
		}
		if err != nil {
			return nil, nil, err
		}
		reference = append(reference, part...)
	}
	return pairs, reference, nil
}

// curriculum returns the order of pairs by their margins, or, where these are nil, by the reward accuracy of their
// language, the largest first. Equal ones keep their order.
func curriculum(pairs []Pair, margins []float64, rewards []Reward) ([]int, error) {
	order, accuracy, measured := make([]int, len(pairs)), map[string]float64{}, 0
	for _, row := range rewards {
		accuracy[row.Lang] = row.Value
		measured += row.N
	}
	if margins == nil && measured == 0 {
		return nil, errors.New("curriculum accuracy: nothing checks these pairs, so no language has a reward accuracy; " +
			"take curriculum margin")
	}
	for i := range order {
		order[i] = i
	}
	key := func(i int) float64 {
		if margins != nil {
			return margins[i]
		}
		return accuracy[pairs[i].Lang]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(key(b), key(a)) })
	return order, nil
}

// pick returns the items at these indices, nil of nil.
func pick[T any](items []T, at []int) []T {
	if items == nil {
		return nil
	}
	out := make([]T, len(at))
	for k, i := range at {
		out[k] = items[i]
	}
	return out
}

// referenceLogprobs returns log π_ref of both sides of every pair under base, which holds m's weights, through the
// store. Another kind of processor computes its own, so that what it trains is its own to the last bit.
func referenceLogprobs(ctx context.Context, run *Run, m *Model, base *transformer.Model,
	pairs []dpo.Pair) ([][2]float64, error) {
	s := run.Settings.Train.Settings
	parts := []any{"reference 2", backend.Arithmetic(m.engine), pairs, s.MaxLength}
	for _, how := range []string{run.Settings.Train.DType, run.Settings.Train.Products} {
		if how == "bfloat16" {
			parts = append(parts, how)
		}
	}
	measure := func(done func(int) bool, save func([]int, [][2]float64) error) error {
		meter := run.Meter(m.Name()+" reference", "pairs", len(pairs), countDone(len(pairs), done))
		defer meter.Stop()
		err := dpo.Reference(ctx, m.engine, base, pairs, s, done, func(idx []int, chosen, rejected []float64) error {
			items := make([][2]float64, len(idx))
			for k := range idx {
				items[k] = [2]float64{chosen[k], rejected[k]}
			}
			meter.Add(len(idx), 0)
			return save(idx, items)
		})
		if err != nil {
			return err
		}
		return meter.End()
	}
	return ledger.Collect(ctx, run.store, "reference", m.Key(parts...), len(pairs), measure)
}
