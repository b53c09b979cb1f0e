package lidr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/hub"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// Model is a language model with its place in the run: M0 is what a run starts from, M1 what its first round makes.
type Model struct {
	Name string // M0, M1, …: the folder of its outputs in the run folder
	Path string // "miniature", or the Hugging Face folder or name that it came from

	lm         lm.Model
	engine     compute.Backend
	checkpoint *checkpoint.Checkpoint
	weights    *transformer.Model
	tokenizer  *tokenizer.Tokenizer
}

// LoadModel loads M0: "miniature", the model that is embedded in this package, a Hugging Face folder with config.json,
// safetensors and tokenizer.json, the folder of a LoRA adapter in PEFT's form, or a model on the hub by its name, ORG/NAME or ORG/NAME@REVISION, which is looked for in the
// Hugging Face cache: [Pull] puts it there, and nothing is downloaded here. It runs on the backend that LIDR_BACKEND names,
// or on the default one.
func LoadModel(path string) (*Model, error) {
	engine, err := backend.Open("")
	if err != nil {
		return nil, err
	}
	return loadModel(path, "M0", engine)
}

func loadModel(path, name string, engine compute.Backend) (*Model, error) {
	ck, tok, err := LoadCheckpoint(path)
	if err != nil {
		return nil, err
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

// LoadCheckpoint reads the weights and the tokenizer of a model as [LoadModel] names it. A folder of PEFT's form, an adapter
// without its base, is merged into the base that it names.
func LoadCheckpoint(path string) (*checkpoint.Checkpoint, *tokenizer.Tokenizer, error) {
	folder, err := modelFolder(path)
	if err != nil {
		return nil, nil, fmt.Errorf("model %w", err)
	}
	ck, tok, err := loadFolder(path, folder)
	if err != nil {
		return nil, nil, fmt.Errorf("model %s: %w", path, err)
	}
	return ck, tok, nil
}

func loadFolder(path string, folder fs.FS) (*checkpoint.Checkpoint, *tokenizer.Tokenizer, error) {
	base, err := checkpoint.AdapterBase(folder)
	if errors.Is(err, fs.ErrNotExist) {
		ck, err := checkpoint.Load(folder)
		if err != nil {
			return nil, nil, err
		}
		tok, err := tokenizer.Load(folder)
		return ck, tok, err
	} else if err != nil {
		return nil, nil, err
	}
	if strings.HasPrefix(base, "../") {
		base = filepath.Join(path, base)
	}
	ck, tok, err := LoadCheckpoint(base)
	if err != nil {
		return nil, nil, err
	}
	adapter, err := checkpoint.LoadAdapter(folder, ck.Config)
	if err != nil {
		return nil, nil, err
	}
	ck, err = adapter.Merge(ck)
	return ck, tok, err
}

// modelFolder returns the files of a model. A folder goes before a name on the hub.
func modelFolder(path string) (fs.FS, error) {
	if path == "miniature" {
		return miniature.M0(), nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if name, err := hub.ParseName(path); err == nil {
			if path, err = hub.Find(name); err != nil {
				return nil, err
			}
		}
	}
	return os.DirFS(path), nil
}

// Pull downloads a model, ORG/NAME or ORG/NAME@REVISION, from the Hugging Face hub into its cache and returns the folder.
// What is there already is not asked for again, and a download that was cut off goes on where it stopped. The environment
// variables are those of the hub's own tools: HF_HOME or HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE.
func Pull(ctx context.Context, name string, progress Progress) (string, error) {
	n, err := hub.ParseName(name)
	if err != nil {
		return "", err
	}
	const often = 1 << 20
	shown := int64(-often)
	return hub.Pull(ctx, n, func(done, total int64) {
		if done-shown >= often || done == total {
			shown = done
			progress(Event{Step: "pull " + name, Done: int(done), Total: int(total), Unit: "bytes"})
		}
	})
}

// UseModel makes M0 of any language model, such as one behind a server (lm/remote), which path names in files and
// messages. It generates, translates, is evaluated and judges like a local one; since its weights are not here, it cannot be
// trained here: see [HandOff].
func UseModel(path string, m lm.Model) *Model { return &Model{Name: "M0", Path: path, lm: m} }

// trainable is an error for a model whose weights are not here.
func (m *Model) trainable() error {
	if m.weights == nil {
		return fmt.Errorf("the weights of %s (%s) are not here; let HandOff train its checkpoint by another program", m.Name, m.Path)
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
