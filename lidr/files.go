package lidr

import (
	"bytes"
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
	"reflect"
	"regexp"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/durable"
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
	hashes, err := r.listing()
	if err != nil {
		return err
	}
	name, err := nameIn(r.Dir, path)
	if err != nil {
		return err
	}
	before, now := hashes[name], hashOf(data)
	old, err := os.ReadFile(path)
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

// listing is files.json for a step. A damaged one is kept as files.json.edited: what the steps make is compared with
// what lies there, and listed anew.
func (r *Run) listing() (map[string]string, error) {
	hashes, err := listed(r.Dir)
	if !errors.Is(err, ledger.ErrDamaged) {
		return hashes, err
	}
	kept, err := keepEdited(r.Path("files.json"))
	if err != nil {
		return nil, err
	}
	r.Note("%s was changed since it was written; it is made anew from what the steps make, and what was there is kept as "+
		"%s", r.Path("files.json"), filepath.Base(kept))
	return map[string]string{}, nil
}

// listed reads files.json of a run folder, nothing where there is none yet.
func listed(dir string) (map[string]string, error) {
	hashes := map[string]string{}
	err := ledger.ReadSealed(filepath.Join(dir, "files.json"), &hashes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return hashes, nil
}

// nameIn is a file's name in files.json of a run folder.
func nameIn(dir, path string) (string, error) {
	name, err := filepath.Rel(dir, path)
	return filepath.ToSlash(name), err
}

// Read returns a file of the run folder as [Run.Write] wrote it: the way to read what a step has made. A file that was
// changed or deleted since is an error that says what to do; one that no step has written is fs.ErrNotExist.
func (r *Run) Read(path string) ([]byte, error) { return readListed(r.Dir, path) }

func readListed(dir, path string) ([]byte, error) {
	hashes, err := listed(dir)
	if err != nil {
		return nil, fmt.Errorf("%w; run the command that made the run again, which makes it anew", err)
	}
	name, err := nameIn(dir, path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && hashes[name] != "":
		return nil, fmt.Errorf("%s is gone since it was written; run the command that made it again, which makes it anew",
			path)
	case err != nil:
		return nil, err
	case hashes[name] == "":
		return nil, fmt.Errorf("%s is not in files.json, which lists what the run has written: its step was interrupted, or "+
			"something else wrote it, or files.json is gone; run the command that made it again", path)
	case hashes[name] != hashOf(data):
		return nil, fmt.Errorf("%s was changed since it was written; put it back, or run the command that made it again, "+
			"which makes it anew and keeps this one as %s.edited", path, filepath.Base(path))
	}
	return data, nil
}

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
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hex.EncodeToString(hash.Sum(nil)), errors.Join(err, file.Close())
}

// compareModel is an error for a file of a trained model that is not as its training left it. part is "model", "adapter"
// or "" for both.
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
	data, err := readListed(dir, filepath.Join(folder, "training.json"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(folder, "handoff")); err == nil {
			return nil // another program's, which the run has not taken back yet
		}
		return fmt.Errorf("the training of %s in %s has not ended: there is no training.json; run it again", name, dir)
	} else if err != nil {
		return err
	}
	var was struct {
		Files map[string]string `json:"files"`
	}
	if err := json.Unmarshal(data, &was); err != nil {
		return err
	}
	is, err := modelHashes(folder)
	if err != nil {
		return err
	}
	return compareModel(folder, part, was.Files, is)
}

var trainedName = regexp.MustCompile(`^M[1-9][0-9]*$`)

// isRun says that a folder is one of a run.
func isRun(dir string) bool {
	for _, name := range []string{"run.json", "files.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}
