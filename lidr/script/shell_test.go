package script

import (
	"context"
	"slices"
	"testing"
)

func TestShell(t *testing.T) {
	shell, err := NewShell()
	if err != nil {
		t.Fatal(err)
	}
	// What is open waits for the next line, and a statement has no value.
	for _, step := range []struct {
		line string
		more bool
		want any
	}{
		{"settings := lidr.MiniatureSettings()", false, nil},
		{"text := `(", true, nil},
		{"`", false, nil},
		{"len(", true, nil},
		{"text,", true, nil},
		{")", false, 2},
		{"settings.Train.Alpha /* of the", true, nil},
		{"NLL */", false, 5.0},
		{`fmt.Sprint("a")`, false, "a"},
	} {
		value, more, err := shell.Eval(context.Background(), step.line)
		var got any
		if value.IsValid() {
			got = value.Interface()
		}
		if err != nil || more != step.more || got != step.want {
			t.Errorf("%s: %v, more %t, %v; expected %v, more %t", step.line, got, more, err, step.want, step.more)
		}
	}
	for line, want := range map[string]string{
		"x := plots.GroupedB":       "GroupedBars",
		"judge.Comp":                "Compare",
		"pl":                        "plots",
		"fmt.Println(settings.Pro":  "Prompts",
		"s":                         "settings",
		"for _, row := range paper": "paper",
		"dataframe.LoadSt":          "LoadStructs",
	} {
		completions, length := shell.Complete(line)
		if !slices.Contains(completions, want) || want[:length] != line[len(line)-length:] {
			t.Errorf("%q: %q of length %d, expected %s", line, completions, length, want)
		}
	}
	if completions, _ := shell.Complete("paper._"); len(completions) > 0 {
		t.Errorf("completes to %q, the interpreter's own names", completions)
	}
}
