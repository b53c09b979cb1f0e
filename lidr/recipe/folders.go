package recipe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lidrlab/lidr/ledger"
)

// Folder is a run folder and how far it is.
type Folder struct {
	Dir    string `json:"run"`
	Preset string `json:"preset"`
	Model  string `json:"model"` // M0's path
	Models string `json:"models"`
	State  string `json:"state"` // "12 of 14 stages, next: judge M1-M0"; of a run without a recipe whether it has a report
}

// Folders lists the run folders in and below dir, those of sweeps and recipes with cells too, by their names. What
// cannot be read in one is its State. A link to a run folder counts as one; other links in dir are not followed.
func Folders(dir string) ([]Folder, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s; name one that holds runs, or make one: lidr demo", dir)
	}
	var found []Folder
	// With a separator at its end the folder may be a link itself.
	err := filepath.WalkDir(dir+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		path = filepath.Clean(path)
		if err != nil || !entry.IsDir() && entry.Type()&fs.ModeSymlink == 0 {
			return err
		}
		if _, err := os.Stat(filepath.Join(path, "settings.json")); errors.Is(err, fs.ErrNotExist) {
			if entry.IsDir() && entry.Name() == "store" {
				return fs.SkipDir
			}
			return nil
		} else if err != nil && !entry.IsDir() { // a link to a file
			return nil
		}
		folder, err := look(path)
		if err != nil { // one folder's; the others are to be seen
			folder.State = err.Error()
		}
		found = append(found, folder)
		return nil
	})
	return found, err
}

// look reads what a run folder says of itself, without opening it: another process may work in it.
func look(dir string) (Folder, error) {
	f := Folder{Dir: dir}
	var record struct {
		Base     string
		Settings struct{ Preset string }
	}
	if err := readIfThere(filepath.Join(dir, "run.json"), &record); err != nil {
		return f, err
	}
	f.Preset, f.Model = record.Settings.Preset, record.Base
	models := 0
	for ; ; models++ {
		if _, err := os.Stat(filepath.Join(dir, fmt.Sprintf("M%d", models))); err != nil {
			break
		}
	}
	if models > 0 {
		f.Models = fmt.Sprintf("M0 to M%d", models-1)
	}
	f.State = "no report yet"
	if _, err := os.Stat(filepath.Join(dir, "report.html")); err == nil {
		f.State = "reported"
	}
	path := filepath.Join(dir, file)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	r, err := Load(path)
	if err != nil {
		return f, err
	}
	done := map[string]string{}
	if err := readIfThere(filepath.Join(dir, stagesFile), &done); err != nil {
		return f, err
	}
	n, next := 0, ""
	stages := r.stages()
	for _, s := range stages {
		switch {
		case done[s.name] == r.key():
			n++
		case next == "":
			next = s.name
		}
	}
	if f.State != "reported" && next != "" {
		f.State = fmt.Sprintf("%d of %d stages, next: %s", n, len(stages), next)
	}
	return f, nil
}

// readIfThere reads a JSON file of a run, and leaves v as it is where there is none yet.
func readIfThere(path string, v any) error {
	err := ledger.ReadForeignJSON(path, v)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
