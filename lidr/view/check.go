package view

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lidrlab/lidr"
)

// patience is how long a page waits for what is still computed, before it says how far that is.
const patience = 1500 * time.Millisecond

// sides is what is known of the texts of a line: of an answer the first alone, of a pair those of both sides.
type sides struct {
	verdict [2]lidr.Verdict
	checked bool // what is right is known
	told    bool // the languages are known
}

// checker says what is right by the run's own task.
type checker struct {
	run  *lidr.Run
	gold map[string]string // answers of the prompts, by id and language
}

func (f *folder) checker(model string) (checker, error) {
	run, err := f.run()
	if err != nil {
		return checker{}, err
	}
	prompts, err := f.index(kinds["prompts"], model)
	if err != nil {
		return checker{}, err
	}
	key := "gold " + prompts.version
	if known, ok := f.lists.get(key); ok {
		return checker{run, known.(map[string]string)}, nil
	}
	recs, err := f.lines(prompts, prompts.all())
	if err != nil {
		return checker{}, err
	}
	gold := make(map[string]string, len(recs))
	for _, rec := range recs {
		gold[rec.ID+"\x00"+rec.Lang] = rec.Answer
	}
	f.lists.put(key, gold)
	return checker{run, gold}, nil
}

// check reads the texts of an answer or of a pair.
func (c checker) check(rec record) sides {
	prompt := lidr.Prompt{ID: rec.ID, Lang: rec.Lang, Prompt: rec.Prompt, Answer: c.gold[rec.ID+"\x00"+rec.Lang]}
	out := sides{checked: true, told: true}
	texts := []string{rec.Response}
	if rec.Chosen != "" || rec.Rejected != "" {
		texts = []string{rec.Chosen, rec.Rejected}
	}
	for i, text := range texts {
		v, checked := c.run.Check(prompt, text)
		out.verdict[i] = v
		out.checked = out.checked && checked
		out.told = out.told && (checked || v != lidr.Verdict{})
	}
	return out
}

func (s sides) flags() flags {
	var all flags
	for k, bits := range [][2]flags{{right, onTarget}, {rightToo, onTargetToo}} {
		if s.checked && s.verdict[k].Correct {
			all |= bits[0]
		}
		if s.told && s.verdict[k].OnTarget {
			all |= bits[1]
		}
	}
	if s.checked {
		all |= checked
	}
	if s.told {
		all |= told
	}
	return all
}

// checkAll finds out for every line whether it is right and in its language, once for an index. It returns when that is
// done or patience is over; done says how many lines are known.
func (f *folder) checkAll(x *index, model string) (done int, err error) {
	c, err := f.checker(model)
	if err != nil {
		return 0, err
	}
	x.checking.Do(func() {
		x.marks = make([]atomic.Uint32, len(x.rows))
		x.started.Store(true)
		go f.check(x, c)
	})
	select {
	case <-x.progress:
	case <-time.After(patience):
	}
	return int(x.done.Load()), nil
}

// check marks all lines of an index, in blocks.
func (f *folder) check(x *index, c checker) {
	defer close(x.progress)
	const step = 512
	all := x.all()
	var group sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for from := 0; from < len(x.rows); from += step {
		free <- struct{}{}
		group.Add(1)
		go func() {
			defer func() { <-free; group.Done() }()
			rows := all[from:min(from+step, len(x.rows))]
			recs, err := f.lines(x, rows)
			if err != nil {
				return // they stay unknown, as the page says
			}
			for i, rec := range recs {
				x.marks[from+i].Store(uint32(c.check(rec).flags()))
			}
			x.done.Add(int64(len(rows)))
		}()
	}
	group.Wait()
}

// all are the numbers of all lines.
func (x *index) all() []int32 {
	rows := make([]int32, len(x.rows))
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// marked are the flags of a line, those of check too as far as they are known.
func (x *index) marked(i int32) flags {
	all := x.rows[i].flags
	if x.started.Load() {
		all |= flags(x.marks[i].Load())
	}
	return all
}
