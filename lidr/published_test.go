package lidr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
)

func TestPublishedOutputs(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"en.json": `[{"dataset": "helpful_base", "instruction": "What is a bond?\n", "output": "A loan.", "generator": "gpt4_turbo"},
			{"instruction": "Who?", "output": "", "generator": "gpt4_turbo"}, {"instruction": "unused", "output": "x", "generator": "gpt4_turbo"}]`,
		"de.json":  `[{"instruction": "Was ist eine Anleihe?", "output": "Ein Kredit.", "generator": "gpt4_turbo"}]`,
		"two.json": `[{"instruction": "What is a bond?", "output": "x", "generator": "a"}, {"instruction": "Who?", "output": "y", "generator": "b"}]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	prompts := []answerRow{{ID: "0", Lang: "en", Prompt: "What is a bond?"}, {ID: "1", Lang: "en", Prompt: "Who?"}, {ID: "0", Lang: "de", Prompt: "Was ist eine Anleihe?"}}
	frame, err := PublishedOutputs(dir, datasets.Frame(prompts))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf[answerRow](frame, "references")
	if err != nil || len(rows) != 3 || rows[0].Response != "A loan." || rows[1].Response != "" || rows[2] != (answerRow{"0", "de", "Was ist eine Anleihe?", "Ein Kredit."}) {
		t.Errorf("%+v, %v", rows, err)
	}
	for file, want := range map[string]string{
		"en.json": `1 of the prompts have no answer there: 0 in de, "Was ist eine Anleihe?"`, "two.json": "answers of a and of b", "none.json": "none.json",
	} {
		if _, err := PublishedOutputs(filepath.Join(dir, file), datasets.Frame(prompts)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", file, err, want)
		}
	}
}

// The English instructions of X-AlpacaEval are AlpacaEval's, so that published answers find every one of them.
func TestPublishedOutputsOfAlpacaEval(t *testing.T) {
	folder := os.Getenv("LIDR_DATA")
	if folder == "" {
		t.Skip("LIDR_DATA is not set")
	}
	annotations, err := datasets.LoadAnnotations(filepath.Join(folder, "alpaca_eval", "FuseChat-Llama-3.1-8B-Instruct.annotations.json"))
	if err != nil {
		t.Fatal(err)
	}
	var outputs []datasets.ModelOutput
	for _, a := range annotations {
		outputs = append(outputs, datasets.ModelOutput{Instruction: a.Instruction, Output: a.Output1, Generator: a.Generator1})
	}
	path := filepath.Join(t.TempDir(), "model_outputs.json")
	if err := datasets.SaveModelOutputs(path, outputs); err != nil {
		t.Fatal(err)
	}
	rows, err := readPrompts(filepath.Join(folder, "x-alpacaeval"), "prompts", []string{"en"}, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := PublishedOutputs(path, datasets.Frame(rows))
	if err != nil || frame.Nrow() != len(rows) {
		t.Errorf("%d references of %d prompts, %v", frame.Nrow(), len(rows), err)
	}
}
