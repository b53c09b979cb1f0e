package lidr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/gguf"
	"lidrlab/lidr/hub"
	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// Model is a language model. In a run, M0 is what the run starts from and M1 what its first round makes; a judge or a
// translator is a Model too, and no part of the run.
type Model struct {
	Path  string // "miniature", or the Hugging Face folder or name that it came from, or what names its server
	Round int    // rounds of training behind it in its run: 0 for what [LoadModel] and [UseModel] return
	From  string // fingerprint of the model that its round started from, "" for round 0

	lm         lm.Model
	engine     compute.Backend // nil for a model behind a server
	checkpoint *checkpoint.Checkpoint
	weights    *transformer.Model // nil where they are not here
	tokenizer  *tokenizer.Tokenizer
	// identity is the fingerprint of the checkpoint that a server or another machine holds, or that is computed with in
	// fewer bits; "" for lm's own.
	identity string
}

// LoadModel loads a model: "miniature", which is embedded in this package, a Hugging Face folder with config.json,
// safetensors and tokenizer.json, the folder of a LoRA adapter in PEFT's form, a GGUF file, a model of Ollama on this
// disk by its name, or a model on the hub by its name, ORG/NAME or ORG/NAME@REVISION, which is looked for in the
// Hugging Face cache: [Pull] puts it there, and nothing is downloaded here. It runs on the backend that LIDR_BACKEND
// names, or on the default one. [Run.Model] loads the models of a run.
//
// A model of a run, such as runs/x/M1/model, is compared with what its training left, and refused if it is another.
func LoadModel(path string) (*Model, error) {
	if err := wholeModel(path); err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return loadAny(path)
}

// loadAny is [LoadModel] for a model that no training of the run has recorded yet.
func loadAny(path string) (*Model, error) {
	engine, err := backend.Open("")
	if err != nil {
		return nil, err
	}
	return loadModel(path, engine)
}

func loadModel(path string, engine compute.Backend) (*Model, error) {
	ck, tok, err := loadCheckpoint(path, 0)
	if err != nil {
		return nil, err
	}
	ck.Remember = !inRun(path)
	weights, err := transformer.NewStored(ck, engine)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return &Model{
		Path: path, engine: engine, checkpoint: ck, weights: weights, tokenizer: tok, lm: local.New(engine, weights, tok),
	}, nil
}

// Quantized returns the model with its products computed in integers, as llama.cpp's are: with "stored", those with
// matrices that a GGUF file holds in blocks; with "q8", all others as well, rounded to Q8_0; or, with "bf16", with what
// it multiplies matrices in bfloat16 by rounded to bfloat16, as vLLM's are. An adapter that m was loaded from stays
// beside the weights, in float32. Its answers differ from m's, and so does its fingerprint; a run knows it as m, and a
// training that starts from it ends in a model that computes like it.
func (m *Model) Quantized(how string) (*Model, error) {
	if m.checkpoint == nil {
		return nil, fmt.Errorf("model %s is behind a server, which decides how it computes", m.Path)
	}
	weights, err := transformer.NewQuantized(m.checkpoint, m.engine, how)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Path, err)
	}
	return m.computing(weights), nil
}

// computing returns m, known as m, with these weights.
func (m *Model) computing(weights *transformer.Model) *Model {
	q := *m
	q.weights, q.lm, q.identity = weights, local.New(m.engine, weights, m.tokenizer), m.known()
	return &q
}

// maxAdapters bounds the adapters that are merged one after the other: more than anybody trains on top of each other,
// and an adapter that leads back to itself has no end.
const maxAdapters = 8

