package lidr

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"strconv"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// trained is <model>/training.json, written last: the model folder belongs to this training, and is whole.
type trained struct {
	Key         string        `json:"key"`
	Base        string        `json:"base"` // fingerprint of the model that the round started from
	Model       string        `json:"model"`
	Pairs       int           `json:"pairs"`
	Settings    TrainSettings `json:"settings"`
	Fingerprint string        `json:"fingerprint"`
}

// Train trains m on preference pairs and returns the next model, M<t+1>, with a frame of one row a step: step, loss,
// dpo, nll, rewards_chosen, rewards_rejected, rewards_margins, rewards_accuracies, identical, logps_chosen, logps_rejected,
// grad_norm and lr (TRL's names, with _ for /). It writes M<t+1>/model, a Hugging Face folder, and M<t+1>/train.jsonl.
// With TrainSettings.LoRA, M<t+1>/adapter is what was trained, in PEFT's form, and M<t+1>/model has it merged.
// The reference π_ref is m itself; its log-probabilities are computed once and kept in the store. What deserves a look
// before the model is believed stands in M<t+1>/warnings.json, and what [RewardAccuracy] says of the pairs beside them.
func Train(ctx context.Context, run *Run, m *Model, pairs dataframe.DataFrame) (*Model, dataframe.DataFrame, error) {
	rows, err := rowsOf[Pair](pairs, "pairs")
	if err != nil {
		return nil, dataframe.DataFrame{}, err
	}
	if len(rows) == 0 {
		return nil, dataframe.DataFrame{}, fmt.Errorf("train %s: no pair is left after the filters; %s counts what each dropped", m.Name, run.path(m.Name, "pairs.stats.json"))
	}
	if _, err := RewardAccuracy(run, m, pairs); err != nil {
		return nil, dataframe.DataFrame{}, err
	}
	next, steps, err := train(ctx, run, m, rows)
	if err != nil {
		return nil, dataframe.DataFrame{}, fmt.Errorf("train %s: %w", m.Name, err)
	}
	warnings := roundWarnings(run.Settings, m.Name, rows, steps)
	return next, stepFrame(steps), writeJSON(run, run.path(next.Name, "warnings.json"), warnings)
}

func train(ctx context.Context, run *Run, m *Model, rows []Pair) (*Model, []dpo.Step, error) {
	name, err := nextName(m.Name)
	if err != nil {
		return nil, nil, err
	}
	if err := m.trainable(); err != nil {
		return nil, nil, err
	}
	s := run.Settings.Train
	labelled := relabel(run.Settings, rows)
	tokens, err := tokenPairs(m, run.Settings.Generate, labelled)
	if err != nil {
		return nil, nil, err
	}
	replay, err := replayPairs(run, m, rows)
	if err != nil {
		return nil, nil, err
	}
	key := m.key("train", tokens, replay, s)
	folder, stepsFile := run.path(name, "model"), run.path(name, "train.jsonl")
	if model, steps, err := finished(run, m, name, key); err != nil || model != nil {
		return model, steps, err
	}
	base, err := referenceModel(m, s)
	if err != nil {
		return nil, nil, err
	}
	reference, err := referenceLogprobs(ctx, run, m, base, tokens)
	if err != nil {
		return nil, nil, err
	}
	weights, err := policy(base, s)
	if err != nil {
		return nil, nil, err
	}
	total := s.Epochs * ((len(tokens) + s.BatchPairs - 1) / s.BatchPairs)
	meter := run.meter(m.Name+" train", "steps", total, 0)
	steps, err := dpo.Train(ctx, m.engine, weights, tokens, reference, replay, s.Settings, dpo.Hooks{
		OnStep:          func(step dpo.Step) error { meter.reached(step.Step, step.Tokens); return nil },
		CheckpointDir:   stateFolder(run, name, key),
		CheckpointEvery: max(1, total/10),
	})
	if err != nil {
		return nil, nil, err
	}
	if err := meter.end(); err != nil {
		return nil, nil, err
	}
	result, err := weights.Checkpoint()
	if err != nil {
		return nil, nil, err
	}
	if result.Files["README.md"], err = modelCard(run, m, name, key, len(tokens), steps); err != nil {
		return nil, nil, err
	}
	if err := checkpoint.Save(folder, result, "F32"); err != nil {
		return nil, nil, err
	}
	if err := saveAdapter(run.path(name, "adapter"), weights, m); err != nil {
		return nil, nil, err
	}
	if err := writeLines(run, stepsFile, steps); err != nil {
		return nil, nil, err
	}
	model, err := loadModel(folder, name, m.engine)
	if err != nil {
		return nil, nil, err
	}
	err = writeJSON(run, run.path(name, "training.json"), trained{
		Key: key, Base: m.Fingerprint(), Model: name, Pairs: len(tokens), Settings: s, Fingerprint: model.Fingerprint(),
	})
	if err != nil {
		return nil, nil, err
	}
	return model, steps, durable.RemoveAll(stateFolder(run, name, key))
}

