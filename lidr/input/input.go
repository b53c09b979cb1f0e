// Package input opens files that somebody else may have put there. A named pipe would keep a program waiting without a
// word, and what Git writes in place of a large file would be taken for a damaged one.
package input

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
)

// lfsPointer begins the text that stands for a file in Git's large-file storage until it is fetched
// (github.com/git-lfs/git-lfs, docs/spec.md); maxPointer is the longest that the specification allows, in bytes.
const (
	lfsPointer = "version https://git-lfs.github.com/spec/"
	maxPointer = 1024
)

// Open opens a file of fsys for reading. What is no regular file, such as a named pipe or a device, is an error, and so
// is a pointer of Git LFS.
func Open(fsys fs.FS, name string) (fs.File, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if err := regular(name, info); err != nil {
		return nil, err
	}
	if info.Size() < maxPointer {
		text, err := fs.ReadFile(fsys, name)
		if err == nil {
			err = fetched(name, text)
		}
		if err != nil {
			return nil, err
		}
	}
	return fsys.Open(name)
}

// OpenFile is [Open] by the path of a file.
func OpenFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := regular(path, info); err != nil {
		return nil, err
	}
	if info.Size() < maxPointer {
		if _, err := ReadFile(path); err != nil {
			return nil, err
		}
	}
	return os.Open(path)
}

// ReadFile is os.ReadFile for what [Open] opens.
func ReadFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil {
		if err := regular(path, info); err != nil {
			return nil, err
		}
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = fetched(path, data)
	}
	return data, err
}

// Regular is an error for a path at which something else than a regular file is; nothing there is none, as a file can
// be made.
func Regular(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // whatever opens it says why
	}
	return regular(path, info)
}

// regular is an error for a file that may have no end, or none soon.
func regular(name string, info fs.FileInfo) error {
	what := "device"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "named pipe"
	case mode&fs.ModeSocket != 0:
		what = "socket"
	}
	return fmt.Errorf("%s is a %s, expected a regular file", name, what)
}

// fetched is an error for a pointer of Git LFS.
func fetched(name string, data []byte) error {
	if len(data) < maxPointer && bytes.HasPrefix(data, []byte(lfsPointer)) {
		return fmt.Errorf("%s is a pointer of Git LFS, and the file itself is not here; run git lfs pull in its clone", name)
	}
	return nil
}