// loadCheckpoint reads the weights and the tokenizer of a model as [LoadModel] names it. A folder of PEFT's form, an
// adapter without its base, is merged into the base that it names; above is the number of adapters that led here.
func loadCheckpoint(path string, above int) (*checkpoint.Checkpoint, *tokenizer.Tokenizer, error) {
	if path != miniatureSource {
		file, err := gguf.Find(path)
		var ck *checkpoint.Checkpoint
		var tok *tokenizer.Tokenizer
		if err == nil && file != "" {
			ck, tok, err = gguf.Load(file)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("model %w", err)
		}
		if ck != nil {
			return ck, tok, nil
		}
	}
	folder, err := modelFolder(path)
	if err != nil {
		return nil, nil, fmt.Errorf("model %w", err)
	}
	base, err := checkpoint.AdapterBase(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		var ck *checkpoint.Checkpoint
		var tok *tokenizer.Tokenizer
		if ck, err = checkpoint.Load(folder); err == nil {
			tok, err = tokenizer.Load(folder)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("model %s: %w", path, err)
		}
		return ck, tok, nil
	case err == nil && above == maxAdapters:
		err = fmt.Errorf("it is an adapter on an adapter, %d times over: their base_model_name_or_path may lead back to one "+
			"of them; merge them, or name a base", maxAdapters)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("model %s: %w", path, err)
	}
	if strings.HasPrefix(base, "../") {
		base = filepath.Join(path, base)
		if err := wholeModel(base); err != nil {
			return nil, nil, err
		}
	}
	ck, tok, err := loadCheckpoint(base, above+1)
	if err != nil && above == 0 {
		err = fmt.Errorf("%w (the base of the adapter in %s)", err, path)
	}
	if err != nil {
		return nil, nil, err
	}
	adapter, err := checkpoint.LoadAdapter(folder, ck.Config)
	if err == nil {
		ck, err = adapter.Merge(ck)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("model %s: %w", path, err)
	}
	return ck, tok, nil
}

// modelFolder returns the files of a model. A folder goes before a name on the hub.
func modelFolder(path string) (fs.FS, error) {
	if path == miniatureSource {
		return miniature.M0(), nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		name, err := hub.ParseName(path)
		if err != nil {
			return nil, fmt.Errorf("%s is no folder and no file here, no model of Ollama on this disk, and no name on the hub, "+
				"such as ORG/NAME", path)
		}
		if path, err = hub.Find(name); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(filepath.Join(path, "config.json")); errors.Is(err, fs.ErrNotExist) {
		if files, err := filepath.Glob(filepath.Join(path, "*.gguf")); err == nil && len(files) > 0 {
			return nil, fmt.Errorf("%s has no config.json, and %s is a model of its own; name that file", path, files[0])
		}
	}
	return os.DirFS(path), nil
}

// modelHashes are the SHA-256 of the files that a trained model is loaded from, by their names below its folder, M1:
// those of model and adapter. A model card is no such file.
func modelHashes(folder string) (map[string]string, error) {
	hashes := map[string]string{}
	for _, part := range []string{"model", "adapter"} {
		files, err := os.ReadDir(filepath.Join(folder, part))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, file := range files {
			name := file.Name()
			own := name == "config.json" || name == checkpoint.AdapterConfigFile || checkpoint.IsCompanion(name) ||
				strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".safetensors.index.json")
			if !own || name == "README.md" || file.IsDir() {
				continue
			}
			if hashes[part+"/"+name], err = hashFile(filepath.Join(folder, part, name)); err != nil {
				return nil, err
			}
		}
	}
	return hashes, nil
}

func hashFile(path string) (string, error) {
	file, err := input.OpenFile(path)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hex.EncodeToString(hash.Sum(nil)), errors.Join(err, file.Close())
}

// compareModel is an error for a file of a trained model that is not as its training left it. part is "model",
// "adapter" or "" for both.
func compareModel(folder, part string, was, is map[string]string) error {
	names := append(slices.Collect(maps.Keys(was)), slices.Collect(maps.Keys(is))...)
	slices.Sort(names)
	for _, name := range names {
		if !strings.HasPrefix(name, part) || was[name] == is[name] {
			continue
		}
		what := "changed"
		switch "" {
		case is[name]:
			what = "deleted"
		case was[name]:
			what = "added"
		}
		return fmt.Errorf("%s was %s after its training; delete %s and run again, which trains it anew, or put it back",
			filepath.Join(folder, name), what, folder)
	}
	return nil
}

