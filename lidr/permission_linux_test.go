package lidr_test

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"lidrlab/lidr/lidrtest"

	"golang.org/x/sys/unix"
)

// Permission that is lost, amid a step or between two, ends the run with one line that names the path. What cannot be
// read is not taken for missing: once it can be, the run ends with the bytes of an undisturbed one, and no request was
// asked twice.
func TestPermissionLost(t *testing.T) {
	server := newTalkingServer(t)
	straight, dir := filepath.Join(t.TempDir(), "runs"), filepath.Join(t.TempDir(), "runs")
	if err := everything(straight, server.URL); err != nil {
		t.Fatal(err)
	}
	want, asked := lidrtest.Hashes(t, straight), maps.Clone(server.asked)
	clear(server.asked)

	refused := func(path, why string) {
		t.Helper()
		said, err := bound(dir, server.URL)
		if err == nil || strings.Contains(said, "\n") || !strings.Contains(said, filepath.Join(dir, path)) ||
			!strings.Contains(said, "permission denied") {
			t.Errorf("%s: error %v and %q, expected one line that names %s", why, err, said, path)
		}
	}
	change := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Error(err)
		}
	}
	answer, requests := server.Config.Handler, atomic.Int64{}
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 30 {
			change("store/completions", 0o500)
		}
		answer.ServeHTTP(w, r)
	})
	refused("store/completions", "read-only amid a step")
	if n := len(server.asked); n == 0 || n == len(asked) {
		t.Errorf("%d of %d requests asked, expected the run to end on the way", n, len(asked))
	}
	change("store/completions", 0o755)
	answers, err := filepath.Glob(filepath.Join(dir, "store", "completions", "*.jsonl"))
	if err != nil || len(answers) == 0 {
		t.Fatalf("finished outputs %v, %v", answers, err)
	}
	one := filepath.Join("store", "completions", filepath.Base(answers[0]))
	for _, path := range []string{"local/M1/training.json", "local/M1/model", "local/plots", "served/files.json", one} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		change(path, 0)
		refused(path, "unreadable")
		change(path, info.Mode())
	}
	if said, err := bound(dir, server.URL); err != nil {
		t.Fatalf("with all permissions again: %v, %s", err, said)
	}
	crasher{t: t}.same(dir, want, "lost permissions")
	if !maps.Equal(server.asked, asked) {
		t.Errorf("asked %v, expected %v", server.asked, asked)
	}
}

// bound runs everything in a process that permissions bind, as they do not bind root, and returns what it said.
func bound(dir, url string) (said string, err error) {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "LIDR_TEST_RUN="+dir, "LIDR_TEST_JUDGE="+url, "LIDR_TEST_KILL=0")
	var stderr strings.Builder
	command.Stderr = &stderr
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if os.Geteuid() == 0 {
			runtime.LockOSThread() // for good: the thread, which may do less from here on, ends with the goroutine
			for _, capability := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
				if err = unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
					return
				}
			}
		}
		err = command.Run()
	}()
	<-ended
	return strings.TrimSpace(stderr.String()), err
}
