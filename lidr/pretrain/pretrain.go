// Package pretrain makes the M0 of the miniature world: it trains a tokenizer and a small Llama on the world's stream
// of examples ([miniature.Examples]), which is lopsided on purpose, so that the model is better in English than in the
// other languages. `make miniature` makes the M0 that ships, from its seed.
//
// English learns arithmetic at a moment that is a matter of chance, somewhere between steps 1,500 and 3,000; 4,500
// steps leave room for it. On three seeds English ended at 96, 98 and 98 %, the trained languages at 76, 69 and 73 %
// in the mean, each language at least 15 points below English. Recipe and shipped seed were chosen on problems that no
// reported number uses. (On one of the seeds 101 to 103 Spanish came within 9.6 points.)
//
// Equal settings on one build and one kind of processor give equal bytes: the shipped folder was made twice, the
// second time killed five times with SIGKILL on the way, and is the same file by file. A change in the last bit of a
// kernel gives another model of the same kind.
package pretrain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing/fstest"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// checkpointEvery is the number of steps between two savings of an unfinished training's state.
const checkpointEvery = 100

// Make pretrains an M0 and writes it to dir, a Hugging Face folder. It keeps its state in dir+".training" and resumes
// from there; equal settings on an equal backend give equal bytes. A folder that these settings made is left as it is.
// A nil progress is silence.
func Make(ctx context.Context, dir string, s Settings, progress lidr.Progress) error {
	if err := s.Validate(); err != nil {
		return err
	}
	settings, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	card := fmt.Appendf(nil, modelCard, settings)
	if old, err := os.ReadFile(filepath.Join(dir, "README.md")); err == nil && bytes.Equal(old, card) {
		return nil
	}
	files, err := tokenizerFiles(s)
	if err != nil {
		return err
	}
	tok, err := loadTokenizer(files)
	if err != nil {
		return err
	}
	s.Config.EOSTokenIDs = tok.EOS()
	engine, err := backend.Open("")
	if err != nil {
		return err
	}
	state := dir + ".training"
	if err := os.MkdirAll(state, 0o755); err != nil {
		return err
	}
	if progress == nil {
		progress = func(lidr.Event) {}
	}
	model := transformer.Init(s.Config, s.Seed)
	batches := &batcher{settings: s, tokenizer: tok, example: miniature.Examples(s.Mix, s.Seed)}
	meter := lidr.NewMeter(progress, "pretrain", "steps", s.Steps, 0)
	defer meter.Stop()
	_, err = dpo.Pretrain(ctx, engine, model, batches.next, s.Steps, s.Optimizer, dpo.Hooks{
		OnStep: func(step dpo.Step) error {
			meter.Took(step, s.Steps, 0)
			return batches.err
		},
		CheckpointDir: state, CheckpointEvery: checkpointEvery,
		Note: func(text string) { progress(lidr.Event{Note: text}) },
	})
	if err != nil {
		return err
	}
	result, err := model.Checkpoint()
	if err != nil {
		return err
	}
	result.Files = files
	result.Files["README.md"] = card
	if err := checkpoint.Save(dir, result, "F32"); err != nil {
		return err
	}
	return os.RemoveAll(state)
}

const modelCard = `# M0 of the miniature world

A language model of a small synthetic world of word problems in seven languages, better in English than in the others by
construction. It exercises the software and shows the mechanism; it knows nothing else. ` +
	"Made by `make miniature` with\n\n%s\n"

// loadTokenizer reads a tokenizer from the files of a model folder.
func loadTokenizer(files map[string][]byte) (*tokenizer.Tokenizer, error) {
	folder := fstest.MapFS{}
	for name, data := range files {
		folder[name] = &fstest.MapFile{Data: data}
	}
	return tokenizer.Load(folder)
}
