package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"lidrlab/lidr/input"
)

// Listed reads files.json of a run folder, nothing where there is none yet.
func Listed(dir string) (map[string]string, error) {
	hashes := map[string]string{}
	err := ReadSealed(filepath.Join(dir, "files.json"), &hashes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return hashes, nil
}

// ListedName is a file's name in files.json of a run folder.
func ListedName(dir, path string) (string, error) {
	name, err := filepath.Rel(dir, path)
	return filepath.ToSlash(name), err
}

// ReadListed returns a file of a run folder as files.json lists it. One that was changed or deleted since it was
// written is an error that says what to do; one that no step has written is fs.ErrNotExist.
func ReadListed(dir, path string) ([]byte, error) {
	hashes, err := Listed(dir)
	if err != nil {
		return nil, fmt.Errorf("%w; run the command that made the run again, which makes it anew", err)
	}
	name, err := ListedName(dir, path)
	if err != nil {
		return nil, err
	}
	data, err := input.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && hashes[name] != "":
		return nil, fmt.Errorf("%s is gone since it was written; run the command that made it once more, which makes it anew",
			path)
	case err != nil:
		return nil, err
	case hashes[name] == "":
		return nil, fmt.Errorf("%s is not in files.json, which lists what the run has written: its step was interrupted, or "+
			"something else wrote it, or files.json is gone; run the command that made it once more", path)
	}
	if sum := sha256.Sum256(data); hashes[name] != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%s was changed since it was written; put it back, or run the command that made it once "+
			"more, which makes it anew and keeps this one as %s.edited", path, filepath.Base(path))
	}
	return data, nil
}
