package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr/durable"
)

var torchNames = map[string]string{"F32": "float32", "F16": "float16", "BF16": "bfloat16"}

// shardSize is the largest number of bytes of weights in a file, the default of transformers' save_pretrained.
const shardSize = 5_000_000_000

// Save writes c as the folder dir: config.json, the weights in dtype ("F32", "BF16" or "F16") and Files. The weights
// are model.safetensors, or, beyond 5 GB, model-00001-of-0000N.safetensors and so on with model.safetensors.index.json.
// Equal arguments give equal bytes. The folder is written beside dir under a hidden name, synced, and renamed to dir
// when it is complete. This replaces a checkpoint at dir; any other folder there is an error. The next Save removes
// what a killed one left behind.
func Save(dir string, c *Checkpoint, dtype string) error { return save(dir, c, dtype, shardSize) }

func save(dir string, c *Checkpoint, dtype string, limit int) error {
	torch, ok := torchNames[dtype]
	if !ok {
		return fmt.Errorf("dtype %q is not supported; expected F32, BF16 or F16", dtype)
	}
	if err := c.Config.Validate(); err != nil {
		return fmt.Errorf("config.json: %w", err)
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("%s: %w", weightsFile, err)
	}
	dir = filepath.Clean(dir)
	if err := replaceable(dir); err != nil {
		return err
	}
	config, err := c.Config.encode(torch)
	if err != nil {
		return fmt.Errorf("config.json: %w", err)
	}
	write, err := c.weightFiles(dtype, limit)
	if err != nil {
		return err
	}
	write["config.json"] = bytesOf(config)
	for name, b := range c.Files {
		if _, taken := write[name]; taken || !plainName(name) || strings.HasPrefix(name, weightsFile) ||
			strings.HasSuffix(name, ".safetensors") {
			return fmt.Errorf("companion file %q: expected a plain file name that is not one of the checkpoint's own", name)
		}
		write[name] = bytesOf(b)
	}
	parent, base := filepath.Split(dir)
	partial, old := filepath.Join(parent, "."+base+".partial"), filepath.Join(parent, "."+base+".replaced")
	if err := durable.MkdirAll(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := errors.Join(durable.RemoveAll(partial), durable.RemoveAll(old)); err != nil {
		return err
	}
	if err := writeFolder(partial, write); err != nil {
		return errors.Join(err, durable.RemoveAll(partial))
	}
	// A folder cannot be renamed over one that has files, so an older checkpoint is renamed first.
	if err := durable.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := durable.Rename(partial, dir); err != nil {
		return err
	}
	return errors.Join(durable.SyncDir(filepath.Dir(dir)), durable.RemoveAll(old))
}

// replaceable returns an error unless dir is absent, empty or a checkpoint.
func replaceable(dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	weights := func(f fs.DirEntry) bool { return f.Name() == weightsFile || f.Name() == indexFile }
	if len(files) > 0 && !slices.ContainsFunc(files, weights) {
		return fmt.Errorf("%s has files but no %s, so it is not replaced; choose another folder or remove it", dir,
			weightsFile)
	}
	return nil
}

func bytesOf(b []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(b); return err }
}

// weightFiles returns the writer of each file of weights, and of the index if there are several. Tensors fill the files
// in the order of their names; one that is larger than limit has a file to itself.
func (c *Checkpoint) weightFiles(dtype string, limit int) (map[string]func(io.Writer) error, error) {
	to, err := typeOf(dtype)
	if err != nil {
		return nil, err
	}
	var shards [][]Tensor
	total, room := 0, 0
	for _, t := range c.Tensors {
		size := t.Len() * to.Bytes
		if room < size || len(shards) == 0 {
			shards, room = append(shards, nil), limit
		}
		last := len(shards) - 1
		shards[last], total, room = append(shards[last], t), total+size, room-size
	}
	tensors := func(shard []Tensor) func(io.Writer) error {
		return func(w io.Writer) error { // transformers asks for the format
			return WriteSafetensors(w, shard, dtype, map[string]string{"format": "pt"})
		}
	}
	if len(shards) == 1 {
		return map[string]func(io.Writer) error{weightsFile: tensors(c.Tensors)}, nil
	}
	write, places := map[string]func(io.Writer) error{}, map[string]string{}
	for i, shard := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		write[name] = tensors(shard)
		for _, t := range shard {
			places[t.Name] = name
		}
	}
	index, err := json.MarshalIndent(map[string]any{"metadata": map[string]int{"total_size": total}, "weight_map": places},
		"", "  ")
	write[indexFile] = bytesOf(append(index, '\n'))
	return write, err
}

func writeFolder(dir string, write map[string]func(io.Writer) error) error {
	if err := durable.MkdirAll(dir); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(write)) {
		path := filepath.Join(dir, name)
		if err := durable.Create(path, write[name]); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return durable.SyncDir(dir)
}