// finished returns the model of a training that ended earlier under the same key, nil if there is none.
func finished(run *Run, base *Model, name, key string) (*Model, []dpo.Step, error) {
	var record trained
	path := run.path(name, "training.json")
	if err := ledger.ReadJSON(path, &record); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	if record.Key != key {
		return nil, nil, durable.Remove(path)
	}
	model, err := loadModel(run.path(name, "model"), name, base.engine)
	if err != nil {
		return nil, nil, err
	}
	if model.Fingerprint() != record.Fingerprint {
		return nil, nil, fmt.Errorf("%s was changed after its training; delete %s and run again", run.path(name, "model"), run.path(name))
	}
	steps, err := ledger.ReadLines[dpo.Step](run.path(name, "train.jsonl"))
	if err != nil {
		return nil, nil, err
	}
	// The process that wrote the record may have been killed before it did the rest.
	return model, steps, errors.Join(writeJSON(run, path, record), durable.RemoveAll(stateFolder(run, name, key)))
}

// stateFolder holds the state of a training under way.
func stateFolder(run *Run, name, key string) string { return run.path(name, "state-"+key) }

// relabel applies the controls of TrainSettings.Labels.
func relabel(s Settings, rows []Pair) []Pair {
	out := make([]Pair, len(rows))
	for i, row := range rows {
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

// tokenPairs turns pairs into token ids; both sides end with the end-of-turn token.
func tokenPairs(m *Model, s GenerateSettings, rows []Pair) ([]dpo.Pair, error) {
	ask, err := asker(s)
	if err != nil {
		return nil, err
	}
	out := make([]dpo.Pair, len(rows))
	for i, row := range rows {
		messages, err := ask(row.Prompt, row.Lang)
		if err != nil {
			return nil, err
		}
		prompt, err := m.tokenizer.EncodeChat(messages, true, "")
		if err != nil {
			return nil, fmt.Errorf("pair %d (prompt %s in %s): %w", i, row.ID, row.Lang, err)
		}
		out[i] = dpo.Pair{Prompt: int32s(prompt), Chosen: ended(m.tokenizer, row.Chosen), Rejected: ended(m.tokenizer, row.Rejected)}
	}
	return out, nil
}

// ended encodes a response with its end of turn.
func ended(t *tokenizer.Tokenizer, response string) []int32 {
	return int32s(append(t.EncodeContent(response), t.EOS()[0]))
}

func int32s(ids []int) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}

// referenceLogprobs returns log π_ref of both sides of every pair under base, which holds m's weights, through the store. SFT
// needs none.
func referenceLogprobs(ctx context.Context, run *Run, m *Model, base *transformer.Model, pairs []dpo.Pair) ([][2]float64, error) {
	s := run.Settings.Train.Settings
	if s.Objective == "sft" {
		return nil, nil
	}
	parts := []any{"reference", pairs, s.MaxLength}
	if dtype := run.Settings.Train.DType; dtype == "bfloat16" {
		parts = append(parts, dtype)
	}
	key := m.key(parts...)
	return ledger.Collect(ctx, run.store, "reference", key, len(pairs), func(done func(int) bool, save func([]int, [][2]float64) error) error {
		meter := run.meter(m.Name+" reference", "pairs", len(pairs), countDone(len(pairs), done))
		err := dpo.Reference(ctx, m.engine, base, pairs, s, done, func(idx []int, chosen, rejected []float64) error {
			items := make([][2]float64, len(idx))
			for k := range idx {
				items[k] = [2]float64{chosen[k], rejected[k]}
			}
			meter.add(len(idx), 0)
			return save(idx, items)
		})
		if err != nil {
			return err
		}
		return meter.end()
	})
}

// nextName returns M1 for M0.
func nextName(name string) (string, error) {
	round, err := strconv.Atoi(name[min(1, len(name)):])
	if err != nil || name[0] != 'M' {
		return "", fmt.Errorf("the model's name is %q, expected M and a number", name)
	}
	return modelName(round + 1), nil
}

// stepRow is a row of the frame that [Train] returns.
type stepRow struct {
	Step              int     `json:"step"`
	Loss              float64 `json:"loss"`
	DPO               float64 `json:"dpo"`
	NLL               float64 `json:"nll"`
	RewardsChosen     float64 `json:"rewards_chosen"`
	RewardsRejected   float64 `json:"rewards_rejected"`
	RewardsMargins    float64 `json:"rewards_margins"`
	RewardsAccuracies float64 `json:"rewards_accuracies"`
	Identical         float64 `json:"identical"`
	LogpsChosen       float64 `json:"logps_chosen"`
	LogpsRejected     float64 `json:"logps_rejected"`
	GradNorm          float64 `json:"grad_norm"`
	LR                float64 `json:"lr"`
}

func stepFrame(steps []dpo.Step) dataframe.DataFrame {
	rows := make([]stepRow, len(steps))
	for i, s := range steps {
		rows[i] = stepRow{s.Step, s.Loss, s.DPO, s.NLL, s.RewardsChosen, s.RewardsRejected, s.RewardsMargins, s.RewardsAccuracies,
			s.Identical, s.LogpsChosen, s.LogpsRejected, s.GradNorm, s.LR}
	}
	return datasets.Frame(rows)
}