// wholeModel is an error for the folder of a model that a run has trained, RUN/M1/model or RUN/M1/adapter, if it is not
// as its training left it. Any other folder is none of a run's.
func wholeModel(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	part, folder := filepath.Base(path), filepath.Dir(path)
	dir, name := filepath.Dir(folder), filepath.Base(folder)
	if part != "model" && part != "adapter" || !trainedName.MatchString(name) || !isRun(dir) {
		return nil
	}
	data, err := ledger.ReadListed(dir, filepath.Join(folder, "training.json"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(folder, "handoff")); err == nil {
			return nil // another program's, which the run has not taken back yet
		}
		return fmt.Errorf("the training of %s in %s has not ended: there is no training.json; run it again", name, dir)
	} else if err != nil {
		return err
	}
	var was struct {
		Fingerprint string            `json:"fingerprint"`
		Files       map[string]string `json:"files"`
	}
	if err := json.Unmarshal(data, &was); err != nil {
		return err
	}
	run := map[string]any{}
	if err := ledger.ReadSealed(filepath.Join(dir, "run.json"), &run); err != nil {
		return fmt.Errorf("%w; put it back", err)
	}
	if known, _ := run["fingerprints"].(map[string]any); known[name] != was.Fingerprint {
		return fmt.Errorf("%s is not the %s that %s names: one of them was replaced; put it back, or run the command that "+
			"made the run again", folder, name, filepath.Join(dir, "run.json"))
	}
	is, err := modelHashes(folder)
	if err != nil {
		return err
	}
	return compareModel(folder, part, was.Files, is)
}

var trainedName = regexp.MustCompile(`^M[1-9][0-9]*$`)

