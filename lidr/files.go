package lidr

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// The open files of a run folder are made from the store, so every step writes them anew. files.json holds the SHA-256
// of each as it was written, by which a step notices that one was edited or deleted since.

// WriteLines writes rows, a slice, to path, a file of the run folder, as [Run.Write] does: one JSON value a line.
func (r *Run) WriteLines(path string, rows any) error {
	values := reflect.ValueOf(rows)
	if values.Kind() != reflect.Slice {
		return fmt.Errorf("encode %s: found %T, expected a slice of rows", path, rows)
	}
	var data bytes.Buffer
	lines := json.NewEncoder(&data)
	lines.SetEscapeHTML(false)
	for i := range values.Len() {
		if err := lines.Encode(values.Index(i).Interface()); err != nil {
			return fmt.Errorf("encode %s: row %d: %w", path, i+1, err)
		}
	}
	return r.Write(path, data.Bytes())
}

// WriteJSON writes v to path, a file of the run folder, as [Run.Write] does: indented JSON.
func (r *Run) WriteJSON(path string, v any) error {
	data, err := ledger.EncodeJSON(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return r.Write(path, data)
}

// WriteMeasure writes the rows of one model to <model>/measures/KEY.json, which a report shows: of a step of one's own,
// too.
func (r *Run) WriteMeasure(model string, m report.Measure) error {
	return r.WriteJSON(r.Path(model, "measures", m.Key+".json"), m)
}

// Write writes a file of the run folder, whole or not at all. What was edited since the run wrote it is kept as
// FILE.edited, with a note to the reader.
func (r *Run) Write(path string, data []byte) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if r.unlock == nil {
		return fmt.Errorf("%s is not written: the run in %s is closed; open it again", path, r.Dir)
	}
	hashes := map[string]string{}
	if err := ledger.ReadJSON(r.Path("files.json"), &hashes); err != nil && !errors.Is(err, fs.ErrNotExist) {
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
		r.Note("%s is gone since it was written; it is made anew", path)
	case err == nil && before != "" && hashOf(old) != before && hashOf(old) != now:
		kept, err := keepEdited(path)
		if err != nil {
			return err
		}
		r.Note("%s was changed since it was written; it is made anew from the store, and what was there is kept as %s",
			path, filepath.Base(kept))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := ledger.WriteFile(path, data); err != nil || before == now {
		return err
	}
	hashes[name] = now
	return ledger.WriteJSON(r.Path("files.json"), hashes)
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

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
