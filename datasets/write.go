package datasets

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// writeFile writes a file that a killed process or a lost machine leaves with its old content or with data, never with
// half of either: it is written beside path under a fixed name, synced and renamed. Missing folders are made. Two
// writers of one path must not run side by side.
func writeFile(path string, data []byte) error {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	file, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // if that fails too, the first error says why
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// makeFolder makes a folder and those above it, and syncs each folder that got a new entry.
func makeFolder(folder string) error {
	if _, err := os.Stat(folder); err == nil || folder == filepath.Dir(folder) {
		return err
	}
	if err := makeFolder(filepath.Dir(folder)); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(folder))
}

// syncFolder makes new entries and renames in a folder durable. Windows has no such call.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	opened, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
