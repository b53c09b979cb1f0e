package lidr_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"lidrlab/lidr"
	"lidrlab/lidr/lidrtest"
)

// TestMain lets the test binary stand in for the command, so that a test can kill it: with LIDR_TEST_RUN set it runs a
// small experiment in that folder; with LIDR_TEST_KILL it does everything, with the server LIDR_TEST_JUDGE, and kills
// itself at that change of the disk; with LIDR_TEST_LATER it does so in [TestClockJumps], since synctest wants a test;
// with LIDR_TEST_SCALE it takes so many prompts through the steps.
func TestMain(m *testing.M) {
	dir, url, kill := os.Getenv("LIDR_TEST_RUN"), os.Getenv("LIDR_TEST_JUDGE"), os.Getenv("LIDR_TEST_KILL")
	scale, err := strconv.Atoi(os.Getenv("LIDR_TEST_SCALE"))
	switch {
	case dir == "" || os.Getenv("LIDR_TEST_LATER") != "":
		os.Exit(m.Run())
	case err == nil:
		err = pipeline(dir, scale)
	case os.Getenv("LIDR_TEST_DAMAGE") != "" || os.Getenv("LIDR_TEST_KILL") == "0" && url == "":
		err = experimentKilled(dir, os.Getenv("LIDR_TEST_DAMAGE"), kill)
	case kill != "":
		err = everythingKilled(dir, url, kill)
	default:
		err = tiny(dir, 16)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// tiny is a whole experiment of one round on a few prompts.
func tiny(dir string, prompts int) error {
	s := lidr.MiniatureSettings()
	s.Rounds, s.Prompts.N, s.Evaluate.N, s.Evaluate.Translations = 1, prompts, max(2, prompts/2), max(2, prompts/4)
	s.Train.BatchPairs = 8
	run, err := lidr.Open(dir, s)
	if err != nil {
		return err
	}
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		return err
	}
	if _, _, err := lidr.Iterate(context.Background(), run, m0); err != nil {
		return err
	}
	_, err = lidr.Report(context.Background(), run)
	return err
}

// A run that is killed again and again ends with the same bytes as one that is left alone, timing.jsonl apart.
func TestKilledRunEndsWithTheSameBytes(t *testing.T) {
	straight := filepath.Join(t.TempDir(), "run")
	start := time.Now()
	if err := tiny(straight, 16); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(start)
	want := lidrtest.Hashes(t, filepath.Dir(straight))

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
	got := lidrtest.Hashes(t, filepath.Dir(killed))
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
