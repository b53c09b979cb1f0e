package cpu

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// workspace holds a goroutine's memory for its tasks: the arguments of kernels, which would be allocated for each call
// since kernels are function values, and scratch memory of the size of the largest task so far.
type workspace struct {
	tile tileArgs
	gemm gemmArgs
	turn transposeArgs
	rows rowsArgs
	mem  []byte

	widen   widenArgs
	panel   panelArgs
	round   roundArgs
	product productArgs
	single  singleArgs
}

// scratch returns n bytes at the start of a cache line, with unspecified contents; the next call may return the same.
func (w *workspace) scratch(n int) []byte {
	if n > len(w.mem) || w.mem == nil {
		w.mem = newBlock(max(roundUp(n, align), align))
	}
	return w.mem[:n]
}

// The worker pool. A kernel cuts its work into tasks whose number and borders depend on shapes only, never on the
// number of threads, so that the results are the same bits for any number of threads.
//
// It cannot deadlock: the caller works through the tasks itself and invites only workers that are idle at that moment.
// No goroutine waits for a worker to become free; the caller waits only for tasks that are already running.

// forget clears the pointers in the arguments, which would keep their memory alive.
func (w *workspace) forget() {
	w.tile, w.gemm, w.turn, w.rows = tileArgs{}, gemmArgs{}, transposeArgs{}, rowsArgs{}
	w.widen, w.panel, w.round, w.product, w.single = widenArgs{}, panelArgs{}, roundArgs{}, productArgs{},
		singleArgs{}
}

type job struct {
	run  func(task int, w *workspace)
	n    int64
	next atomic.Int64
	done sync.WaitGroup // one count for each worker that joined

	guarded bool // a panic of a worker is the caller's
	failed  atomic.Pointer[any]
}

func (j *job) work(w *workspace) {
	for {
		i := j.next.Add(1) - 1
		if i >= j.n {
			return
		}
		j.run(int(i), w)
	}
}

// join is a worker's part of a job. A worker that cannot read a mapped file ends its part as the caller would.
func (j *job) join(w *workspace) {
	defer j.done.Done()
	if j.guarded {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if r := recover(); r != nil {
				j.failed.Store(&r)
			}
		}()
	}
	j.work(w)
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
			var own workspace
			for j := range invitations {
				j.join(&own)
				own.forget()
			}
		}()
	}
}

// parallel runs tasks 0 … n-1 on the caller's goroutine and up to threads-1 idle workers, each with a workspace of its
// own, and returns when all are done.
func (x *execution) parallel(n int, run func(task int, w *workspace)) {
	threads := x.backend.threads
	if n <= 1 || threads <= 1 {
		for i := range n {
			run(i, x.own)
		}
		return
	}
	j := &job{run: run, n: int64(n), guarded: x.guarded}
	for range min(threads, n) - 1 {
		j.done.Add(1)
		select {
		case invitations <- j:
		default:
			j.done.Done()
		}
	}
	func() {
		defer j.done.Wait() // after a panic too: the workers still use the memory
		j.work(x.own)
	}()
	if r := j.failed.Load(); r != nil {
		panic(*r)
	}
}

// split cuts n items into tasks of at least grain items each and at most maxTasks tasks.
func split(n, grain, maxTasks int) (tasks int, bounds func(task int) (lo, hi int)) {
	tasks = max(1, min(maxTasks, n/max(grain, 1)))
	return tasks, func(task int) (int, int) { return task * n / tasks, (task + 1) * n / tasks }
}
