package cell

import (
	"errors"
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
