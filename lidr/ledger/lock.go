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

var held sync.Map // the locks of run folders that this process holds until it ends, by path

// LockFolder locks the folder dir for this process until it ends. Locking it again is no error; a folder that another
// process has locked is one.
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
	return fmt.Errorf("another process is working in %s; wait until it ends, stop it, or choose another folder (the "+
		"lock ends with that process, even if it is killed)", dir)
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
