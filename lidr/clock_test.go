package lidr_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lidrlab/lidr/lidrtest"
)

// A run goes on under another clock than it began with, over files of any age, as if nothing were the matter. Its
// processes here live in 2200, 2000 and 2200 again (synctest's clock begins at 2000, and jumps where all sleep), two
// are killed, and after each all files become as old, or as new, as can be.
func TestClockJumps(t *testing.T) {
	if later, err := time.ParseDuration(os.Getenv("LIDR_TEST_LATER")); err == nil {
		synctest.Test(t, func(*testing.T) {
			time.Sleep(later)
			err := everythingKilled(os.Getenv("LIDR_TEST_RUN"), os.Getenv("LIDR_TEST_JUDGE"), os.Getenv("LIDR_TEST_KILL"))
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0) // the workers and connections that are still there would keep the bubble from ending
		})
	}
	c := crasher{t: t, server: newTalkingServer(t)}
	straight := filepath.Join(t.TempDir(), "runs")
	changes, _ := c.run(straight, 0)
	want, asked := lidrtest.Hashes(t, straight), maps.Clone(c.server.asked)

	const centuries = 200 * 365 * 24 * time.Hour
	past, future := time.Unix(0, 0), time.Now().Add(centuries)
	c.args = []string{"-test.run=^TestClockJumps$"}
	clear(c.server.asked)
	dir := filepath.Join(t.TempDir(), "runs")
	for i, process := range []struct {
		later time.Duration // than 2000
		kill  int
		mtime time.Time // of all files afterwards
	}{
		{centuries, changes / 3, past},
		{0, changes * 3 / 5, future},
		{centuries, 0, past},
		{0, 0, future},
	} {
		t.Setenv("LIDR_TEST_LATER", process.later.String())
		made, killed := c.run(dir, process.kill)
		if killed != (process.kill > 0) {
			t.Fatalf("process %d: killed is %v", i, killed)
		}
		if i == 3 && made > changes/20 {
			t.Errorf("a finished run changed the disk %d times", made)
		}
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chtimes(path, process.mtime, process.mtime))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.same(dir, want, "a run under jumping clocks")
	again := 0
	for text, n := range c.server.asked {
		again += n - asked[text]
	}
	if len(c.server.asked) != len(asked) || again > 4 { // as in TestKilledAtEveryChange, by two kills
		t.Errorf("%d different requests, expected %d; %d were asked again", len(c.server.asked), len(asked), again)
	}
}
