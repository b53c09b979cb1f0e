package show

import (
	"testing"
	"time"
)

// Of a sweep, the time of all is told once one of its runs has worked to its end, by the runs that had to work.
func TestCellsTellTheWhole(t *testing.T) {
	var last Event
	c := NewCells(4, 0)
	outer := func(e Event) { last = e }
	first, over := c.Cell(1, "a", outer)
	first(Event{Step: "M0 train", Total: 9, Left: time.Minute, Whole: 2 * time.Minute})
	if last.Step != "a: M0 train" || last.Cell != 1 || last.Cells != 4 || last.Whole != 2*time.Minute || !last.AtLeast {
		t.Errorf("in the first: %+v", last)
	}
	c.began = c.began.Add(-time.Hour) // that the first took
	over()
	_, over = c.Cell(2, "b", outer)
	over() // its files were there
	third, _ := c.Cell(3, "c", outer)
	third(Event{Step: "M0 train", Total: 9})
	if last.AtLeast || last.Whole < 119*time.Minute || last.Whole > 121*time.Minute {
		t.Errorf("in the third: %+v", last)
	}
	third(Event{Note: "n"})
	if last.Cells != 0 || last.Note != "n" {
		t.Errorf("a note is %+v", last)
	}
}
