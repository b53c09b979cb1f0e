package handoff

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
)

// ErrElsewhere is wrapped by the error of [Train] where the round is written, but the program cannot run; the text of
// that error says what to run where.
var ErrElsewhere = errors.New("the trainer does not run here")

// ErrTraining is wrapped by the error of [Train] where a program that an earlier process has started is still at work.
var ErrTraining = errors.New("it is being trained already")

// Train trains m on preference pairs, a frame of [lidr.Pair] rows, by another program, and returns the next model,
// M<t+1>, with a frame of [dpo.Step] rows, as [lidr.Train] does. It writes M<t+1>/handoff: the pairs, the settings and
// train.sh, which starts the program. Then it runs train.sh, follows its progress, and [TakeBack] does the rest. What
// the program cannot do is refused before the first file is written.
//
// A cancelled ctx ends the program and all that it has started; called again, the program continues from its last
// checkpoint. Where the program cannot run, because it is not installed, takes several machines,
// or an interpreted script asks, the error wraps [ErrElsewhere].
func Train(
	ctx context.Context, run *lidr.Run, m *lidr.Model, pairs dataframe.DataFrame, t Trainer,
) (*lidr.Model, dataframe.DataFrame, error) {
	return TrainBy(ctx, run, m, pairs, t, nil)
}

// TrainBy is [Train] with start in the place of a process of this machine: it runs sh train.sh to its end on the
// trainer's machines, which share the run folder, and is told the script's path and the key of what is to be trained.
// Where ctx ends first, whatever start leaves running goes on.
func TrainBy(ctx context.Context, run *lidr.Run, m *lidr.Model, pairs dataframe.DataFrame, t Trainer,
	start func(ctx context.Context, script, key string) error) (*lidr.Model, dataframe.DataFrame, error) {
	if err := train(ctx, run, m, pairs, t, start); err != nil {
		return nil, dataframe.DataFrame{}, fmt.Errorf("hand off %s: %w", m.Name(), err)
	}
	return TakeBack(run, fmt.Sprintf("M%d", m.Round+1))
}

func train(ctx context.Context, run *lidr.Run, m *lidr.Model, pairs dataframe.DataFrame, t Trainer,
	start func(ctx context.Context, script, key string) error) error {
	var rows []lidr.Pair
	if err := datasets.Rows(pairs, &rows); err != nil {
		return fmt.Errorf("pairs: %w", err)
	}
	j, err := newJob(run, m, t)
	if err != nil {
		return err
	}
	if err := j.take(rows); err != nil {
		return err
	}
	if err := run.Enter(m); err != nil {
		return err
	}
	if _, err := lidr.RewardAccuracy(ctx, run, m, pairs); err != nil {
		return err
	}
	if err := j.write(); err != nil {
		return err
	}
	if err := checkTrained(run, j.next, t); !errors.Is(err, errUntrained) {
		return err
	}
	if start != nil {
		return j.wait(ctx, func() error { return start(ctx, j.path("train.sh"), j.key) })
	}
	return j.start(ctx)
}

// Checkpoint is the last checkpoint that a training of the run's model of that name has left on its way, "" for none.
func Checkpoint(run *lidr.Run, name string) string { return lastCheckpoint(logFolder(run, name)) }

// Round is [lidr.Round] with [Train] in the place of [lidr.Train]: prompts, answers, translations, pairs, training.
// What the program cannot do is refused before the model is asked anything.
func Round(ctx context.Context, run *lidr.Run, m *lidr.Model, t Trainer) (*lidr.Model, error) {
	if _, err := newJob(run, m, t); err != nil {
		return nil, fmt.Errorf("hand off %s: %w", m.Name(), err)
	}
	prompts, err := lidr.Prompts(ctx, run, m)
	if err != nil {
		return nil, err
	}
	responses, err := lidr.Generate(ctx, run, m, prompts)
	if err != nil {
		return nil, err
	}
	translations, err := lidr.Translate(ctx, run, m, responses)
	if err != nil {
		return nil, err
	}
	pairs, _, err := lidr.Pairs(ctx, run, m, responses, translations)
	if err != nil {
		return nil, err
	}
	next, _, err := Train(ctx, run, m, pairs, t)
	return next, err
}

// TakeBack returns the model of the run that the program of an earlier [Train] made, "M1", with a frame of [dpo.Step]
// rows from the program's log. Neither program logs the parts of the loss: where they follow from what it logs, they
// are filled in (of one part, of one pair a step, and of the first step, whose model is still its own reference), and
// elsewhere NaN, as other numbers that it does not log; the model's warnings count them. It reads the checkpoint in
// <name>/model and writes what [lidr.Run.Adopt] does: train.jsonl, warnings.json and training.json. If the round's
// base was behind a server, the weights are not loaded: serve <name>/model and go on with [lidr.Run.Use].
func TakeBack(run *lidr.Run, name string) (*lidr.Model, dataframe.DataFrame, error) {
	model, steps, err := takeBack(run, name)
	if err != nil {
		return nil, dataframe.DataFrame{}, fmt.Errorf("take back %s: %w", name, err)
	}
	return model, datasets.Frame(steps), nil
}

func takeBack(run *lidr.Run, name string) (*lidr.Model, []dpo.Step, error) {
	r, err := readRecord(run, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("its training was not handed off; call Train first")
	} else if err != nil {
		return nil, nil, err
	}
	if err := checkTrained(run, name, r.Trainer); errors.Is(err, errUntrained) {
		j := &job{run: run, next: name, trainer: r.Trainer}
		return nil, nil, j.elsewhere(err.Error())
	} else if err != nil {
		return nil, nil, err
	}
	steps, err := readSteps(logFolder(run, name))
	if err != nil {
		return nil, nil, err
	}
	addParts(steps, r.Settings)
	model, err := run.Adopt(lidr.Training{
		Key: r.Key, Base: r.Base, Model: name, Pairs: r.Pairs, Settings: r.Settings, Elsewhere: r.Elsewhere,
	}, steps)
	return model, steps, err
}
