package recipe

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Run folders are found by links to them and below a link, under the names that the links have; of one that is not
// there the error says what to do.
func TestFoldersByLinks(t *testing.T) {
	root := t.TempDir()
	real := filepath.Join(root, "disk", "one")
	for _, dir := range []string{real, filepath.Join(root, "runs"), filepath.Join(root, "disk", "store")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(real, "settings.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"runs/linked": real, "all": filepath.Join(root, "disk"), "one": real,
		"runs/file": filepath.Join(real, "settings.json"), "runs/gone": filepath.Join(root, "nothing")} {
		if err := os.Symlink(to, filepath.Join(root, filepath.FromSlash(link))); err != nil {
			t.Skip(err) // Windows, where not everyone may
		}
	}
	for dir, want := range map[string]string{
		"runs": "runs/linked", "all": "all/one", "one": "one", "disk/": "disk/one",
	} {
		found, err := Folders(filepath.Join(root, filepath.FromSlash(dir)))
		var dirs []string
		for _, f := range found {
			dirs = append(dirs, f.Dir)
		}
		if err != nil || !slices.Equal(dirs, []string{filepath.Join(root, filepath.FromSlash(want))}) {
			t.Errorf("in %s are %q, %v; expected %s", dir, dirs, err, want)
		}
	}
	_, err := Folders(filepath.Join(root, "nope"))
	if err == nil || !strings.Contains(err.Error(), "or make one: lidr demo") {
		t.Errorf("of a folder that is not there: %v", err)
	}
}
