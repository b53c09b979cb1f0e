package lidr

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/gomlx/compute"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// Model is a language model with its place in the run: M0 is what a run starts from, M1 what its first round makes.
type Model struct {
	Name string // M0, M1, …: the folder of its outputs in the run folder
	Path string // "miniature", or the Hugging Face folder that it came from

	lm         lm.Model
	engine     compute.Backend
	checkpoint *checkpoint.Checkpoint
	weights    *transformer.Model
	tokenizer  *tokenizer.Tokenizer
}

// LoadModel loads M0: "miniature", the model that is embedded in this package, or a Hugging Face folder with
// config.json, safetensors and tokenizer.json. It runs on the backend that LIDR_BACKEND names, or on the default one.
func LoadModel(path string) (*Model, error) {
	engine, err := backend.Open("")
	if err != nil {
		return nil, err
	}
	return loadModel(path, "M0", engine)
}

func loadModel(path, name string, engine compute.Backend) (*Model, error) {
	folder := fs.FS(os.DirFS(path))
	if path == "miniature" {
		folder = miniature.M0()
	}
	ck, err := checkpoint.Load(folder)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	tok, err := tokenizer.Load(folder)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	weights, err := transformer.New(ck)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return &Model{
		Name: name, Path: path, engine: engine, checkpoint: ck, weights: weights, tokenizer: tok,
		lm: local.New(engine, weights, tok),
	}, nil
}

// UseModel makes M0 of any language model, such as one behind a server (lm/remote), which path names in files and
// messages. It generates, translates, is evaluated and judges like a local one; since its weights are not here, it cannot be
// trained here.
func UseModel(path string, m lm.Model) *Model { return &Model{Name: "M0", Path: path, lm: m} }

// trainable is an error for a model whose weights are not here.
func (m *Model) trainable() error {
	if m.weights == nil {
		return fmt.Errorf("the weights of %s (%s) are not here; train its checkpoint with another trainer on pairs.jsonl, which is in TRL's form, and go on with the result by LoadModel or UseModel", m.Name, m.Path)
	}
	return nil
}

// Fingerprint is the content hash of the model's weights, tokenizer and chat template.
func (m *Model) Fingerprint() string { return m.lm.Fingerprint() }

// key returns the content key of a step on this model: the same words from another backend may differ in the last bit.
func (m *Model) key(parts ...any) string {
	if m.engine == nil {
		return ledger.Key(m.Fingerprint(), parts) // behind a server
	}
	return ledger.Key(m.Fingerprint(), backend.Name(m.engine), parts)
}
