package lidr

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestMain lets the test binary stand in for the command: with LIDR_TEST_RUN set it runs a small experiment in that
// folder, or with LIDR_TEST_JUDGE too only judges there, so that a test can kill it.
func TestMain(m *testing.M) {
	dir := os.Getenv("LIDR_TEST_RUN")
	if dir == "" {
		os.Exit(m.Run())
	}
	program := tiny
	if url := os.Getenv("LIDR_TEST_JUDGE"); url != "" {
		program = func(dir string) error { _, err := judged(dir, url, bothOrders); return err }
	}
	if err := program(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// tiny is a whole experiment of one round on a few prompts.
func tiny(dir string) error {
	s := Miniature()
	s.Rounds, s.Prompts.N, s.Evaluate.N, s.Evaluate.Translations = 1, 16, 8, 4
	s.Train.BatchPairs = 8
	run, err := Open(dir, s)
	if err != nil {
		return err
	}
	m0, err := LoadModel("miniature")
	if err != nil {
		return err
	}
	if _, err := Iterate(context.Background(), run, m0); err != nil {
		return err
	}
	_, err = Report(context.Background(), run)
	return err
}

// A run that is killed again and again ends with the same bytes as one that is left alone, timing.jsonl apart.
func TestKilledRunEndsWithTheSameBytes(t *testing.T) {
	straight := filepath.Join(t.TempDir(), "run")
	start := time.Now()
	if err := tiny(straight); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(start)
	want := hashes(t, filepath.Dir(straight))

	killed := filepath.Join(t.TempDir(), "run")
	random := rand.New(rand.NewPCG(7, 7))
	kills := 0
	for range 60 {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), "LIDR_TEST_RUN="+killed)
		command.Stderr = os.Stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		// Late enough to get past the start, early enough to die on the way; later attempts live longer.
		// Short against the whole, since the machine may be much quicker now than when that was measured.
		wait := time.Duration(random.Int64N(int64(whole)))/6 + time.Duration(kills)*whole/60
		timer := time.AfterFunc(wait, func() { command.Process.Kill() })
		err := command.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if command.ProcessState.Exited() {
			t.Fatalf("after %d kills the run failed: %v", kills, err)
		}
		kills++
	}
	if kills < 3 {
		t.Fatalf("the run was killed %d times, want at least 3", kills)
	}
	got := hashes(t, filepath.Dir(killed))
	for path, hash := range want {
		if got[path] != hash {
			t.Errorf("%s differs after %d kills", path, kills)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("%s was left behind by the killed run", path)
		}
	}
	t.Logf("%d kills", kills)
}

// hashes returns the SHA-256 of every file below dir but timing.jsonl.
func hashes(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	found := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "timing.jsonl" {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[name] = sha256.Sum256(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
