package ledger

import (
	"io/fs"
	"os"
	"path/filepath"
)

// StoreBeside returns the folder of the store that the runs beside folder dir share. It is the same one by whatever
// name the folder is called: "." and ".." too have a parent, and a link's store is beside what it names.
func StoreBeside(dir string) string {
	dir = filepath.Clean(dir)
	if info, err := os.Lstat(dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
	}
	if base := filepath.Base(dir); base == "." || base == ".." {
		if work, err := os.Getwd(); err == nil { // without one there is no ".." either
			if real, err := filepath.EvalSymlinks(work); err == nil { // Getwd may name a link, which ".." does not follow
				work = real
			}
			dir = filepath.Join(work, dir)
		}
	}
	return filepath.Join(filepath.Dir(dir), "store")
}
