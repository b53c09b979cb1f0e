package cpu

import (
	"sync"
	"sync/atomic"
)

// The worker pool. A kernel cuts its work into tasks whose number and borders depend on shapes only, never on the
// number of threads, so that the results are the same bits for any number of threads.
//
// It cannot deadlock: the caller works through the tasks itself and only invites workers that are idle at that very
// moment. Nobody ever waits for a worker to become free; the caller waits only for tasks that are already running.

type job struct {
	run  func(task int)
	n    int64
	next atomic.Int64
	done sync.WaitGroup // one count for each worker that joined
}

func (j *job) work() {
	for {
		i := j.next.Add(1) - 1
		if i >= j.n {
			return
		}
		j.run(int(i))
	}
}

var (
	invitations = make(chan *job) // unbuffered: a send succeeds only if a worker is waiting
	startMu     sync.Mutex
	started     int
)

// ensureWorkers starts workers until there are n. They are shared by all backends of the process.
func ensureWorkers(n int) {
	startMu.Lock()
	defer startMu.Unlock()
	for ; started < n; started++ {
		go func() {
			for j := range invitations {
				j.work()
				j.done.Done()
			}
		}()
	}
}

// parallel runs run(0) … run(n-1) on the caller's goroutine and up to threads-1 idle workers, and returns when all are done.
func parallel(threads, n int, run func(task int)) {
	if n <= 1 || threads <= 1 {
		for i := range n {
			run(i)
		}
		return
	}
	j := &job{run: run, n: int64(n)}
	for range min(threads, n) - 1 {
		j.done.Add(1)
		select {
		case invitations <- j:
		default:
			j.done.Done()
		}
	}
	j.work()
	j.done.Wait()
}

// split cuts n items into tasks of at least grain items each and at most maxTasks tasks.
func split(n, grain, maxTasks int) (tasks int, bounds func(task int) (lo, hi int)) {
	tasks = max(1, min(maxTasks, n/max(grain, 1)))
	return tasks, func(task int) (int, int) { return task * n / tasks, (task + 1) * n / tasks }
}
