package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"lidrlab/lidr/durable"
	"lidrlab/lidr/input"
)

// Locks are the operating system's (flock, LockFileEx): they end with the process that holds them, however it ends, so
// a lock file that is left behind locks nothing. Where the file system's locks are not to be trusted among machines, or
// it has none, they are leases, and so they are where somebody else has left one.

// locker is a lock among processes.
type locker interface {
	TryLock() (bool, error)
	Unlock() error
	Valid() error // an error once another process may have the lock
}

// systemLock is the operating system's lock, or a lease where the file system turns out to have none.
type systemLock struct {
	*flock.Flock
	instead *lease
}

func (l *systemLock) TryLock() (bool, error) {
	if l.instead == nil {
		got, err := l.Flock.TryLock()
		if !errors.Is(err, errors.ErrUnsupported) {
			return got, err
		}
		l.instead = &lease{path: l.Path()}
	}
	return l.instead.TryLock()
}

func (l *systemLock) Unlock() error {
	if l.instead != nil {
		return l.instead.Unlock()
	}
	return l.Flock.Unlock()
}

func (l *systemLock) Valid() error {
	if l.instead != nil {
		return l.instead.Valid()
	}
	return nil
}

// leaseOf is the lease by which a lock works, nil for the operating system's own.
func leaseOf(lock locker) *lease {
	switch l := lock.(type) {
	case *lease:
		return l
	case *systemLock:
		return l.instead
	}
	return nil
}

// newLock returns the lock of a path, whose folder is there.
func newLock(path string) (locker, error) {
	unsure, err := fileSystem(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if unsure != "" || leased(path) {
		return &lease{path: path}, nil
	}
	return &systemLock{Flock: flock.New(path)}, input.Regular(path)
}

// folderLocks are the locks of run folders that this process has had, by path: a *folderLock each.
var folderLocks sync.Map

// folderLock is a lock and how often it was asked for.
type folderLock struct {
	changing sync.Mutex // held while a lease is waited for, which keeps nobody from another folder
	lock     locker
	users    int // 0 while this process does not have it
}

func folderLockOf(path string) *folderLock {
	lock, _ := folderLocks.LoadOrStore(path, &folderLock{})
	return lock.(*folderLock)
}

// LockFolder makes this process the only one that works in the folder dir, until unlock or until the process ends.
// Asking again is no error, and the folder is locked until each unlock was called; a folder that another process works
// in is one.
func LockFolder(dir string) (unlock func() error, err error) {
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	path := filepath.Join(real, LockName)
	folder := folderLockOf(path)
	folder.changing.Lock()
	defer folder.changing.Unlock()
	if folder.users > 0 {
		folder.users++
		return folder.giveBack, nil
	}
	lock, err := newLock(path)
	if err != nil {
		return nil, err
	}
	got, err := lock.TryLock()
	lease := leaseOf(lock)
	if lease != nil && !got && err == nil {
		got, err = lease.wait()
	}
	switch {
	case got:
		folder.lock, folder.users = lock, 1
		return folder.giveBack, nil
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", real, err)
	}
	who, until := "another process", "the lock goes with that process, even when it is killed"
	if lease != nil {
		who, until = lease.heldBy(), fmt.Sprintf("the lease goes with that process: at once, or %s after it was killed on "+
			"another machine", leaseExpiry)
	}
	return nil, fmt.Errorf("%s is working in %s; wait until it ends, stop it, or choose another folder (%s)", who, dir,
		until)
}

// Locked is an error for a folder that this process has locked, and that another one may work in meanwhile: where the
// lock is a lease, and this process, or its machine, stood still for long. Whoever has the folder asks before writing.
func Locked(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return nil // it is gone, and its lock with it
	}
	folder := folderLockOf(filepath.Join(real, LockName))
	folder.changing.Lock()
	defer folder.changing.Unlock()
	if folder.users == 0 {
		return nil
	}
	return folder.lock.Valid()
}

// giveBack undoes one [LockFolder].
func (f *folderLock) giveBack() error {
	f.changing.Lock()
	defer f.changing.Unlock()
	if f.users--; f.users > 0 {
		return nil
	}
	return f.lock.Unlock()
}

// LockName is the name of the empty file in a folder by which [LockFolder] locks it; a lease's files are LockName-1,
// LockName-2 and so on, and are not empty.
const LockName = ".lock"

var collecting sync.Map // a channel that holds one value while this process works on the output of that path

// enter makes the caller the only one of this process that works on the output at final, until leave.
func (s Store) enter(ctx context.Context, final string) (leave func(), err error) {
	found, _ := collecting.LoadOrStore(final, make(chan struct{}, 1))
	working := found.(chan struct{})
	leave = func() { <-working }
	select {
	case working <- struct{}{}:
		return leave, nil
	case <-time.After(5 * time.Second): // an output that is there is read by then; a step tells its own progress
	case <-ctx.Done():
	}
	s.note("waiting for another step of this process, which works on " + final)
	select {
	case working <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the step that works on %s: %w", final, ctx.Err())
	}
}

func (s Store) note(text string) {
	if s.Note != nil {
		s.Note(text)
	}
}

// lock locks the output at final, waiting for other processes that have locked it, and returns how to unlock it. The
// lock file names the process that holds it, for those who wait.
func (s Store) lock(ctx context.Context, final string) (lock locker, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err // checked first, so that it is not taken for the end of a wait
	}
	path := beside(final, ".lock")
	if lock, err = newLock(path); err != nil {
		return nil, err
	}
	got, err := lock.TryLock()
	for told := false; !got && err == nil; told = true {
		if !told {
			s.note(fmt.Sprintf("waiting for %s, which works on %s and has locked %s", holderOf(lock, path), final, path))
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the process that works on %s: %w", final, ctx.Err())
		case <-time.After(100 * time.Millisecond):
			got, err = lock.TryLock()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w; remove the cause (read-only folder? another user's file?) and run the same "+
			"command again", final, err)
	}
	if _, system := lock.(*systemLock); system {
		_ = sign(path) // without it, who waits knows the file alone
		return signed{lock, path}, nil
	}
	return lock, nil
}

// signed is a lock whose file names its process.
type signed struct {
	locker
	path string
}

func (l signed) Unlock() error {
	_ = os.Truncate(l.path, 0) // who locks it next writes its own name
	return l.locker.Unlock()
}

// sign writes who holds the lock into the file at path, from its second byte on: on Windows the first one is locked.
func sign(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // "" is none
	_, err = file.WriteAt(fmt.Appendf(nil, "%d %s\n", os.Getpid(), host), 1)
	return errors.Join(err, file.Close())
}

// holderOf names the process that holds the lock at path, with its machine where that is another one.
func holderOf(lock locker, path string) string {
	if l := leaseOf(lock); l != nil {
		return l.heldBy()
	}
	file, err := os.Open(path)
	if err != nil {
		return "another process"
	}
	defer file.Close()
	var pid int
	var host string
	_, _ = fmt.Fscan(io.NewSectionReader(file, 1, 300), &pid, &host) // without a number nothing is known
	if pid < 1 {
		return "another process"
	}
	return leaseHolder{Host: host, PID: pid}.String()
}
