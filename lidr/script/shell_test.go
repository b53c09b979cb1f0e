package script

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
		{"x := 1", false, nil},
		{"x++; x += 2", false, nil},
		{"x", false, 4},
		{`x := "again"`, false, nil},
		{"x", false, "again"},
		{"type point struct{ a, B int }", false, nil},
		{"func (p point) Sum() int { return p.a + p.B }", false, nil},
		{"p := &point{1, 2}", false, nil},
		{"p.a += 10", false, nil},
		{"p.Sum()", false, 13},
		{"func both() (int, error) { return p.Sum(), nil }", false, nil},
		{"both()", false, 13},
		{"for i := 0; i < 3; i++ { p.B++ }", false, nil},
		{"[]any{p.B, 7 / 2, settings.Train.Beta > 0}[1]", false, 3},
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
	for _, step := range [][2]string{
		{"undefinedName", "undefined: undefinedName"},
		{"p.Summ()", "did you mean Sum?"},
		{"var list []int", ""},
		{"list[3]", "panic: runtime error: index out of range [3] with length 0"},
		{`panic("on purpose")`, "panic: on purpose"},
		{"p.C = 1", "p.C undefined"},
	} {
		line := step[0]
		want := step[1]
		if _, _, err := shell.Eval(context.Background(), line); fmt.Sprint(err) != "<nil>" && want == "" ||
			want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, expected %q", line, err, want)
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
