//go:build unix

package ledger

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lidrlab/lidr/durable"
)

// What is no file where the store or a run has one is an error at once, and is not waited for.
func TestPlacesOfFiles(t *testing.T) {
	collect := func(dir string) error {
		calls := 0
		_, err := Collect(context.Background(), Store{Dir: dir}, "squares", "k", 3, squares(3, 9, &calls))
		return err
	}
	read := func(dir string) error {
		var v map[string]string
		return ReadSealed(filepath.Join(dir, "run.json"), &v)
	}
	lock := func(dir string) error {
		_, err := LockFolder(dir)
		return err
	}
	write := func(dir string) error { return AppendLine(filepath.Join(dir, "timing.jsonl"), 1) }
	for name, step := range map[string]func(string) error{
		"squares/k.jsonl": collect, "squares/k.partial": collect, "squares/k.lock": collect, "run.json": read,
		LockName: lock, "timing.jsonl": write,
	} {
		for what, make := range map[string]func(string) error{
			"named pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"folder":     durable.MkdirAll,
			"socket": func(path string) error {
				l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
				if err == nil {
					t.Cleanup(func() { _ = l.Close() })
				}
				return err
			},
		} {
			dir, err := os.MkdirTemp("", "l") // a socket's path is short
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			path := filepath.Join(dir, name)
			if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			if err := step(dir); err == nil || !strings.Contains(err.Error(), path+" is a "+what) {
				t.Errorf("a %s at %s: %v", what, name, err)
			}
		}
	}
}
