package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary serve as another process: with LEDGER_TEST_DIR set it locks that folder, or with
// LEDGER_TEST_COLLECT makes an output in it and lists the items that it computed.
func TestMain(m *testing.M) {
	dir := os.Getenv("LEDGER_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	err := onServer(os.Getenv("LEDGER_TEST_EXPIRY"), os.Getenv("LEDGER_TEST_SYSTEM"))
	if err == nil && os.Getenv("LEDGER_TEST_COLLECT") == "" {
		if _, err = LockFolder(dir); err == nil {
			fmt.Println("locked")
			for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
				fmt.Println("asked:", Locked(dir))
			}
			time.Sleep(time.Minute)
		}
	} else if err == nil {
		compute := func(_ func(int) bool, save func([]int, []int) error) error {
			for i := range 40 {
				time.Sleep(2 * time.Millisecond)
				if err := save([]int{i}, []int{i * i}); err != nil {
					return err
				}
				fmt.Println("computed", i)
			}
			return nil
		}
		_, err = Collect(context.Background(), Store{Dir: dir}, "squares", "k", 40, compute)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// onServer makes folders those of a server that is seen by several machines, of which this one is system, and leases
// expire; with expiry "" they are what they are.
func onServer(expiry, system string) (err error) {
	if expiry == "" {
		return nil
	}
	fileSystem = func(string) (string, error) { return "NFS", nil }
	leaseBeat = 20 * time.Millisecond
	if system != "" {
		thisSystem = func() string { return system }
	}
	leaseExpiry, err = time.ParseDuration(expiry)
	return err
}

func other(dir string, env ...string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(append(os.Environ(), "LEDGER_TEST_DIR="+dir), env...)
	return command
}

// One process at a time can lock a folder; the lock of a process that was killed has ended.
func TestLockFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	holder := other(dir)
	out, err := holder.StdoutPipe()
	if err == nil {
		err = holder.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, len("locked\n"))); err != nil {
		t.Fatal(err)
	}
	if _, err := LockFolder(dir); err == nil || !strings.Contains(err.Error(), "another process is working in "+dir) {
		t.Errorf("a folder that another process works in: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // it was killed
	var unlocks []func() error
	for range 2 {
		unlock, err := LockFolder(dir)
		if err != nil {
			t.Fatalf("after that process was killed: %v", err)
		}
		unlocks = append(unlocks, unlock)
	}
	if err := unlocks[0](); err != nil {
		t.Error(err)
	}
	said, err := other(dir).CombinedOutput()
	if err == nil || !strings.Contains(string(said), "another process is working in") {
		t.Errorf("another process could lock it too: %s", said)
	}
	if err := unlocks[1](); err != nil {
		t.Error(err)
	}
	holder = other(dir)
	if out, err = holder.StdoutPipe(); err == nil {
		err = holder.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if n, err := out.Read(make([]byte, len("locked\n"))); err != nil || n != len("locked\n") {
		t.Errorf("another process cannot lock what was unlocked: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // it was killed
}

// While a folder waits for a lease of another machine, another folder is locked at once.
func TestFoldersDoNotWaitForEachOther(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "left")
	lease := filepath.Join(left, LockName+"-1")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lease, []byte(`{"host": "elsewhere", "pid": 1, "beat": 1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		unlock, err := LockFolder(left)
		if err == nil {
			err = unlock()
		}
		waited <- err
	}()
	time.Sleep(100 * time.Millisecond) // it waits by now
	unlock, err := LockFolder(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	if len(waited) > 0 {
		t.Errorf("the second folder waited for the lease of the first (%v)", <-waited)
	}
	if err := errors.Join(unlock(), os.Remove(lease), <-waited); err != nil {
		t.Error(err)
	}
}

// Of two processes that need the same output one makes it, by the system's locks and by leases.
func TestCollectOnceAmongProcesses(t *testing.T) {
	dir := t.TempDir()
	collectOnce(t, t.TempDir(), "LEDGER_TEST_EXPIRY=1h")
	collectOnce(t, dir)
	final := filepath.Join(dir, "x.jsonl")
	var notes []string
	store := Store{Dir: dir, Note: func(text string) { notes = append(notes, text) }}
	lock, err := store.lock(context.Background(), final)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	if len(notes) > 0 {
		t.Errorf("a lock that nobody holds is waited for: %q", notes)
	}
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := store.lock(short, final); !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "wait for the process that works on "+final) {
		t.Errorf("waiting for a lock does not end with its context: %v", err)
	}
	if want := fmt.Sprintf("waiting for process %d, which works on %s", os.Getpid(), final); len(notes) != 1 ||
		!strings.HasPrefix(notes[0], want) {
		t.Errorf("notes %q, want one that begins %q", notes, want)
	}
	// Only a process that holds the lock is waited for: a folder in place of the lock file is an error.
	if err := os.Mkdir(filepath.Join(dir, "y.lock"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, ctx := range map[string]context.Context{"y.jsonl": context.Background(), "z.jsonl": short} {
		if _, err := store.lock(ctx, filepath.Join(dir, name)); err == nil || strings.Contains(err.Error(), "wait for") {
			t.Errorf("%s: error %v, expected one that says nothing of waiting", name, err)
		}
	}
}

func collectOnce(t *testing.T, dir string, env ...string) {
	t.Helper()
	var outputs [2]strings.Builder
	var commands [2]*exec.Cmd
	for i := range commands {
		commands[i] = other(dir, append(env, "LEDGER_TEST_COLLECT=1")...)
		commands[i].Stdout = &outputs[i]
		if err := commands[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	computed := 0
	for i := range commands {
		if err := commands[i].Wait(); err != nil {
			t.Errorf("%v: %s", err, outputs[i].String())
		}
		computed += strings.Count(outputs[i].String(), "computed")
	}
	items, err := readFinal[int](filepath.Join(dir, "squares", "k.jsonl"), header{"squares", "k", 40})
	if err != nil || items[39] != 39*39 || computed != 40 {
		t.Errorf("%d items computed, %v", computed, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "squares")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
