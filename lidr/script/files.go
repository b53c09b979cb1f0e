package script

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// access says below which folders a script reads and writes files; their paths are absolute, without symbolic links.
// What may be written may be read.
type access struct{ read, write []string }

// everywhere is the access of the shell, whose user types what it does.
var everywhere = access{write: []string{string(filepath.Separator)}}

// refused is the reason of an error on a path outside; errors.Is(err, fs.ErrPermission) holds.
type refused string

func (r refused) Error() string { return string(r) }
func (refused) Unwrap() error   { return fs.ErrPermission }

// mayRead and mayWrite return an error that says what to do where a script may not read or write.
func (a access) mayRead(op, path string) error {
	return a.check(op, path, refused("outside of what a script may read; allow it with --read"), a.read, a.write)
}

func (a access) mayWrite(op, path string) error {
	return a.check(op, path, refused("outside of what a script may write; allow it with --write"), a.write)
}

func (a access) check(op, path string, reason refused, lists ...[]string) error {
	if path == os.DevNull {
		return nil
	}
	real, err := realPath(path)
	if err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	for _, list := range lists {
		for _, folder := range list {
			if within(folder, real) {
				return nil
			}
		}
	}
	return &fs.PathError{Op: op, Path: path, Err: reason}
}

// realPath returns an absolute path without symbolic links, also where its last parts do not exist yet. A link becomes
// what it points to, so removing one needs access to its target: stricter than necessary, and simple.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for tail := ""; ; path = filepath.Dir(path) {
		if _, err := os.Lstat(path); err == nil {
			real, err := filepath.EvalSymlinks(path)
			return filepath.Join(real, tail), err
		}
		if path == filepath.Dir(path) {
			return filepath.Join(path, tail), nil
		}
		tail = filepath.Join(filepath.Base(path), tail)
	}
}

// functions are the standard library's functions on files, each asking first.
func (a access) functions() map[string]map[string]any {
	return map[string]map[string]any{
		"os/os": {
			"Open":     reading(a, "open", os.Open),
			"ReadFile": reading(a, "open", os.ReadFile),
			"ReadDir":  reading(a, "open", os.ReadDir),
			"Stat":     reading(a, "stat", os.Stat),
			"Lstat":    reading(a, "lstat", os.Lstat),
			"Readlink": reading(a, "readlink", os.Readlink),
			"OpenFile": func(name string, flag int, perm os.FileMode) (*os.File, error) {
				may := a.mayRead
				if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
					may = a.mayWrite
				}
				if err := may("open", name); err != nil {
					return nil, err
				}
				return os.OpenFile(name, flag, perm)
			},
			"Create": func(name string) (*os.File, error) {
				if err := a.mayWrite("open", name); err != nil {
					return nil, err
				}
				return os.Create(name)
			},
			"CreateTemp": func(dir, pattern string) (*os.File, error) {
				if err := a.mayWrite("createtemp", orTemp(dir)); err != nil {
					return nil, err
				}
				return os.CreateTemp(dir, pattern)
			},
			"MkdirTemp": func(dir, pattern string) (string, error) {
				if err := a.mayWrite("mkdirtemp", orTemp(dir)); err != nil {
					return "", err
				}
				return os.MkdirTemp(dir, pattern)
			},
			"WriteFile": func(name string, data []byte, perm os.FileMode) error {
				return a.writing("open", func() error { return os.WriteFile(name, data, perm) }, name)
			},
			"Mkdir": func(name string, perm os.FileMode) error {
				return a.writing("mkdir", func() error { return os.Mkdir(name, perm) }, name)
			},
			"MkdirAll": func(name string, perm os.FileMode) error {
				return a.writing("mkdir", func() error { return os.MkdirAll(name, perm) }, name)
			},
			"Remove": func(name string) error {
				return a.writing("remove", func() error { return os.Remove(name) }, name)
			},
			"RemoveAll": func(name string) error {
				return a.writing("remove", func() error { return os.RemoveAll(name) }, name)
			},
			"Rename": func(from, to string) error {
				return a.writing("rename", func() error { return os.Rename(from, to) }, from, to)
			},
			"Truncate": func(name string, size int64) error {
				return a.writing("truncate", func() error { return os.Truncate(name, size) }, name)
			},
		},
		"path/filepath/filepath": {
			"EvalSymlinks": reading(a, "lstat", filepath.EvalSymlinks),
			"Walk": func(root string, fn filepath.WalkFunc) error {
				if err := a.mayRead("open", root); err != nil {
					return err
				}
				return filepath.Walk(root, fn)
			},
			"WalkDir": func(root string, fn fs.WalkDirFunc) error {
				if err := a.mayRead("open", root); err != nil {
					return err
				}
				return filepath.WalkDir(root, fn)
			},
			"Glob": func(pattern string) ([]string, error) {
				fixed := pattern // up to its first wildcard
				if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
					fixed = pattern[:i]
				}
				if err := a.mayRead("open", filepath.Dir(fixed+"x")); err != nil {
					return nil, err
				}
				return filepath.Glob(pattern)
			},
		},
	}
}

func reading[T any](a access, op string, f func(string) (T, error)) func(string) (T, error) {
	return func(name string) (T, error) {
		if err := a.mayRead(op, name); err != nil {
			var none T
			return none, err
		}
		return f(name)
	}
}

func (a access) writing(op string, f func() error, names ...string) error {
	for _, name := range names {
		if err := a.mayWrite(op, name); err != nil {
			return err
		}
	}
	return f()
}

func orTemp(dir string) string {
	if dir == "" {
		return os.TempDir()
	}
	return dir
}
