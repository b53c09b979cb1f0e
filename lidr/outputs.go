package lidr

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/ledger"
)

// The open files of a run folder are made from the store, so every step writes them anew. files.json holds the SHA-256 of each as
// it was written, by which a step notices that one was edited or deleted since.

// writeLines writes one JSON value a line to path, a file of the run folder.
func writeLines[T any](run *Run, path string, rows []T) error {
	data, err := ledger.EncodeLines(rows)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return run.write(path, data)
}

// writeJSON writes v as indented JSON to path, a file of the run folder.
func writeJSON(run *Run, path string, v any) error {
	data, err := ledger.EncodeJSON(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return run.write(path, data)
}

// write writes a file of the run folder. An edited one is kept beside it, since somebody meant something by it.
func (r *Run) write(path string, data []byte) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	hashes := map[string]string{}
	if err := ledger.ReadJSON(r.path("files.json"), &hashes); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	name, err := filepath.Rel(r.Dir, path)
	if err != nil {
		return err
	}
	name = filepath.ToSlash(name)
	before, now := hashes[name], hashOf(data)
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && before != "":
		r.note("%s is gone since it was written; it is made anew", path)
	case err == nil && before != "" && hashOf(old) != before && hashOf(old) != now:
		kept, err := keepEdited(path)
		if err != nil {
			return err
		}
		r.note("%s was changed since it was written; it is made anew from the store, and what was there is kept as %s", path, filepath.Base(kept))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := ledger.WriteFile(path, data); err != nil || before == now {
		return err
	}
	hashes[name] = now
	return ledger.WriteJSON(r.path("files.json"), hashes)
}

// keepEdited moves an edited file to FILE.edited, or the first FILE.edited.N that is free.
func keepEdited(path string) (kept string, err error) {
	kept = path + ".edited"
	for n := 2; ; n++ {
		if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
			return kept, durable.Rename(path, kept)
		} else if err != nil {
			return "", err
		}
		kept = fmt.Sprintf("%s.edited.%d", path, n)
	}
}

// note tells the reader of the progress something that no number says.
func (r *Run) note(format string, args ...any) {
	r.progress(Event{Note: fmt.Sprintf(format, args...)})
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
