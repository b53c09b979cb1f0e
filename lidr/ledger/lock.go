package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"lidrlab/lidr/durable"
)

// Locks are the operating system's (flock, LockFileEx): they end with the process that holds them, however it ends, so
// a lock file that is left behind locks nothing. On file systems without locks, nothing is locked.

// held are the locks of run folders that this process has, by path.
var held = struct {
	sync.Mutex
	locks map[string]*folderLock
}{locks: map[string]*folderLock{}}

// folderLock is a lock and how often it was asked for.
type folderLock struct {
	*flock.Flock
	users int
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
	held.Lock()
	defer held.Unlock()
	path := filepath.Join(real, LockName)
	if lock := held.locks[path]; lock != nil {
		lock.users++
		return func() error { return unlockFolder(path) }, nil
	}
	lock := flock.New(path)
	got, err := lock.TryLock()
	switch {
	case errors.Is(err, errors.ErrUnsupported) || got:
		held.locks[path] = &folderLock{lock, 1}
		return func() error { return unlockFolder(path) }, nil
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", real, err)
	}
	return nil, fmt.Errorf("another process is working in %s; wait until it ends, stop it, or choose another folder "+
		"(the lock goes with that process, even when it is killed)", dir)
}

// unlockFolder undoes one [LockFolder].
func unlockFolder(path string) error {
	held.Lock()
	defer held.Unlock()
	lock := held.locks[path]
	if lock.users--; lock.users > 0 {
		return nil
	}
	delete(held.locks, path)
	return lock.Unlock()
}

// LockName is the name of the empty file in a folder by which [LockFolder] locks it.
const LockName = ".lock"

// lockKey locks the output at final, waiting for other processes that have locked it, and returns how to unlock it.
func lockKey(ctx context.Context, final string) (release func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err // checked first, so that it is not taken for the end of a wait
	}
	lock := flock.New(beside(final, ".lock"))
	got, err := lock.TryLockContext(ctx, 100*time.Millisecond)
	switch {
	case got:
		return lock.Unlock, nil
	case errors.Is(err, errors.ErrUnsupported):
		return func() error { return nil }, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("wait for the process that works on %s: %w", final, err)
	}
	return nil, fmt.Errorf("lock %s: %w; remove the cause (read-only folder? another user's file?) and run the same "+
		"command again", final, err)
}
