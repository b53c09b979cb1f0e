package cell

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// endings are cells that end at an error, by the error's text.
var endings = map[string]func(){
	"no such prompts": func() { Check(errors.New("no such prompts")) },
	"no such model":   func() { Must("M9", errors.New("no such model")) },
	"no such pairs":   func() { Must2(1, 2, errors.New("no such pairs")) },
	`the frame has no column "lnag", it has model, metric, lang, scope`: func() {
		Where(datasets.Frame([]eval.Score{{Lang: "de"}}), "lnag", "de")
	},
	"expected a text for each column":      func() { Where(datasets.Frame([]eval.Score{{}}), "lang") },
	`no score has the metric "acuracy"`:    func() { Bars("acuracy", datasets.Frame([]eval.Score{{}})) },
	"settings: field rounds is -1, expect": func() { Begin("unused", lidr.Settings{Rounds: -1}).Prompts() },
}

// A cell that is interrupted ends with one line that says how to go on, in a step or beside one.
func TestCellsEndAtInterrupts(t *testing.T) {
	switch os.Getenv("CELL_TEST_INTERRUPTED") {
	case "step":
		fmt.Println("begun")
		<-Context.Done()
		Check(fmt.Errorf("M0 generate: %w", Context.Err()))
	case "beside":
		fmt.Println("begun")
		select {}
	case "":
		for _, where := range []string{"step", "beside"} {
			child := exec.Command(os.Args[0], "-test.run", "^TestCellsEndAtInterrupts$")
			child.Env = append(os.Environ(), "CELL_TEST_INTERRUPTED="+where)
			var stderr strings.Builder
			child.Stderr = &stderr
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			if err := child.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			want := "interrupted; the cell continues where it stopped when it runs again\n"
			var exit *exec.ExitError
			if err := child.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 || stderr.String() != want {
				t.Errorf("%s: %v, standard error %q", where, err, stderr.String())
			}
		}
	}
}

// A cell ends at an error: its text is on standard error, and nothing of the cell runs after it.
func TestCellsEndAtErrors(t *testing.T) {
	if name := os.Getenv("CELL_TEST_ENDING"); name != "" {
		endings[name]()
		t.Fatal("the cell went on")
	}
	for name := range endings {
		child := exec.Command(os.Args[0], "-test.run", "^TestCellsEndAtErrors$")
		child.Env = append(os.Environ(), "CELL_TEST_ENDING="+name)
		var stderr strings.Builder
		child.Stderr = &stderr
		var exit *exec.ExitError
		if err := child.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), name) {
			t.Errorf("%q: %v, standard error %q", name, err, stderr.String())
		}
	}
}
