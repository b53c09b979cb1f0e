package cpu

import (
	"runtime/debug"
	"slices"
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
}

// scratch returns n bytes at the start of a cache line, with unspecified contents; the next call may return the same.
func (w *workspace) scratch(n int) []byte {
	if n > len(w.mem) || w.mem == nil {
		w.mem = newBlock(max(roundUp(n, align), align))
	}
	return w.mem[:n]
}

// forget clears the pointers in the arguments, which would keep their memory alive.
func (w *workspace) forget() {
	w.tile, w.gemm, w.turn = tileArgs{}, gemmArgs{}, transposeArgs{}
	w.widen, w.panel, w.round, w.product = widenArgs{}, panelArgs{}, roundArgs{}, productArgs{}
}

// The worker pool. A kernel cuts its work into tasks whose number and borders depend on shapes only, never on the
// number of threads, so that the results are the same bits for any number of threads.
//
// It cannot deadlock: the caller works through the tasks itself and invites only workers that are idle at that moment.
// No goroutine waits for a worker to become free; the caller waits only for tasks that are already running.
//
// Most steps of a decoding graph take microseconds, less than waking a thread. So a worker that has finished looks for
// the next invitation for a while before it sleeps, and a caller for the end of the last tasks. Executions that fill
// the threads by themselves, as lanes of small batches do, invite nobody.

type job struct {
	run     func(task int, w *workspace)
	n       int64
	next    atomic.Int64
	running atomic.Int64   // workers that were invited and have not finished
	done    sync.WaitGroup // the same, to sleep on

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
	defer j.leave()
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

func (j *job) enter() {
	j.running.Add(1)
	j.done.Add(1)
}

func (j *job) leave() {
	j.running.Add(-1)
	j.done.Done()
}

// wait returns when all workers have left.
func (j *job) wait() {
	for i := 0; i < lookouts && j.running.Load() > 0; i++ {
	}
	j.done.Wait()
}

// worker is a goroutine that joins jobs. Its door holds nil while it looks for one, the job that it is invited to, or
// shut while it works or sleeps.
type worker struct {
	door atomic.Pointer[job]
	_    [align - 8]byte // a door a cache line
}

// lookouts is how many times a worker looks for a job before it sleeps, about 50 µs.
const lookouts = 200_000

var (
	shut        = new(job)
	invitations = make(chan *job) // to workers that sleep; unbuffered: a send succeeds only if one is waiting
	startMu     sync.Mutex
	workers     atomic.Pointer[[]*worker] // all that were started
	executions  atomic.Int64              // under way
)

// ensureWorkers starts workers until there are n. They are shared by all backends of the process.
func ensureWorkers(n int) {
	if all := workers.Load(); all != nil && len(*all) >= n {
		return
	}
	startMu.Lock()
	defer startMu.Unlock()
	var all []*worker
	if before := workers.Load(); before != nil {
		all = slices.Clone(*before)
	}
	for len(all) < n {
		w := new(worker)
		all = append(all, w)
		go w.serve()
	}
	workers.Store(&all)
}

func (w *worker) serve() {
	var own workspace
	for {
		j := w.look()
		if j == nil {
			j = <-invitations
		}
		j.join(&own)
		own.forget()
		w.door.Store(nil)
	}
}

// look waits a while for a job at the open door, and shuts it.
func (w *worker) look() *job {
	for range lookouts {
		if j := w.door.Load(); j != nil && w.door.CompareAndSwap(j, shut) {
			return j
		}
	}
	if w.door.CompareAndSwap(nil, shut) {
		return nil
	}
	if j := w.door.Swap(shut); j != nil {
		return j
	}
	return nil
}

// parallel runs tasks 0 … n-1 on the caller's goroutine and up to threads-1 idle workers, each with a workspace of its
// own, and returns when all are done.
func (x *execution) parallel(n int, run func(task int, w *workspace)) {
	threads := x.backend.threads
	if n <= 1 || executions.Load() >= int64(threads) {
		for i := range n {
			run(i, x.own)
		}
		return
	}
	j := &job{run: run, n: int64(n), guarded: x.guarded}
	all := (*workers.Load())[:threads-1]
	for asked, i := 0, 0; asked < min(threads, n)-1 && i < len(all); i++ {
		j.enter()
		if all[i].door.CompareAndSwap(nil, j) {
			asked++
			continue
		}
		select {
		case invitations <- j:
			asked++
		default:
			j.leave()
		}
	}
	func() {
		defer j.wait() // after a panic too: the workers still use the memory
		defer func() { // who has not come yet need not come any more
			for _, w := range all {
				if w.door.CompareAndSwap(j, nil) {
					j.leave()
				}
			}
		}()
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
