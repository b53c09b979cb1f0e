package checkpoint

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var torchNames = map[string]string{"F32": "float32", "F16": "float16", "BF16": "bfloat16"}

// Save writes c as the folder dir: config.json, model.safetensors in dtype ("F32", "BF16" or "F16") and Files. Equal
// arguments give equal bytes. The folder is written beside dir under a hidden name, synced, and takes the name dir only when
// whole; a checkpoint already at dir is replaced then, and any other folder there is an error. What a killed Save left
// behind is cleared by the next one.
func Save(dir string, c *Checkpoint, dtype string) error {
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
	parent, base := filepath.Split(dir)
	partial, old := filepath.Join(parent, "."+base+".partial"), filepath.Join(parent, "."+base+".replaced")
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(partial), os.RemoveAll(old)); err != nil {
		return err
	}
	if err := writeFolder(partial, c, config, dtype); err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	// A folder cannot be renamed over one that has files, so an older checkpoint steps aside first.
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(partial, dir); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(dir)), os.RemoveAll(old))
}

// replaceable says no to anything that is neither absent nor empty nor a checkpoint.
func replaceable(dir string) error {
	files, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(files) == 0:
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, weightsFile)); err != nil {
		return fmt.Errorf("%s has files but no %s, so it is not replaced; choose another folder or remove it", dir, weightsFile)
	}
	return nil
}

func writeFolder(dir string, c *Checkpoint, config []byte, dtype string) error {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	bytesOf := func(b []byte) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(b); return err }
	}
	write := map[string]func(io.Writer) error{
		"config.json": bytesOf(config),
		weightsFile: func(w io.Writer) error {
			return WriteSafetensors(w, c.Tensors, dtype, map[string]string{"format": "pt"}) // transformers asks for the format
		},
	}
	for name, b := range c.Files {
		if _, taken := write[name]; taken || !plainName(name) || strings.HasPrefix(name, weightsFile) {
			return fmt.Errorf("Files[%q]: expected the plain name of a companion file", name)
		}
		write[name] = bytesOf(b)
	}
	for _, name := range slices.Sorted(maps.Keys(write)) {
		if err := writeFile(filepath.Join(dir, name), write[name]); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
