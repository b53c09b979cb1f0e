package show

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"lidrlab/lidr/printable"
)

// part is a piece of a line of progress; where there is no room for all, those of the lowest rank stay.
type part struct {
	text string
	rank int
}

// Line returns where a step stands on one line of at most width characters: what it is, how far, how long still. What
// has no room is left out, the least important first, and what an item is where its room lets a time be told.
func (e Event) Line(width int) string {
	line := e.line(e.count(), width)
	bare := e.line(strings.TrimSuffix(e.count(), " "+e.Unit), width)
	if strings.Count(bare, between) > strings.Count(line, between) {
		return bare
	}
	return line
}

func (e Event) line(count string, width int) string {
	parts := []part{{e.place(), 2}, {printable.Line(e.Step), 0}, {count, 1}}
	if e.Training != nil {
		parts = append(parts, part{fmt.Sprintf("loss %.3f", e.Training.Loss), 5})
		if e.Training.RewardsMargins != 0 {
			parts = append(parts, part{fmt.Sprintf("margin %.3f", e.Training.RewardsMargins), 6})
		}
	}
	switch {
	case e.Left > 0:
		parts = append(parts, part{Span(e.Left) + " left", 4})
	case e.Elapsed >= time.Second:
		parts = append(parts, part{Span(e.Elapsed) + " so far", 4})
	}
	if e.Whole > e.Left {
		about := "~"
		if e.AtLeast {
			about = ">"
		}
		parts = append(parts, part{about + Span(e.Whole) + " in all", 3})
	}
	if e.Rate > 0 && e.Unit != "bytes" {
		parts = append(parts, part{rate(e.Rate), 7})
	}
	return fit(parts, width)
}

// Ending says that a step is done, and in what time, on one line.
func (e Event) Ending() string {
	text := printable.Line(e.Step) + ": "
	if place := e.place(); place != "" {
		text = place + ", " + text
	}
	if e.Unit == "bytes" {
		text += humanize.Bytes(uint64(e.Total))
	} else {
		text += fmt.Sprintf("%d %s", e.Total, e.Unit)
	}
	if e.Elapsed >= time.Second {
		text += " in " + Span(e.Elapsed)
	}
	return text
}

// place is "cell 2/9, step 3/12".
func (e Event) place() string {
	var all []string
	if e.Cells > 0 {
		all = append(all, fmt.Sprintf("cell %d/%d", e.Cell, e.Cells))
	}
	if e.Parts > 0 {
		all = append(all, fmt.Sprintf("step %d/%d", e.Part, e.Parts))
	}
	return strings.Join(all, ", ")
}

func (e Event) count() string {
	if e.Unit == "bytes" {
		return fmt.Sprintf("%s of %s", humanize.Bytes(uint64(max(0, e.Done))), humanize.Bytes(uint64(max(0, e.Total))))
	}
	return fmt.Sprintf("%d/%d %s", e.Done, e.Total, e.Unit)
}

// between is what parts stand on both sides of.
const between = " · "

// fit joins the parts that there is room for, those of the lowest rank first.
func fit(parts []part, width int) string {
	kept, room := make([]bool, len(parts)), width+utf8.RuneCountInString(between)
	for rank := range 9 {
		for i, p := range parts {
			if size := utf8.RuneCountInString(between + p.text); p.rank == rank && p.text != "" && (size <= room || rank == 0) {
				kept[i] = true
				room -= size
			}
		}
	}
	var texts []string
	for i, p := range parts {
		if kept[i] {
			texts = append(texts, p.text)
		}
	}
	return beginning(strings.Join(texts, between), max(1, width))
}

// Span is a duration for people, with two digits of what matters: 42s, 4m10s, 2h05m, 3d4h.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch s := int(d.Round(time.Second).Seconds()); {
	case d >= 2*day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case s >= 3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	case s >= 600:
		return fmt.Sprintf("%dm", s/60)
	case s >= 60:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	default:
		return fmt.Sprintf("%ds", s)
	}
}

// rate is a number of items in a time that makes it easy to read.
func rate(perSecond float64) string {
	switch {
	case perSecond >= 9.95:
		return humanize.Comma(int64(perSecond+0.5)) + " a second"
	case perSecond >= 0.95:
		return fmt.Sprintf("%.1f a second", perSecond)
	case perSecond >= 0.95/60:
		return fmt.Sprintf("%.3g a minute", 60*perSecond)
	}
	return fmt.Sprintf("%.2g an hour", 3600*perSecond)
}
