package lidr

import (
	"fmt"
	"os"
	"sync"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"golang.org/x/term"

	"lidrlab/lidr/show"
)

// Show draws x where the program runs. In a notebook cell, frames and slices of structs become tables that a click
// pages and sorts, frames of pairs stand side by side, figures of package plots and gonum plots are drawn as SVG (with
// a PNG for programs that show none), anything else is shown as JSON. Elsewhere the same is written to standard output
// as text, a figure as its title.
func Show(x any) error {
	svg, isFigure, err := show.SVG(x)
	if err != nil {
		return err
	}
	switch {
	case isFigure && gonbui.IsNotebook:
		png, err := show.PNG(x)
		if err != nil {
			return err
		}
		text := "figure"
		if f, named := x.(fmt.Stringer); named {
			text = f.String()
		}
		gonbui.SendData(&protocol.DisplayData{Data: map[protocol.MIMEType]any{
			protocol.MIMEImageSVG: string(svg), protocol.MIMEImagePNG: png, protocol.MIMETextPlain: text,
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

// ShowProgress returns a Progress that draws where the program runs. In a notebook cell it is one live line, with the
// curves of a training, which is gone when the step is done. On a terminal it is one line too, below what is done.
// Elsewhere, as in a log, there are plain lines, at least one in thirty seconds while a step works.
func ShowProgress() Progress {
	switch fd := int(os.Stderr.Fd()); {
	case gonbui.IsNotebook:
		return liveElement()
	case term.IsTerminal(fd):
		return show.Terminal(os.Stderr, func() int {
			columns, _, err := term.GetSize(fd)
			if err != nil {
				return 80
			}
			return columns
		}).Report
	}
	return show.Plain(os.Stderr).Report
}

// liveElement updates the one element of a cell's output that all its steps share. Its last state is saved with the
// notebook.
var liveElement = sync.OnceValue(func() Progress {
	id := gonbui.UniqueId()
	gonbui.UpdateHTML(id, "")
	return show.Cell(func(html string) { gonbui.UpdateHTML(id, html) }).Report
})
