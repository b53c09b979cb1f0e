package ledger

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// process is another one that locks a folder on a server.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startOnServer(t *testing.T, dir, expiry, system string) *process {
	t.Helper()
	p := &process{Cmd: other(dir, "LEDGER_TEST_EXPIRY="+expiry, "LEDGER_TEST_SYSTEM="+system)}
	out, err := p.StdoutPipe()
	if err == nil {
		p.in, err = p.StdinPipe()
	}
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	t.Cleanup(func() { p.kill() })
	return p
}

// says is the next line of a process.
func (p *process) says() string {
	p.out.Scan()
	return p.out.Text()
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.Process.Kill() // fails where it has ended
	_ = p.Wait()         // it was killed
}

// Where locks are not to be trusted one process at a time has a folder by a lease: a process of this machine that was
// killed leaves it at once, and one of another machine after it has been silent for the expiry; one that shows that it
// is there keeps it, whatever the clocks of files say.
func TestLease(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	first := startOnServer(t, dir, "1h", "")
	if said := first.says(); said != "locked" {
		t.Fatal(said)
	}
	if names, err := filepath.Glob(filepath.Join(dir, LockName+"-*")); err != nil || len(names) == 0 {
		t.Fatalf("no lease in %s: %v, error %v", dir, names, err)
	}
	long := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, LockName+"-1"), long, long); err != nil {
		t.Fatal(err)
	}
	for _, system := range []string{"", "another machine"} {
		want := fmt.Sprintf("process %d is working in %s", first.Process.Pid, dir)
		if said := startOnServer(t, dir, "1h", system).says(); !strings.HasPrefix(said, want) {
			t.Errorf("beside a process that has the folder, another one of %q says %q", system, said)
		}
	}
	first.kill()
	second := startOnServer(t, dir, "1h", "")
	if said := second.says(); said != "locked" {
		t.Errorf("after the first was killed, one of the same machine says %q", said)
	}
	second.kill()
	began, third := time.Now(), startOnServer(t, dir, "700ms", "another machine")
	if said := third.says(); said != "locked" || time.Since(began) < 700*time.Millisecond {
		t.Errorf("after the second was killed, one of another machine says %q after %s, expected it locked after 700ms",
			said, time.Since(began))
	}
}

// Of many processes that find the lease of a killed one, one takes it.
func TestLeaseIsTakenOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	killed := startOnServer(t, dir, "1h", "")
	if said := killed.says(); said != "locked" {
		t.Fatal(said)
	}
	killed.kill()
	var all []*process
	for range 6 {
		all = append(all, startOnServer(t, dir, "1h", ""))
	}
	locked := 0
	for _, p := range all {
		switch said := p.says(); {
		case said == "locked":
			locked++
		case !strings.Contains(said, "is working in "+dir):
			t.Errorf("a process says %q", said)
		}
	}
	if locked != 1 {
		t.Errorf("%d processes have the folder, expected 1", locked)
	}
}

// A process that stood still until another took its lease is told so before it writes.
func TestLeaseIsLost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	still := startOnServer(t, dir, "300ms", "one machine")
	if said := still.says(); said != "locked" {
		t.Fatal(said)
	}
	if err := still.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	next := startOnServer(t, dir, "300ms", "another machine")
	if said := next.says(); said != "locked" {
		t.Fatalf("beside a process that stands still: %q", said)
	}
	if err := still.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[*process]string{
		next: "asked: <nil>", still: fmt.Sprintf("asked: process %d has taken over", next.Process.Pid),
	} {
		if _, err := io.WriteString(p.in, "?\n"); err != nil {
			t.Fatal(err)
		}
		if said := p.says(); !strings.HasPrefix(said, want) {
			t.Errorf("a process says %q, expected %q", said, want)
		}
	}
}

// Two never have a lease at once, however often it changes hands, and few files are left.
func TestLeaseExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), LockName)
	var inside, broken atomic.Int32
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range 15 {
				l := &lease{path: path}
				for got := false; !got; time.Sleep(time.Millisecond) {
					var err error
					if got, err = l.TryLock(); err != nil {
						t.Error(err)
						return
					}
				}
				if inside.Add(1) > 1 {
					broken.Add(1)
				}
				time.Sleep(time.Millisecond)
				if err := l.Valid(); err != nil {
					t.Error(err)
				}
				inside.Add(-1)
				if err := l.Unlock(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := broken.Load(); n > 0 {
		t.Errorf("two had the lease at once, %d times", n)
	}
	if all, _, err := (&lease{path: path}).numbers(); err != nil || len(all) > 2 {
		t.Errorf("leases %v are left, error %v", all, err)
	}
}

// A folder on an object store is refused, one on another FUSE file system is not.
func TestObjectStore(t *testing.T) {
	const mounts = "36 35 0:52 / /mnt/s3 rw shared:1 - fuse.s3fs s3fs rw\n" +
		"37 35 0:53 / /mnt/far rw - fuse.sshfs me@far rw\n"
	if err := keepsFiles("/mnt/s3/run", "0:52", mounts); err == nil || !strings.Contains(err.Error(), "an object store") {
		t.Errorf("error %v, expected a refusal", err)
	}
	if err := keepsFiles("/mnt/far/run", "0:53", mounts); err != nil {
		t.Error(err)
	}
}
