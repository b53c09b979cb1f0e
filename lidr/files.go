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
	"lidrlab/lidr/input"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// The open files of a run folder are made from the store, so every step writes them anew. files.json holds the SHA-256
// of each as it was written, and of its own lines: by it a step notices that one was edited or deleted since and makes
// it anew, and whatever only reads refuses it.

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
	if r.shard.Of > 0 {
		return nil // what is not whole is in the store alone
	}
	if err := ledger.Locked(r.Dir); err != nil {
		return err
	}
	hashes, err := r.listing()
	if err != nil {
		return err
	}
	name, err := ledger.ListedName(r.Dir, path)
	if err != nil {
		return err
	}
	before, now := hashes[name], hashOf(data)
	old, err := input.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && before != "":
		r.Note("%s is gone since it was written; it is made anew", path)
	case err == nil && hashOf(old) != before && hashOf(old) != now:
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
	return ledger.WriteSealed(r.Path("files.json"), hashes)
}

// listing is files.json for a step. A damaged one, and that of a run with other settings, is kept as files.json.edited:
// what the steps make is compared with what lies there, and listed anew.
func (r *Run) listing() (map[string]string, error) {
	settings, err := ledger.EncodeJSON(r.Settings)
	if err != nil {
		return nil, err
	}
	own := hashOf(settings)
	hashes, err := ledger.Listed(r.Dir)
	if err != nil && !errors.Is(err, ledger.ErrDamaged) {
		return nil, err
	}
	if listed := hashes["settings.json"]; err == nil && (listed == "" || listed == own) {
		return hashes, nil
	}
	kept, err := keepEdited(r.Path("files.json"))
	if err != nil {
		return nil, err
	}
	r.Note("%s was changed since it was written; it is made anew from what the steps make, and what was there is kept as "+
		"%s", r.Path("files.json"), filepath.Base(kept))
	return map[string]string{"settings.json": own}, nil
}

// Read returns a file of the run folder as [Run.Write] wrote it: the way to read what a step has made. A file that was
// changed or deleted since is an error that says what to do; one that no step has written is fs.ErrNotExist.
func (r *Run) Read(path string) ([]byte, error) { return ledger.ReadListed(r.Dir, path) }

// ReadJSON reads a file that [Run.WriteJSON] wrote into v, as [Run.Read] does.
func (r *Run) ReadJSON(path string, v any) error {
	data, err := r.Read(path)
	if err != nil {
		return err
	}
	return decodeOwn(path, data, v)
}

// ReadLines reads a file that [Run.WriteLines] wrote into rows, a pointer to a slice, as [Run.Read] does.
func (r *Run) ReadLines(path string, rows any) error {
	data, err := r.Read(path)
	if err != nil {
		return err
	}
	slice := reflect.ValueOf(rows).Elem()
	for line := range bytes.Lines(data) {
		row := reflect.New(slice.Type().Elem())
		if err := decodeOwn(path, line, row.Interface()); err != nil {
			return err
		}
		slice.Set(reflect.Append(slice, row.Elem()))
	}
	return nil
}

// decodeOwn decodes JSON of a form of our own, whose fields are all known.
func decodeOwn(path string, data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%s: %w; it was not written by this version, so move it away and run again", path, err)
	}
	return nil
}

// wrote says that a file is there or was written and is to be there; name is the one in files.json.
func (r *Run) wrote(name string) bool {
	hashes, err := ledger.Listed(r.Dir)
	_, missing := os.Stat(r.Path(name))
	return missing == nil || err == nil && hashes[name] != ""
}

// remove removes a file of the run folder that the run has written, so that it is not missed.
func (r *Run) remove(path string) error {
	if r.shard.Of > 0 {
		return nil
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := durable.Remove(path); err != nil {
		return err
	}
	hashes, err := r.listing()
	if err != nil {
		return err
	}
	name, err := ledger.ListedName(r.Dir, path)
	if err != nil {
		return err
	}
	if _, written := hashes[name]; !written {
		return nil
	}
	delete(hashes, name)
	return ledger.WriteSealed(r.Path("files.json"), hashes)
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
