package show

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
)

// busy is a training's event with everything that a line can tell.
func busy(done int) Event {
	return Event{
		Step: "beta=0.1,alpha=5: M1 train", Done: done, Total: 1200, Unit: "steps", Elapsed: 90 * time.Second, Rate: 0.31,
		Left: 65 * time.Minute, Part: 11, Parts: 14, Cell: 12, Cells: 27, Whole: 29 * time.Hour,
		Training: &dpo.Step{Step: done, Loss: 0.4321 - float64(done)/1e4, RewardsMargins: 0.0123 * float64(done)},
	}
}

// Two hundred answers that come all at once after five minutes are no five silent minutes in a log, and a step that has
// failed says nothing after that.
func TestPlainLinesAreNeverSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		d := Plain(&log)
		e := Event{Step: "M0 generate", Total: 200, Unit: "answers"}
		d.Report(e)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		for at := 30 * time.Second; at < 5*time.Minute; at += 30 * time.Second {
			if want := "M0 generate · 0/200 answers · " + Span(at) + " so far\n"; !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q", want)
			}
		}
		e.Elapsed, e.Ended = 5*time.Minute, true
		d.Report(e)
		whole := log.String()
		time.Sleep(time.Hour)
		synctest.Wait()
		if log.String() != whole || !strings.HasSuffix(whole, " so far\n") {
			t.Errorf("the log of a failed step ends %q", log.String()[max(0, log.Len()-200):])
		}
	})
}

// The steps of a sweep work side by side: the end of one does not silence the others.
func TestOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		d := Plain(&log)
		d.Report(Event{Step: "a: M0 train", Total: 9, Unit: "steps"})
		d.Report(Event{Step: "b: M0 train", Total: 9, Unit: "steps"})
		d.Report(Event{Step: "b: M0 train", Done: 9, Total: 9, Unit: "steps", Ended: true})
		time.Sleep(time.Minute)
		synctest.Wait()
		if !strings.Contains(log.String(), "a: M0 train · 0/9 steps · 1m00s so far") {
			t.Errorf("the log is\n%s", log.String())
		}
		d.Report(Event{Step: "a: M0 train", Total: 9, Ended: true})
	})
}

// A line fits its terminal, and loses first what matters least.
func TestLineFits(t *testing.T) {
	e := busy(372)
	for width := 20; width < 200; width++ {
		if line := e.Line(width); utf8.RuneCountInString(line) > width {
			t.Errorf("at %d columns: %q", width, line)
		}
	}
	for width, want := range map[int]string{
		200: "cell 12/27, step 11/14 · beta=0.1,alpha=5: M1 train · 372/1200 steps · loss 0.395 · margin 4.576 · " +
			"1h05m left · ~29h00m in all · 18.6 a minute",
		60: "beta=0.1,alpha=5: M1 train · 372/1200 steps · ~29h00m in all",
		80: "cell 12/27, step 11/14 · beta=0.1,alpha=5: M1 train · 372/1200 · ~29h00m in all",
		30: "beta=0.1,alpha=5: M1 train",
	} {
		if got := e.Line(width); got != want {
			t.Errorf("at %d columns:\n%s\nexpected\n%s", width, got, want)
		}
	}
	e = Event{Step: "M0 evaluate translation", Done: 448, Total: 720, Unit: "answers", Left: 40 * time.Second, Part: 2,
		Parts: 14}
	if got, want := e.Line(59), "step 2/14 · M0 evaluate translation · 448/720 · 40s left"; got != want {
		t.Errorf("where a time has room without the unit: %q, expected %q", got, want)
	}
	e = busy(372)
	e.Step, e.Cells = "M1 train", 0
	if got, want := e.Line(60), "step 11/14 · M1 train · 372/1200 steps · ~29h00m in all"; !strings.HasPrefix(got, want) {
		t.Errorf("at 60 columns: %q, expected %q and more", got, want)
	}
}

// A terminal of 60 columns shows one line, drawn over; the last drawing of a step leaves no rest.
func TestTerminalHasOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen strings.Builder
		d := Terminal(&screen, func() int { return 60 })
		for done := 1; done < 1200; done += 100 {
			d.Report(busy(done))
			time.Sleep(2 * time.Second)
		}
		d.Report(Event{Note: "look at this\nand that"})
		if drawn := screen.String(); strings.Count(drawn, "\n") != 1 {
			t.Errorf("%d lines end before the step does", strings.Count(drawn, "\n"))
		}
		for line := range strings.SplitSeq(screen.String(), Erase) {
			line = line[strings.LastIndex(line, "\n")+1:]
			if utf8.RuneCountInString(line) > 59 {
				t.Errorf("a line of %d characters: %q", utf8.RuneCountInString(line), line)
			}
		}
		d.Report(Event{Step: busy(1).Step, Done: 1200, Total: 1200, Ended: true, Cells: 27})
		if !strings.HasSuffix(screen.String(), Erase) {
			t.Error("the line of a cell that is done stays")
		}
	})
}

// A number that nobody can read is none, and a time has the digits that matter.
func TestRatesAndSpans(t *testing.T) {
	for perSecond, want := range map[float64]string{
		123456.7: "123,457 a second", 12.34: "12 a second", 9.96: "10 a second", 3.21: "3.2 a second", 0.5: "30 a minute",
		0.02: "1.2 a minute", 0.001: "3.6 an hour",
	} {
		if got := rate(perSecond); got != want {
			t.Errorf("%g: %q, expected %q", perSecond, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0s", 59600 * time.Millisecond: "1m00s", 250 * time.Second: "4m10s", 20 * time.Minute: "20m",
		125 * time.Minute: "2h05m", 76 * time.Hour: "3d4h",
	} {
		if got := Span(d); got != want {
			t.Errorf("%s: %q, expected %q", d, got, want)
		}
	}
}

// A cell shows a training's curves while it works, and ends as its notes alone, whether it worked or not.
func TestCellShowsCurvesAndEndsAsNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown, worked := "", false
		d := Cell(func(html string) { shown = html })
		d.Report(Event{Note: "a <note>"})
		notes := shown
		for done := 1; done < 6; done++ {
			d.Report(busy(done))
			time.Sleep(300 * time.Millisecond)
			worked = worked || strings.Contains(shown, "loss, 0.432 to 0.432, now 0.432") &&
				strings.Count(shown, "<polyline") == 2
		}
		if !worked {
			t.Errorf("no curves in %s", shown)
		}
		e := busy(1200)
		e.Done, e.Ended = 1200, true
		d.Report(e)
		d.Report(Event{Scores: []eval.Score{{Model: "M1"}}})
		if shown != notes || notes != "<p>a &lt;note&gt;</p>" {
			t.Errorf("it ends as %q, expected %q", shown, notes)
		}
	})
}

func ExampleEvent_Line() {
	e := Event{
		Step: "M0 translate", Done: 412, Total: 800, Unit: "answers", Elapsed: time.Minute, Rate: 6.9, Left: 56 * time.Second,
		Part: 3, Parts: 12, Whole: 4 * time.Minute, AtLeast: true,
	}
	fmt.Println(e.Line(100))
	fmt.Println(e.Line(60))
	e.Done = 800
	fmt.Println(e.Ending())
	// Output:
	// step 3/12 · M0 translate · 412/800 answers · 56s left · >4m00s in all · 6.9 a second
	// step 3/12 · M0 translate · 412/800 answers · >4m00s in all
	// step 3/12, M0 translate: 800 answers in 1m00s
}
