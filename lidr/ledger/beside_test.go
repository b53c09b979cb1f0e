package ledger

import (
	"os"
	"path/filepath"
	"testing"
)

func TestStoreBeside(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(root, "runs", "a")
	for _, dir := range []string{filepath.Join(run, "in"), filepath.Join(root, "links")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(root, "links", "b")
	if err := os.Symlink(run, link); err != nil {
		t.Skip(err)
	}
	want := filepath.Join(root, "runs", "store")
	for _, c := range []struct{ work, dir string }{
		{root, "runs/a"}, {root, "./runs/a/"}, {root, run}, {root, "runs/b/../a"}, {root, "runs/new"}, {root, link},
		{filepath.Dir(run), "a"}, {filepath.Dir(run), "new"}, {filepath.Dir(link), "b"},
		{run, "."}, {run, "./"}, {run, "in/.."}, {link, "."}, {link, ""},
		{filepath.Join(run, "in"), ".."}, {filepath.Join(link, "in"), "../."},
	} {
		t.Chdir(c.work)
		if got, err := filepath.Abs(StoreBeside(c.dir)); err != nil || got != want {
			t.Errorf("in %s, the store beside %q is %s, %v; expected %s", c.work, c.dir, got, err, want)
		}
	}
	if got := StoreBeside("runs/a"); got != filepath.Join("runs", "store") {
		t.Errorf("a plain name has the store %s", got)
	}
}
