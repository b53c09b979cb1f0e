package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"lidrlab/lidr"
)

// showProgress draws a bar a step on a terminal and writes plain lines, at most one in ten seconds, elsewhere.
func showProgress() lidr.Progress {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return bars()
	}
	var last time.Time
	return func(e lidr.Event) {
		if finished := e.Done >= e.Total; !finished && time.Since(last) < 10*time.Second {
			return
		}
		last = time.Now()
		fmt.Fprintln(os.Stderr, line(e))
	}
}

func line(e lidr.Event) string {
	text := fmt.Sprintf("%-26s %d/%d %s", e.Step, e.Done, e.Total, e.Unit)
	if e.Rate > 0 {
		text += fmt.Sprintf(", %.1f a second", e.Rate)
	}
	if e.Rate > 0 && e.Done < e.Total {
		text += fmt.Sprintf(", %s left", e.Left.Round(time.Second))
	}
	return text
}

func bars() lidr.Progress {
	var bar *progressbar.ProgressBar
	step := ""
	return func(e lidr.Event) {
		if e.Step != step {
			step = e.Step
			bar = progressbar.NewOptions(e.Total,
				progressbar.OptionSetDescription(fmt.Sprintf("%-26s", step)),
				progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetWidth(28),
				progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(e.Unit),
				progressbar.OptionSetPredictTime(true), progressbar.OptionOnCompletion(func() { fmt.Fprintln(os.Stderr) }))
		}
		// The bar only draws: an error of the terminal is no reason to stop the work.
		_ = bar.Set(e.Done)
	}
}
