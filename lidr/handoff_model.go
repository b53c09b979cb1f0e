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
	"slices"

	"lidrlab/lidr/lm"
)

// unserved is a checkpoint that nobody serves yet.
type unserved struct{ folder, fingerprint string }

func (u unserved) Fingerprint() string { return u.fingerprint }
func (u unserved) ContextLength() int  { return 0 }

func (u unserved) refuse() error {
	return fmt.Errorf("nobody serves %s yet: start a server on it and go on with UseModel, or load it here with LoadModel", u.folder)
}

func (u unserved) CountTokens(lm.Request) (int, error) { return 0, u.refuse() }

func (u unserved) Generate(context.Context, []lm.Request, lm.Sampling, func(int) bool, func([]int, []lm.Completion) error) error {
	return u.refuse()
}

func (u unserved) Logprobs(context.Context, []lm.Request, []string) ([]float64, []int, error) {
	return nil, nil, u.refuse()
}

// weightFiles names the files of a checkpoint's weights: model.safetensors, or the shards of its index.
func weightFiles(folder string) ([]string, error) {
	index, err := readForeign(filepath.Join(folder, "model.safetensors.index.json"))
	files := []string{"model.safetensors"}
	if err == nil {
		var shards struct {
			WeightMap map[string]string `json:"weight_map"`
		}
		if err := json.Unmarshal(index, &shards); err != nil {
			return nil, fmt.Errorf("%s: model.safetensors.index.json: %w", folder, err)
		}
		files = slices.Compact(slices.Sorted(maps.Values(shards.WeightMap)))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// hashFolder is the SHA-256 of what decides the answers of a checkpoint that is too large to load: its files' names and bytes.
func hashFolder(folder string) (string, error) {
	files, err := weightFiles(folder)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, name := range append([]string{"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}, files...) {
		file, err := os.Open(filepath.Join(folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return "", err
		}
		info, err := file.Stat()
		if err == nil {
			fmt.Fprintf(hash, "%s %d\n", name, info.Size())
			_, err = io.Copy(hash, file)
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
