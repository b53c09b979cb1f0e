package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/printable"
)

// Time is a line of times.jsonl: a step, or the part of one that one process did.
type Time struct {
	Cell    string    `json:"cell"`
	Step    string    `json:"step"`
	Unit    string    `json:"unit"`
	Items   int       `json:"items"` // of this process
	Total   int       `json:"total"` // with those of earlier ones
	Seconds float64   `json:"seconds"`
	Peak    int       `json:"peak_bytes"` // the process's largest resident memory so far, 0 where the system does not tell
	Ended   time.Time `json:"ended"`
}

// clock tells and records what steps take.
type clock struct {
	file string
	out  io.Writer
	mu   sync.Mutex
}

const tellEvery = 30 * time.Second

// of is the progress of a cell's steps.
func (c *clock) of(cell string) lidr.Progress {
	var step string
	var began, told time.Time
	var first int
	return func(e lidr.Event) {
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		if e.Note != "" {
			fmt.Fprintf(c.out, "%s: %s\n", cell, printable.Line(e.Note))
			return
		}
		if !e.Work() { // the scores of an evaluation
			return
		}
		if e.Step != step {
			step, began, told, first = e.Step, now, now, e.Done
		}
		switch {
		case e.Done >= e.Total:
			seconds := now.Sub(began).Seconds()
			items := e.Total - first
			if e.Rate > 0 { // a training that goes on begins to count from 0, and leaves out what others have done
				items = min(items, int(math.Round(e.Rate*seconds)))
			}
			t := Time{
				Cell: cell, Step: e.Step, Unit: e.Unit, Items: items, Total: e.Total, Seconds: seconds, Peak: peak(),
				Ended: now.UTC().Truncate(time.Second),
			}
			step = ""
			if err := ledger.AppendLine(c.file, t); err != nil {
				fmt.Fprintf(c.out, "%s: %v\n", cell, err)
			}
			fmt.Fprintf(c.out, "%s %s: %d %s in %s, %s at most\n", cell, printable.Line(e.Step), e.Total, e.Unit,
				inWords(t.Seconds), gigabytes(t.Peak))
		case now.Sub(told) >= tellEvery:
			told = now
			fmt.Fprintf(c.out, "%s %s: %d of %d %s, %s left\n", cell, printable.Line(e.Step), e.Done, e.Total, e.Unit,
				inWords(e.Left.Seconds()))
		}
	}
}

// peak is the largest resident memory of this process in bytes, 0 where the system does not tell.
func peak() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(after, "\n")
	kilobytes, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(line), " kB"))
	return kilobytes << 10
}

func gigabytes(n int) string {
	if n == 0 {
		return "an unknown amount of memory"
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

func inWords(seconds float64) string {
	switch {
	case seconds < 90:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 90*60:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}

// times reads what is recorded. A line that a crash has torn is none.
func (c *clock) times() ([]Time, error) {
	text, err := os.ReadFile(c.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var rows []Time
	for line := range strings.Lines(string(text)) {
		var row Time
		if json.Unmarshal([]byte(line), &row) == nil {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// Times returns what the steps of all sittings took, summed by cell and step in the order in which they ended first.
// The part of a step in which a process was killed is in none.
func (t *Trial) Times() ([]Time, error) {
	rows, err := t.clock.times()
	var sums []Time
	at := map[string]int{}
	for _, row := range rows {
		key := row.Cell + "/" + row.Step
		i, known := at[key]
		if !known {
			i = len(sums)
			at[key] = i
			sums = append(sums, Time{Cell: row.Cell, Step: row.Step, Unit: row.Unit, Total: row.Total})
		}
		sums[i].Items += row.Items
		sums[i].Seconds += row.Seconds
		sums[i].Peak, sums[i].Ended = max(sums[i].Peak, row.Peak), row.Ended
	}
	return sums, err
}