// inRun says that a model is inside of a run's folder. Its weights are hashed whenever it is loaded: the run's records
// go by them.
func inRun(path string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return true
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		if isRun(dir) {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

// isRun says that a folder is one of a run.
func isRun(dir string) bool {
	for _, name := range []string{"run.json", "files.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Pull downloads a model, ORG/NAME or ORG/NAME@REVISION, from the Hugging Face hub into its cache and returns the
// folder. What is there already is not asked for again, and an interrupted download continues where it stopped. The
// environment variables are those of the hub's own tools: HF_HOME or HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN,
// HF_HUB_OFFLINE. A nil progress is silence.
func Pull(ctx context.Context, name string, progress Progress) (string, error) {
	n, err := hub.ParseName(name)
	if err != nil {
		return "", err
	}
	const often = 1 << 20 // bytes between two reports
	shown := int64(-often)
	return hub.Pull(ctx, n, func(done, total int64) {
		if progress != nil && (done-shown >= often || done == total) {
			shown = done
			progress(Event{Step: "pull " + name, Done: int(done), Total: int(total), Unit: "bytes"})
		}
	})
}

// UseModel makes a Model of any language model, such as one behind a server (lm/remote), which path names in files and
// messages. It generates, translates, is evaluated and judges like a local one; since its weights are not here, it
// cannot be trained here: package lidr/handoff trains its checkpoint by another program. [Run.Use] serves a model of a
// run.
func UseModel(path string, m lm.Model) *Model { return &Model{Path: path, lm: m} }

// Name is the model's name in its run, M0, M1, …: the folder of its outputs.
func (m *Model) Name() string { return modelName(m.Round) }

// Fingerprint is the content hash of the model's weights, tokenizer and chat template, or what its server is known by.
func (m *Model) Fingerprint() string { return m.lm.Fingerprint() }

// known is the fingerprint by which a run knows the model again: that of its checkpoint, wherever it is served.
func (m *Model) known() string {
	if m.identity != "" {
		return m.identity
	}
	return m.Fingerprint()
}

// LM is the model as package lm sees it.
func (m *Model) LM() lm.Model { return m.lm }

// Weights are the model's weights as they compute, nil where they are not here.
func (m *Model) Weights() *transformer.Model { return m.weights }

// Checkpoint is what the model was loaded from, nil where its weights are not here.
func (m *Model) Checkpoint() *checkpoint.Checkpoint { return m.checkpoint }

// Tokenizer is the model's tokenizer, nil where its weights are not here.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// Engine is the backend that the model computes on, nil where its weights are not here.
func (m *Model) Engine() compute.Backend { return m.engine }

// Key returns the content key of a step on this model, made of parts: the same words from another backend may differ in
// the last bit.
func (m *Model) Key(parts ...any) string {
	if m.engine == nil {
		return ledger.Key(m.Fingerprint(), parts) // behind a server
	}
	if m.tokenizer.Thinks() { // answers from before requests could say so had thoughts
		parts = append(slices.Clone(parts), "thinking as the request says")
	}
	if t := m.weights.CacheType(); t != dtypes.Float32 { // answers of the same weights in float32 differ
		parts = append(slices.Clone(parts), "keys and values in "+t.String())
	}
	return ledger.Key(m.Fingerprint(), backend.Name(m.engine), parts)
}

// Fits is an error naming source for a request that leaves the model no room to answer. A server's tokens can only be
// estimated, so there its own error decides.
func (m *Model) Fits(r lm.Request, source string) error {
	if m.tokenizer == nil {
		return nil
	}
	tokens, err := m.lm.CountTokens(r)
	if err != nil {
		return fmt.Errorf("%s: prompt %s: %w", source, r.ID, err)
	}
	if limit := m.lm.ContextLength(); tokens >= limit {
		return fmt.Errorf("%s: prompt %s: field prompt has %d tokens with its template, expected fewer than the context "+
			"length of %s, %d; shorten or remove it", source, r.ID, tokens, m.Path, limit)
	}
	return nil
}

// small says whether several trainings of the model fit side by side into any machine's memory: one of 20 million
// parameters holds about a gigabyte.
func (m *Model) small() bool {
	if m.checkpoint == nil {
		return false
	}
	parameters := 0
	for _, t := range m.checkpoint.Tensors {
		elements := 1
		for _, n := range t.Shape {
			elements *= n
		}
		parameters += elements
	}
	return parameters < 20_000_000
}

// ExportGGUF writes a model into a folder as one GGUF file for llama.cpp, LM Studio and Ollama, with tokenizer and chat
// template, and beside it a Modelfile for "ollama create". dtype is how the weights are stored: "f32", "f16", "bf16" or
// "q8_0". It returns the path of the GGUF file, which is named after the model and dtype.
func ExportGGUF(m *Model, folder, dtype string) (string, error) {
	if m.checkpoint == nil {
		return "", fmt.Errorf("the weights of %s are not here, so there is nothing to export; load the model by LoadModel",
			m.Path)
	}
	title, err := m.title()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, title+"-"+dtype+".gguf")
	err = durable.Replace(path, func(w io.Writer) error { return gguf.Write(w, m.checkpoint, m.tokenizer, title, dtype) })
	if err != nil {
		return "", fmt.Errorf("export %s: %w", m.Path, err)
	}
	modelfile := gguf.Modelfile(m.checkpoint, m.tokenizer, filepath.Base(path))
	return path, ledger.WriteFile(filepath.Join(folder, "Modelfile"), []byte(modelfile))
}

// title is the name of a model's folder or file, or of the folder above it where a run keeps its model: M1/model.
func (m *Model) title() (string, error) {
	path, err := filepath.Abs(m.Path)
	if filepath.Base(path) == "model" {
		path = filepath.Dir(path)
	}
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".gguf"), ":", "-"), err
}
