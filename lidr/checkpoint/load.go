package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"lidrlab/lidr/input"
)

const (
	weightsFile = "model.safetensors"
	indexFile   = "model.safetensors.index.json"
	maxText     = 256 << 20 // bytes of a companion file; the largest tokenizer.json in use has 35 MB
)

// Load reads a Hugging Face folder: config.json, the weights from model.safetensors or else from the shards that
// model.safetensors.index.json lists, and the companion files. Errors name the file and the key or tensor.
func Load(fsys fs.FS) (*Checkpoint, error) {
	config, err := readText(fsys, "config.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noModel(fsys)
	} else if err != nil {
		return nil, err
	}
	c := &Checkpoint{Files: map[string][]byte{}}
	if c.Config, err = ParseConfig(config); err != nil {
		return nil, err
	}
	if c.Tensors, c.Sources, err = readWeights(fsys); err != nil {
		return nil, err
	}
	// Old conversions of Llama store this table, which follows from rope_theta; transformers skips it too.
	c.Tensors = slices.DeleteFunc(c.Tensors,
		func(t Tensor) bool { return strings.HasSuffix(t.Name, ".rotary_emb.inv_freq") })
	if c.Config.TieWordEmbeddings {
		if err := c.dropTiedHead(); err != nil {
			return nil, fmt.Errorf("%s: %w", weightsFile, err)
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", weightsFile, err)
	}
	for name := range companions {
		b, err := readText(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		c.Files[name] = b
	}
	return c, nil
}

// noModel says what a folder without config.json is.
func noModel(fsys fs.FS) error {
	if _, err := fs.Stat(fsys, "."); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("config.json is missing, for no such file or folder is there; expected a Hugging Face model " +
			"folder, or a GGUF file")
	}
	if files, _ := fs.Glob(fsys, "*.gguf"); len(files) > 0 {
		return fmt.Errorf("config.json is missing; the folder holds %s, so name that file", files[0])
	}
	return fmt.Errorf("config.json is missing; expected a Hugging Face model folder")
}

func readText(fsys fs.FS, name string) ([]byte, error) {
	f, err := input.Open(fsys, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > maxText {
		return nil, fmt.Errorf("%s: longer than %d bytes", name, maxText)
	}
	return b, nil
}

// readWeights reads the one weights file, which transformers prefers too, or the shards.
func readWeights(fsys fs.FS) ([]Tensor, []*input.Content, error) {
	tensors, source, err := readFile(fsys, weightsFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return tensors, source, err
	}
	b, err := readText(fsys, indexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("neither %s nor %s is there; .bin is not read, and a .gguf is named by its file",
			weightsFile, indexFile)
	} else if err != nil {
		return nil, nil, err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", indexFile, err)
	}
	shards := map[string]bool{}
	for name, file := range index.WeightMap {
		if !plainName(file) {
			return nil, nil, fmt.Errorf("%s: tensor %q is in %q; expected a file name without a path", indexFile, name, file)
		}
		shards[file] = true
	}
	var sources []*input.Content
	for _, file := range slices.Sorted(maps.Keys(shards)) {
		part, source, err := readFile(fsys, file)
		if err != nil {
			return nil, nil, err
		}
		for _, t := range part {
			if index.WeightMap[t.Name] != file {
				return nil, nil, fmt.Errorf("%s: tensor %q is not listed for this file in %s", file, t.Name, indexFile)
			}
			delete(index.WeightMap, t.Name)
		}
		tensors, sources = append(tensors, part...), append(sources, source...)
	}
	for _, name := range slices.Sorted(maps.Keys(index.WeightMap)) {
		return nil, nil, fmt.Errorf("%s: tensor %q is not in %s", indexFile, name, index.WeightMap[name])
	}
	sortByName(tensors)
	return tensors, sources, nil
}

// readFile returns the tensors of a file of weights, and the file, which is mapped, where it is one of the system.
func readFile(fsys fs.FS, name string) ([]Tensor, []*input.Content, error) {
	f, err := input.Open(fsys, name)
	if err != nil {
		return nil, nil, err
	}
	if f, ok := f.(*os.File); ok {
		file, err := input.Map(f)
		if err != nil {
			return nil, nil, err
		}
		tensors, _, err := MapSafetensors(file)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		return tensors, []*input.Content{file}, nil
	}
	defer f.Close()
	r, size := io.ReaderAt(nil), int64(0)
	if at, ok := f.(io.ReaderAt); ok {
		var info fs.FileInfo
		if info, err = f.Stat(); err == nil {
			r, size = at, info.Size()
		}
	} else { // a file system such as zip's, whose files only stream
		var b []byte
		b, err = io.ReadAll(f)
		r, size = bytes.NewReader(b), int64(len(b))
	}
	var tensors []Tensor
	if err == nil {
		tensors, _, err = ReadSafetensors(r, size)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return tensors, nil, nil
}

// plainName reports whether name is a file name that stays in its folder.
func plainName(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsAny(name, `/\:`)
}
