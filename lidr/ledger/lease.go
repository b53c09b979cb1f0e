package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"lidrlab/lidr/input"
)

// How often the holder of a lease says that it is there, and after what silence another process takes the lease. A
// holder that finds it has been silent for half as long asks before it writes again.
var (
	leaseBeat   = 5 * time.Second
	leaseExpiry = time.Minute
)

// lease is a lock made of files alone, where those of the file system are not to be trusted: PATH-1, PATH-2 and so on,
// of which the one with the highest number is who holds it, or held it last. Who takes it makes the next number, which
// O_EXCL gives to one process alone, and looks again: a lower number than another's is none. So nobody takes a lease
// twice, however late it comes, and none is removed but by a higher one.
//
// No two clocks are compared. A lease has expired for a process that has watched it, by its own clock, for
// leaseExpiry without a change; and at once where it is of this machine and its process has ended. A machine that was
// suspended finds, when it wakes, that another number is higher, and writes no more; what it was about to write in that
// very moment is not held back.
type lease struct {
	path string

	mu     sync.Mutex
	number int // of the lease that is held, 0 for none
	holder leaseHolder
	beaten time.Time     // when the lease was last renewed
	lost   error         // why it is held no more
	ended  chan struct{} // closed by Unlock

	watched string    // what was last seen of another's
	since   time.Time // unchanged
}

// leaseHolder is the content of a lease.
type leaseHolder struct {
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	System  string `json:"system"`  // the start of the machine and the process table that PID is of; "" for unknown
	Started string `json:"started"` // when the process was started, by that machine
	Beat    int    `json:"beat"`    // is another each time that the lease is renewed
	Free    bool   `json:"free"`    // it was given back
}

func (h leaseHolder) String() string {
	if own, _ := os.Hostname(); h.Host != "" && h.Host != own {
		return fmt.Sprintf("process %d on %q", h.PID, h.Host)
	}
	return fmt.Sprintf("process %d", h.PID)
}

// ended tells for sure that the process of a lease is no more: one of this machine, and of its present start.
func (h leaseHolder) ended() bool {
	return h.System != "" && h.System == thisSystem() && h.PID > 0 && processEnded(h.PID, h.Started)
}

func (l *lease) file(number int) string { return fmt.Sprintf("%s-%d", l.path, number) }

// numbers are those of the leases that are there.
func (l *lease) numbers() (all []int, highest int, err error) {
	entries, err := os.ReadDir(filepath.Dir(l.path))
	for _, entry := range entries {
		if text, ok := strings.CutPrefix(entry.Name(), filepath.Base(l.path)+"-"); ok {
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				all, highest = append(all, n), max(highest, n)
			}
		}
	}
	return all, highest, err
}

// leased tells whether a path has leases: then whoever locks it takes one too, on whatever file system it sees it.
func leased(path string) bool {
	_, highest, err := (&lease{path: path}).numbers()
	return err == nil && highest > 0
}

// read returns a lease; what cannot be read is a holder of whom nothing is known.
func (l *lease) read(number int) (h leaseHolder, text string) {
	data, err := input.ReadFile(l.file(number))
	if err != nil || json.Unmarshal(data, &h) != nil {
		h = leaseHolder{}
	}
	return h, fmt.Sprint(number, " ", string(data))
}

// TryLock takes the lease if it is free, given back, or of a process that has ended. One of another machine has to be
// asked for again and again until it has expired.
func (l *lease) TryLock() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, highest, err := l.numbers()
	if err != nil {
		return false, err
	}
	if highest > 0 {
		h, text := l.read(highest)
		if text != l.watched {
			l.watched, l.since = text, time.Now()
		}
		if !h.Free && !h.ended() && time.Since(l.since) < leaseExpiry {
			return false, nil
		}
	}
	host, _ := os.Hostname() // "" is none
	pid := os.Getpid()
	l.holder = leaseHolder{Host: host, PID: pid, System: thisSystem(), Started: processStart(pid)}
	own := highest + 1
	file, err := os.OpenFile(l.file(own), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return false, nil // another was faster
	} else if err != nil {
		return false, err
	}
	err = l.write(file)
	all, highest, listed := l.numbers()
	if err = errors.Join(err, listed); err != nil || highest != own {
		return false, errors.Join(err, os.Remove(l.file(own)))
	}
	for _, n := range all {
		if n < own {
			_ = os.Remove(l.file(n)) // useless, and no lease
		}
	}
	l.number, l.beaten, l.lost, l.ended = own, time.Now(), nil, make(chan struct{})
	go l.renew(l.ended)
	return true, nil
}

// wait asks for the lease until it is this process's, or until its holder shows that it is there: true, or false.
func (l *lease) wait() (bool, error) {
	for first := l.watched; ; {
		time.Sleep(min(leaseBeat/5, time.Second))
		if got, err := l.TryLock(); got || err != nil || l.watched != first {
			return got, err
		}
	}
}

// heldBy names the process that has the lease.
func (l *lease) heldBy() string {
	if _, highest, err := l.numbers(); err == nil && highest > 0 {
		if h, _ := l.read(highest); h.PID > 0 {
			return h.String()
		}
	}
	return "another process"
}

// write writes the holder into a new file, and closes it.
func (l *lease) write(file *os.File) error {
	data, err := json.Marshal(l.holder)
	if err == nil {
		_, err = file.Write(append(data, '\n'))
	}
	return errors.Join(err, file.Sync(), file.Close())
}

// replace writes the holder in the place of what the lease says.
func (l *lease) replace() error {
	temporary := l.file(l.number) + ".new"
	file, err := os.Create(temporary)
	if err != nil {
		return err
	}
	if err := l.write(file); err != nil {
		return err
	}
	return os.Rename(temporary, l.file(l.number))
}

func (l *lease) renew(ended chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(leaseBeat):
		}
		l.mu.Lock()
		if l.lost == nil && l.number > 0 {
			_ = l.beat() // an error is found again by who writes
		}
		l.mu.Unlock()
	}
}

// beat renews the lease, if it is this process's still.
func (l *lease) beat() error {
	mine := func() error {
		_, highest, err := l.numbers()
		if err == nil && highest > l.number {
			other, _ := l.read(highest)
			l.lost = fmt.Errorf("%s has taken over %s, since this process did not say for %s that it works there; nothing "+
				"more is written. When that process has ended, run the same command again", other, l.path, leaseExpiry)
			err = l.lost
		}
		return err
	}
	if err := mine(); err != nil {
		return err
	}
	l.holder.Beat++
	if err := l.replace(); err != nil {
		return fmt.Errorf("renew the lease %s: %w", l.file(l.number), err)
	}
	l.beaten = time.Now()
	return mine()
}

// Valid is an error for a lease that another process has taken meanwhile. The monotonic clock of a machine that was
// suspended may have stood still, so the wall clock is looked at too.
func (l *lease) Valid() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	silent := max(now.Sub(l.beaten), now.Round(0).Sub(l.beaten.Round(0)))
	if l.lost != nil || silent < leaseExpiry/2 {
		return l.lost
	}
	return l.beat()
}

// Unlock gives the lease back.
func (l *lease) Unlock() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.ended)
	if l.lost != nil {
		return nil // it is another's
	}
	l.holder.Free = true
	err := l.replace()
	l.number = 0
	return err
}
