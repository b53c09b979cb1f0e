package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lidrlab/lidr"
	"lidrlab/lidr/input"
)

// Limits of what is read of a run folder, which somebody else may have made.
const (
	maxJSON   = 32 << 20 // bytes of a file that is read whole
	maxLine   = 8 << 20  // bytes of a line
	maxModels = 1000     // rounds
	maxFiles  = 2000     // files of one kind
)

// folder is a run folder, read and never written. All its files are opened below root, which no name and no symbolic
// link leads out of.
type folder struct {
	Name string // in addresses: the folder's base name, with a number where two are equal
	Dir  string
	root *os.Root

	mu      sync.Mutex
	indexed map[string]*part // by file
	lists   *recent          // what was computed last: indexes, rows of a query, comparisons
}

// openFolder opens a run folder for reading, without its lock: another process may work in it.
func openFolder(name, dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{Name: name, Dir: dir, root: root, indexed: map[string]*part{}, lists: newRecent(64)}
	if _, err := f.settings(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is not a run folder: %w", dir, err), root.Close())
	}
	return f, nil
}

// read returns a file of the folder, at most maxJSON bytes of it.
func (f *folder) read(name string) ([]byte, error) {
	file, err := input.Open(f.root.FS(), name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxJSON {
		return nil, fmt.Errorf("%s has %d bytes, expected at most %d", name, info.Size(), maxJSON)
	}
	data := make([]byte, info.Size())
	n, err := readFull(file, data)
	return data[:n], err
}

// json reads a JSON file of the folder into v. Fields that v does not have are left out.
func (f *folder) json(name string, v any) error {
	data, err := f.read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// settings are what settings.json says now.
func (f *folder) settings() (lidr.Settings, error) {
	var s lidr.Settings
	err := f.json("settings.json", &s)
	if err != nil {
		return s, err
	}
	langs := s.AllLanguages()
	if len(langs) > 500 {
		return s, fmt.Errorf("settings.json names %d languages, expected at most 500", len(langs))
	}
	for _, lang := range langs { // they are parts of file names
		if !langCode.MatchString(lang) {
			return s, fmt.Errorf("settings.json names a language %.60q, expected a code of letters, digits, - and _", lang)
		}
	}
	return s, nil
}

var langCode = regexp.MustCompile(`^[\pL\pN][\pL\pN_-]{0,60}$`)

// run is the run for functions that only read.
func (f *folder) run() (*lidr.Run, error) {
	s, err := f.settings()
	return &lidr.Run{Dir: f.Dir, Settings: s}, err
}

var roundName = regexp.MustCompile(`^M[0-9]{1,4}$`)

// models are the folders M0, M1, … that there are.
func (f *folder) models() []string {
	var rounds []int
	for _, name := range f.names(".") {
		if roundName.MatchString(name) {
			if n, err := strconv.Atoi(name[1:]); err == nil && n < maxModels && name == fmt.Sprintf("M%d", n) {
				rounds = append(rounds, n)
			}
		}
	}
	slices.Sort(rounds)
	models := make([]string, len(rounds))
	for i, n := range rounds {
		models[i] = fmt.Sprintf("M%d", n)
	}
	return models
}

// names are what a folder below the root holds, sorted, nothing where there is no such folder.
func (f *folder) names(dir string) []string {
	entries, err := fs.ReadDir(f.root.FS(), dir)
	if err != nil {
		return nil
	}
	names := make([]string, 0, min(len(entries), maxFiles))
	for _, entry := range entries[:min(len(entries), maxFiles)] {
		names = append(names, entry.Name())
	}
	return names
}

// stat says when a file was last written, and how long it is; ok is false where it is no regular file.
func (f *folder) stat(name string) (size int64, changed time.Time, ok bool) {
	info, err := f.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return 0, time.Time{}, false
	}
	return info.Size(), info.ModTime(), true
}

func (f *folder) has(name string) bool {
	_, _, ok := f.stat(name)
	return ok
}

// listed are the hashes of files.json, by name; none where it cannot be read.
func (f *folder) listed() map[string]string {
	hashes := map[string]string{}
	data, err := f.read("files.json")
	if err != nil || json.NewDecoder(bytes.NewReader(data)).Decode(&hashes) != nil {
		return nil
	}
	return hashes
}

// nameFolders gives each folder a name of its own.
func nameFolders(dirs []string) []string {
	names, taken := make([]string, len(dirs)), map[string]bool{}
	for i, dir := range dirs {
		base := filepath.Base(filepath.Clean(dir))
		if abs, err := filepath.Abs(dir); err == nil {
			base = filepath.Base(abs)
		}
		base = strings.ToValidUTF8(base, "_")
		names[i] = base
		for n := 2; taken[names[i]]; n++ {
			names[i] = fmt.Sprintf("%s-%d", base, n)
		}
		taken[names[i]] = true
	}
	return names
}
