package cpu

import (
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// workspace holds a goroutine's memory for its tasks: the arguments of kernels, which would be allocated for each call
// since kernels are function values, and scratch memory of the size of the largest task so far.
type workspace struct {
	tile tileArgs
	gemm gemmArgs
	turn transposeArgs
	rows rowsArgs
	amx  amxArgs
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
//
// Most steps of a decoding graph take less time than waking a thread. So a worker that has finished looks out for the
// next invitation before it sleeps, and a caller for the end of the last tasks, both no longer than they have worked,
// and pausing between two looks: another thread may share their core. Only one execution at a time is waited for in
// this way, since several fill the processor by themselves.

// forget clears the pointers in the arguments, which would keep their memory alive.
func (w *workspace) forget() {
	w.tile, w.gemm, w.turn, w.rows, w.amx = tileArgs{}, gemmArgs{}, transposeArgs{}, rowsArgs{}, amxArgs{}
	w.widen, w.panel, w.round, w.product, w.single = widenArgs{}, panelArgs{}, roundArgs{}, productArgs{},
		singleArgs{}
}

type job struct {
	run  func(task int, w *workspace)
	n    int64
	next atomic.Int64

	running atomic.Int64   // workers that were invited and have not left
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

// mostLooking is how long anybody looks out for another thread before sleeping: about as long as waking one takes.
const mostLooking = 50 * time.Microsecond

// lookOut returns when found is true, or after as long as the work since began has taken.
func lookOut(began time.Time, found func() bool) {
	const looks = 16 // between two looks at the clock
	now := time.Now()
	until := now.Add(min(now.Sub(began), mostLooking))
	for executions.Load() == 1 && now.Before(until) {
		for range looks {
			if found() {
				return
			}
			pause()
		}
		now = time.Now()
	}
}

// worker is a goroutine that joins jobs. Its door holds nil while it looks for one, the job that it is invited to, or
// shut while it works or sleeps.
type worker struct {
	door atomic.Pointer[job]
	_    [align - 8]byte // a door a cache line
}

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
		w.door.Store(shut)
		all = append(all, w)
		go w.serve()
	}
	workers.Store(&all)
}

func (w *worker) serve() {
	var own workspace
	for j := range invitations {
		for j != nil {
			began := time.Now()
			j.join(&own)
			own.forget()
			w.door.Store(nil)
			lookOut(began, func() bool { return w.door.Load() != nil })
			j = w.door.Swap(shut)
		}
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
	began := time.Now()
	func() {
		defer func() { // after a panic too: the workers still use the memory
			for _, w := range all { // who has not come yet need not come any more
				if w.door.CompareAndSwap(j, nil) {
					j.leave()
				}
			}
			lookOut(began, func() bool { return j.running.Load() == 0 })
			j.done.Wait()
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
