// Package durable changes files so that a killed process or a lost machine leaves the old content or the new one, and
// never half of either. Every file of a run is written through it, so that a test can kill a run, or let its disk fail,
// at each write, fsync, rename and removal in turn.
package durable

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Before, if set, is called before each change of the disk with the operation ("create", "write", "torn write",
// "fsync", "rename", "remove") and the path; if it returns an error, that is the result in place of the change. Only
// tests set it. A torn write is one whose first half is already in the file.
var Before func(operation, path string) error

func before(operation, path string) error {
	if Before == nil {
		return nil
	}
	return Before(operation, path)
}

// WriteFile writes data to path by [Replace].
func WriteFile(path string, data []byte) error {
	return Replace(path, func(w io.Writer) error { _, err := w.Write(data); return err })
}

// Replace replaces the content of path by the output of write: a temporary file, fsync, rename, fsync of the folder.
// Folders above it are created. The temporary file has a fixed name, so that the next process overwrites the one that a
// killed process leaves behind; writers of one path must not run at the same time.
func Replace(path string, write func(io.Writer) error) error {
	if err := MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	temporary := path + ".new"
	err := Create(temporary, write)
	if err == nil {
		err = Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary) // if that fails too, the first error says why
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// Create writes a file, new or in place of an old one, and syncs it. Until it returns the file may be half written: use
// it inside a folder that nothing reads yet, and [Replace] elsewhere.
func Create(path string, write func(io.Writer) error) error {
	if err := before("create", path); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(&writer{file}, 1<<20)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = Sync(file)
	}
	return errors.Join(err, file.Close())
}

// Append writes data at the end of file and syncs it.
func Append(file *os.File, data []byte) error {
	if _, err := (&writer{file}).Write(data); err != nil {
		return err
	}
	return Sync(file)
}

// Sync is file.Sync.
func Sync(file *os.File) error {
	if err := before("fsync", file.Name()); err != nil {
		return err
	}
	return file.Sync()
}

// Rename moves a file or folder; the caller syncs the folder that contains it.
func Rename(from, to string) error {
	if err := before("rename", to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// Remove removes a file; a missing one is no error.
func Remove(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := before("remove", path); err != nil {
		return err
	}
	return ignoreMissing(os.Remove(path))
}

// RemoveAll removes a folder with its content; a missing one is no error.
func RemoveAll(path string) error {
	if err := before("remove", path); err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// MkdirAll creates a folder and those above it, durably.
func MkdirAll(dir string) error {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
		return err
	}
	if err := MkdirAll(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(dir))
}

// SyncDir syncs dir, so that renames in it are durable. Windows has no such call.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if err := before("fsync", dir); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// writer writes to a file, in two halves if a test has set Before.
type writer struct{ file *os.File }

func (w *writer) Write(data []byte) (int, error) {
	if err := before("write", w.file.Name()); err != nil {
		return 0, err
	}
	if Before == nil {
		return w.file.Write(data)
	}
	half, err := w.file.Write(data[:len(data)/2])
	if err == nil {
		err = before("torn write", w.file.Name())
	}
	if err != nil {
		return half, err
	}
	rest, err := w.file.Write(data[len(data)/2:])
	return half + rest, err
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
