package cpu

import (
	"sync/atomic"
	"testing"
	"time"
)

// Every task runs once, whether workers look for jobs, sleep, or come too late, and whoever else computes.
func TestParallelRunsEveryTaskOnce(t *testing.T) {
	b, err := New("threads=4")
	if err != nil {
		t.Fatal(err)
	}
	ensureWorkers(b.threads - 1)
	executions.Add(1) // as if one were under way, or nobody looks
	defer executions.Add(-1)
	finished := make(chan bool)
	const callers = 3
	for range callers {
		go func() {
			defer func() { finished <- true }()
			x := &execution{backend: b, own: new(workspace)}
			for job := range 3000 {
				n := 1 + job%9
				var runs [9]atomic.Int32
				x.parallel(n, func(task int, w *workspace) {
					w.scratch(64)[0]++
					runs[task].Add(1)
				})
				for task := range runs {
					if got := runs[task].Load(); (got == 1) != (task < n) || got > 1 {
						t.Errorf("job %d of %d tasks ran task %d %d times", job, n, task, got)
						return
					}
				}
			}
		}()
	}
	for range callers {
		<-finished
	}
}

// A worker's panic is the caller's, after the other tasks have ended; the pool works on.
func TestParallelHandsOverPanics(t *testing.T) {
	b, err := New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	ensureWorkers(1)
	x := &execution{backend: b, own: new(workspace), guarded: true}
	both := make(chan bool) // two goroutines are in the job
	attempt := func() (caught any) {
		defer func() { caught = recover() }()
		x.parallel(2, func(task int, w *workspace) {
			select {
			case both <- true:
			case <-both:
			case <-time.After(10 * time.Millisecond): // the worker was not idle yet
				return
			}
			if w != x.own {
				panic("a worker's")
			}
		})
		return nil
	}
	caught := 0
	for range 100 {
		if r := attempt(); r == "a worker's" {
			caught++
		} else if r != nil {
			t.Fatalf("caught %v", r)
		}
		if caught == 3 {
			return
		}
	}
	t.Fatalf("caught %d panics of the worker, want 3", caught)
}

// BenchmarkParallel hands a job of two tiny tasks to both threads.
func BenchmarkParallel(b *testing.B) {
	backend, err := New("threads=2")
	if err != nil {
		b.Fatal(err)
	}
	ensureWorkers(1)
	executions.Add(1)
	defer executions.Add(-1)
	x := &execution{backend: backend, own: new(workspace)}
	for b.Loop() {
		x.parallel(2, func(int, *workspace) {})
	}
}
