//go:build unix

package input

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// written maps a file of two pages, which was written some time ago.
func written(t *testing.T) (*Content, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(path, bytes.Repeat([]byte{7}, 2*os.Getpagesize()), 0o644); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, before, before); err != nil {
		t.Fatal(err)
	}
	return open(t, path), path
}

func open(t *testing.T, path string) *Content {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Map(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sum reads a file's last page.
func sum(c *Content) (sum int, err error) {
	err = Guard(func() error {
		for _, b := range c.Data[os.Getpagesize():] {
			sum += int(b)
		}
		return nil
	}, c)
	return sum, err
}

// A file that is cut while it is mapped would end the process by SIGBUS: it is an error that names it.
func TestMappedFileIsCut(t *testing.T) {
	c, path := written(t)
	if got, err := sum(c); got != 7*os.Getpagesize() || err != nil || c.Check() != nil {
		t.Fatalf("sum %d, error %v", got, err)
	}
	if err := os.Truncate(path, 1); err != nil {
		t.Fatal(err)
	}
	for _, read := range []func() error{c.Check, func() error { _, err := sum(c); return err }} {
		if err := read(); err == nil || !strings.Contains(err.Error(), path+" was written to") {
			t.Errorf("error %v", err)
		}
	}
	if err := syscall.Mprotect(c.Data, syscall.PROT_NONE); err != nil { // as a disk that fails
		t.Fatal(err)
	}
	if _, err := sum(c); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

// Another panic is none of a file's.
func TestGuardPassesPanics(t *testing.T) {
	c, _ := written(t)
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("recovered %v", r)
		}
	}()
	Guard(func() error { panic("mine") }, c)
}

// A file that is replaced by another of its name stays what it was; one that is written to is found out, and both have
// another identity when they are opened anew.
func TestMappedFileIsReplaced(t *testing.T) {
	replaced, path := written(t)
	identity := replaced.Identity()
	if again := open(t, path).Identity(); again != identity || identity == "" {
		t.Errorf("opened twice, the file is %q and %q", identity, again)
	}
	other := path + ".new"
	if err := os.WriteFile(other, replaced.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(other, replaced.info.ModTime(), replaced.info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if got, err := sum(replaced); got != 7*os.Getpagesize() || err != nil || replaced.Check() != nil {
		t.Errorf("a file that is not there any more: sum %d, error %v, %v", got, err, replaced.Check())
	}
	edited := open(t, path)
	if edited.Identity() == identity {
		t.Error("a file of another inode has the same identity")
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{8}, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := edited.Check(); err == nil || !strings.Contains(err.Error(), path+" was written to") {
		t.Errorf("a file that was edited: error %v", err)
	}
	if identity := open(t, path).Identity(); identity != "" {
		t.Errorf("a file that was written to just before has the identity %q", identity)
	}
}

// A file is unmapped when nothing of it is used any more.
func TestUnmapped(t *testing.T) {
	maps := func() string {
		text, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Skip(err)
		}
		return string(text)
	}
	c, path := written(t)
	if !strings.Contains(maps(), path) {
		t.Fatal("the file is not mapped")
	}
	runtime.KeepAlive(c)
	for end := time.Now().Add(10 * time.Second); strings.Contains(maps(), path); {
		if runtime.GC(); time.Now().After(end) {
			t.Fatal("the file is still mapped")
		}
	}
}
