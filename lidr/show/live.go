package show

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"

	"lidrlab/lidr/printable"
)

// widest is how long a line of progress may be where nothing says how much room there is.
const widest = 160

// Plain returns a display of plain lines, for a log or a pipe: one for every step that ends, at most one in ten seconds
// while it works, and at least one in thirty.
func Plain(w io.Writer) *Display {
	return &Display{
		Least: 10 * time.Second, Every: 30 * time.Second,
		Draw: func(e Event) { fmt.Fprintln(w, e.Line(widest)) },
		Done: func(e Event) {
			if e.Done >= e.Total {
				fmt.Fprintln(w, e.Ending())
			}
		},
		Note: func(text string) { fmt.Fprintln(w, printable.Line(text)) },
	}
}

// Erase moves to the begin of a terminal's line and clears it.
const Erase = "\r\x1b[K"

// Terminal returns a display for a terminal of so many columns: what is done stands above, and one line, drawn over and
// over, is about what is at work. Of several runs only the line stays.
func Terminal(w io.Writer, columns func() int) *Display {
	line := "" // that is drawn
	return &Display{
		Least: 100 * time.Millisecond, Every: time.Second,
		Draw: func(e Event) {
			room := max(20, columns()) - 1 // a character in the last column would begin a new line
			line = e.Line(room)
			if left := room - len([]rune(line)) - 1; left >= 10 {
				line = bar(e, min(left, 30)) + " " + line
			}
			fmt.Fprint(w, Erase+line)
		},
		Done: func(e Event) {
			line = ""
			fmt.Fprint(w, Erase)
			if e.Cells == 0 && e.Done >= e.Total {
				fmt.Fprintln(w, e.Ending())
			}
		},
		Note: func(text string) { fmt.Fprint(w, Erase+printable.Line(text)+"\n"+line) },
	}
}

func bar(e Event, width int) string {
	full := 0
	if e.Total > 0 {
		full = min(width, width*e.Done/e.Total)
	}
	return strings.Repeat("━", full) + strings.Repeat("╌", width-full)
}

// Cell returns a display for a notebook: update is given the HTML of the one element that all steps of a cell share. It
// ends as the notes alone, so that a cell that worked and one that found everything done look the same.
func Cell(update func(html string)) *Display {
	notes, step := "", ""
	var losses, margins []point
	return &Display{
		Least: 200 * time.Millisecond, Every: time.Second,
		Draw: func(e Event) {
			if e.Step != step {
				step, losses, margins = e.Step, nil, nil
			}
			text := fmt.Sprintf(`<progress max="%d" value="%d"></progress> <code>%s</code>`, e.Total, e.Done,
				html.EscapeString(e.Line(widest)))
			if t := e.Training; t != nil {
				if n := len(losses); n == 0 || losses[n-1].step < t.Step {
					losses = append(losses, point{t.Step, t.Loss})
					margins = append(margins, point{t.Step, t.RewardsMargins})
				}
				text += curve("loss", losses, e.Total) + curve("reward margin", margins, e.Total)
			}
			update(notes + text)
		},
		Done: func(Event) { update(notes) },
		Note: func(text string) {
			notes += "<p>" + html.EscapeString(printable.Line(text)) + "</p>"
			update(notes)
		},
	}
}

// point is a value of a training's step.
type point struct {
	step  int
	value float64
}

// curve draws the values of a training of total steps as a small SVG: nothing where fewer than two are known, or all
// are equal, such as the margins of SFT.
func curve(name string, points []point, total int) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		low, high = min(low, p.value), max(high, p.value)
	}
	if len(points) < 2 || !(low < high) {
		return ""
	}
	const width, height, room = 260.0, 60.0, 3.0
	var line strings.Builder
	for _, p := range points {
		fmt.Fprintf(&line, "%.1f,%.1f ", width*float64(p.step)/float64(max(p.step, total)),
			room+(height-2*room)*(high-p.value)/(high-low))
	}
	last := points[len(points)-1].value
	return fmt.Sprintf(`<figure style="display:inline-block;margin:8px 24px 0 0"><svg width="%g" height="%g" role="img" `+
		`aria-label="%s, now %.3f" style="border-bottom:1px solid rgba(128,128,128,.5)"><polyline points="%s" `+
		`fill="none" stroke="#0072B2" stroke-width="1.5"/></svg><figcaption style="font-size:12px">%s, %.3f to %.3f, `+
		`now %.3f</figcaption></figure>`, width, height, name, last, strings.TrimSpace(line.String()), name, low, high, last)
}
