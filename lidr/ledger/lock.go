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

// Locks are the operating system's (flock, LockFileEx): they end with the process that holds them, however it ends, so a lock
// file that is found is never stale. File systems without locks are used without.

var held sync.Map // the locks of run folders that this process holds until it ends, by path

// LockFolder makes this process the only one that works in the folder dir, until the process ends. Asking again is no error; a
// folder that another process works in is one.
func LockFolder(dir string) error {
	if err := durable.MkdirAll(dir); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if real, err = filepath.Abs(real); err != nil {
		return err
	}
	lock, already := held.LoadOrStore(filepath.Join(real, LockName), flock.New(filepath.Join(real, LockName)))
	if already {
		return nil
	}
	got, err := lock.(*flock.Flock).TryLock()
	if errors.Is(err, errors.ErrUnsupported) || got {
		return nil
	}
	held.Delete(filepath.Join(real, LockName))
	if err != nil {
		return fmt.Errorf("lock %s: %w", real, err)
	}
	return fmt.Errorf("another process is working in %s; wait until it ends, stop it, or choose another folder (the lock goes with that process, even when it is killed)", dir)
}

// LockName is the empty file in a folder by which [LockFolder] locks it.
const LockName = ".lock"

// lockKey waits until no other process works on the output at final, keeps others from it, and returns how to end that.
func lockKey(ctx context.Context, final string) (release func() error, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err // before it can seem to be the end of a wait
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
	return nil, fmt.Errorf("lock %s: %w; free the cause (read-only folder? another user's file?) and run the same command again", final, err)
}
