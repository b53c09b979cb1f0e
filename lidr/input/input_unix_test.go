//go:build unix

package input

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

// What would never end, or is not there yet, is an error at once that says what it is.
func TestOpen(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(folder, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := os.Symlink("/dev/zero", filepath.Join(folder, "device")); err != nil {
		t.Fatal(err)
	}
	pointer := lfsPointer + "v1\noid sha256:4d7a\nsize 12345\n"
	for name, text := range map[string]string{
		"pointer": pointer, "plain": "{}", "long": pointer + strings.Repeat("x", maxPointer),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"pipe": "pipe is a named pipe, expected a regular file", "socket": "socket is a socket", "device": "is a device",
		".": ". is a folder", "pointer": "run git lfs pull", "none": "no such file", "plain": "", "long": "",
	} {
		path := filepath.Join(folder, name)
		if name == "." {
			path = folder + "/."
		}
		_, inFolder := Open(os.DirFS(folder), name)
		_, byPath := ReadFile(path)
		file, opened := OpenFile(path)
		if opened == nil {
			file.Close()
		}
		for _, err := range []error{inFolder, byPath, opened} {
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s: %v, expected %q", name, err, want)
			}
			if name == "none" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v, expected fs.ErrNotExist", name, err)
			}
		}
	}
	file, err := Open(fstest.MapFS{"a": {Data: []byte("1")}}, "a")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := file.Stat(); err != nil || info.Size() != 1 || info.Mode().Type() != fs.FileMode(0) {
		t.Errorf("%v, %v", info, err)
	}
}
