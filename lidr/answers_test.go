package lidr

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
)

func TestResponsesAndReferences(t *testing.T) {
	s := Miniature()
	s.Prompts.N, s.Trained = 3, []string{"de"}
	run, m0 := openTest(t, s)
	if _, err := Responses(run, "M0"); err == nil || !strings.Contains(err.Error(), "call Generate first") {
		t.Errorf("before Generate: error %v", err)
	}
	ctx := context.Background()
	prompts, err := Prompts(ctx, run, 0)
	if err != nil {
		t.Fatal(err)
	}
	responses, err := Generate(ctx, run, m0, prompts)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Responses(run, "M0")
	if err != nil || read.String() != responses.String() {
		t.Errorf("read back with error %v\n%v, want\n%v", err, read, responses)
	}

	folder := t.TempDir()
	for _, lang := range s.Languages() {
		var outputs []datasets.ModelOutput
		for i := prompts.Nrow() - 1; i >= 0; i-- {
			if prompts.Col("lang").Elem(i).String() == lang {
				text := prompts.Col("prompt").Elem(i).String()
				outputs = append(outputs, datasets.ModelOutput{Instruction: text, Output: "to " + text, Generator: "other"})
			}
		}
		if err := os.MkdirAll(filepath.Join(folder, lang), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := datasets.SaveModelOutputs(filepath.Join(folder, lang, "other.json"), outputs); err != nil {
			t.Fatal(err)
		}
	}
	references, err := References(responses, folder, "other")
	if err != nil {
		t.Fatal(err)
	}
	for i := range references.Nrow() {
		if got, want := references.Col("response").Elem(i).String(), "to "+responses.Col("prompt").Elem(i).String(); got != want {
			t.Errorf("row %d: reference %q, want %q", i, got, want)
		}
	}
	if _, err := References(prompts.Mutate(responses.Col("response")), folder, "nobody"); err == nil {
		t.Error("references of nobody")
	}
}
