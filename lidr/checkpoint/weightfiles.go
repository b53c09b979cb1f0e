package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"lidrlab/lidr/input"
)

// maxIndex bounds the index of a checkpoint's shards, in bytes.
const maxIndex = 256 << 20

// WeightFiles names the files of a checkpoint's weights in a folder: model.safetensors, or the shards of its index. One
// that is not there is an error.
func WeightFiles(folder string) ([]string, error) {
	files := []string{"model.safetensors"}
	index, err := readIndex(filepath.Join(folder, "model.safetensors.index.json"))
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
		weights, err := input.OpenFile(filepath.Join(folder, file))
		if err != nil {
			return nil, err
		}
		if err := weights.Close(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func readIndex(path string) ([]byte, error) {
	f, err := input.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxIndex+1))
	if len(data) > maxIndex {
		return nil, fmt.Errorf("%s: longer than %d MiB", path, maxIndex>>20)
	}
	return data, err
}
