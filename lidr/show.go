package lidr

import (
	"fmt"
	"html"
	"os"
	"sync"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"lidrlab/lidr/printable"
	"lidrlab/lidr/show"
)

// Show draws x where the program runs. In a notebook cell, frames and slices of structs become tables (a long one its
// first and last rows), frames of pairs stand side by side, figures of package plots and gonum plots are drawn as SVG,
// anything else is shown as JSON. Elsewhere the same is written to standard output as text, a figure as its title.
func Show(x any) error {
	png, isFigure, err := show.PNG(x)
	if err != nil {
		return err
	}
	switch {
	case isFigure && gonbui.IsNotebook:
		gonbui.SendData(&protocol.DisplayData{Data: map[protocol.MIMEType]any{
			protocol.MIMEImagePNG: png, protocol.MIMETextPlain: fmt.Sprint(x),
		}})
	case gonbui.IsNotebook:
		page, err := show.HTML(x)
		if err != nil {
			return err
		}
		gonbui.DisplayHTML(page)
	default:
		text, err := show.Text(x)
		if err != nil {
			return err
		}
		_, err = fmt.Print(text)
		return err
	}
	gonbui.Sync() // so that displays and printed lines come out in their order
	return gonbui.Error()
}

// ShowProgress returns a Progress that draws where the program runs: one live line in a notebook cell, which is gone
// when the step is done, a bar a step on a terminal, and plain lines, at most one in ten seconds, elsewhere.
func ShowProgress() Progress {
	switch {
	case gonbui.IsNotebook:
		return liveLine()
	case term.IsTerminal(int(os.Stderr.Fd())):
		return progressBars()
	}
	var last time.Time
	return func(e Event) {
		if e.Note == "" && e.Done < e.Total && time.Since(last) < 10*time.Second {
			return
		}
		last = time.Now()
		fmt.Fprintln(os.Stderr, printable.Line(progressLine(e)))
	}
}

func progressLine(e Event) string {
	if e.Note != "" {
		return e.Note
	}
	text := fmt.Sprintf("%-26s %d/%d %s", e.Step, e.Done, e.Total, e.Unit)
	if e.Rate > 0 {
		text += fmt.Sprintf(", %.1f a second", e.Rate)
	}
	if e.Rate > 0 && e.Done < e.Total {
		text += fmt.Sprintf(", %s left", e.Left.Round(time.Second))
	}
	return text
}

// live is the one element of a cell's output that all its steps update: their notes, and below them a line of progress.
// Its last state is saved with the notebook, so it ends with the notes alone: a cell that worked and one that found
// everything in the run folder then look the same, and a cell that noted something has no more outputs than others.
type live struct {
	id    string
	mu    sync.Mutex
	notes string
}

var liveElement = sync.OnceValue(func() *live {
	l := &live{id: gonbui.UniqueId()}
	gonbui.UpdateHTML(l.id, "")
	return l
})

// liveLine updates that element.
func liveLine() Progress {
	l := liveElement()
	var last time.Time
	return func(e Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		line := ""
		switch {
		case e.Note != "":
			l.notes += "<p>" + html.EscapeString(printable.Line(e.Note)) + "</p>"
		case e.Done >= e.Total:
		case time.Since(last) >= 200*time.Millisecond:
			last = time.Now()
			line = fmt.Sprintf(`<progress max="%d" value="%d"></progress> <code>%s</code>`, e.Total, e.Done,
				html.EscapeString(progressLine(e)))
		default:
			return
		}
		gonbui.UpdateHTML(l.id, l.notes+line)
	}
}

func progressBars() Progress {
	var bar *progressbar.ProgressBar
	step := ""
	return func(e Event) {
		if e.Note != "" {
			fmt.Fprintln(os.Stderr, printable.Line(e.Note))
			return
		}
		if e.Step != step {
			step = e.Step
			bar = progressbar.NewOptions(e.Total,
				progressbar.OptionSetDescription(fmt.Sprintf("%-26s", printable.Line(step))),
				progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetWidth(28),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(e.Unit),
				progressbar.OptionSetPredictTime(true), progressbar.OptionOnCompletion(func() { fmt.Fprintln(os.Stderr) }))
		}
		// The bar only draws: an error of the terminal is no reason to stop the work.
		_ = bar.Set(e.Done)
	}
}
