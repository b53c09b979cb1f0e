package judge_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/judge"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const german = `[{"instruction": "Was ist eine Anleihe?", "output": "Ein Kredit.", "generator": "gpt4_turbo"}]`
	for file, text := range map[string]string{
		"en.json": `[{"dataset": "helpful_base", "instruction": "What is a bond?\n", "output": "A loan.", ` +
			`"generator": "gpt4_turbo"}, {"instruction": "Who?", "output": "", "generator": "gpt4_turbo"},
			{"instruction": "unused", "output": "x", "generator": "gpt4_turbo"}]`,
		"de.json":      german,
		"de/gpt4.json": german,
		"two.json": `[{"instruction": "What is a bond?", "output": "x", "generator": "a"},
			{"instruction": "Who?", "output": "y", "generator": "b"}]`,
	} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	prompts := []judge.Output{
		{ID: "0", Lang: "en", Prompt: "What is a bond?"}, {ID: "1", Lang: "en", Prompt: "Who?"},
		{ID: "0", Lang: "de", Prompt: "Was ist eine Anleihe?"},
	}
	loan := judge.Output{ID: "0", Lang: "de", Prompt: "Was ist eine Anleihe?", Response: "Ein Kredit."}
	frame, err := judge.References(datasets.Frame(prompts), dir)
	if err != nil {
		t.Fatal(err)
	}
	found := rows[judge.Output](t, frame)
	if len(found) != 3 || found[0].Response != "A loan." || found[1].Response != "" || found[2] != loan {
		t.Errorf("%+v", found)
	}
	frame, err = judge.References(datasets.Frame(prompts[2:]), filepath.Join(dir, "{lang}", "gpt4.json"))
	if err != nil {
		t.Fatal(err)
	}
	if found := rows[judge.Output](t, frame); len(found) != 1 || found[0] != loan {
		t.Errorf("by the pattern: %+v", found)
	}
	for file, want := range map[string]string{
		"en.json":         `1 of the prompts have no answer there: 0 in de, "Was ist eine Anleihe?"`,
		"two.json":        "answers of a and of b",
		"none.json":       "none.json",
		"{lang}/gpt.json": filepath.Join("en", "gpt.json"),
	} {
		_, err := judge.References(datasets.Frame(prompts), filepath.Join(dir, file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", file, err, want)
		}
	}
}

// The English instructions of X-AlpacaEval are AlpacaEval's, so that published answers find every one of them.
func TestReferencesOfAlpacaEval(t *testing.T) {
	t.Parallel()
	t.Run("excerpts", func(t *testing.T) {
		excerpts := filepath.Join("..", "..", "datasets", "testdata", "excerpts")
		referencesOfAlpacaEval(t, excerpts, "model.annotations.json")
	})
	t.Run("published", func(t *testing.T) {
		folder := os.Getenv("LIDR_DATA")
		if folder == "" {
			t.Skip("LIDR_DATA is not set")
		}
		referencesOfAlpacaEval(t, folder, "FuseChat-Llama-3.1-8B-Instruct.annotations.json")
	})
}

func referencesOfAlpacaEval(t *testing.T, folder, file string) {
	t.Helper()
	annotations, err := datasets.LoadAnnotations(filepath.Join(folder, "alpaca_eval", file))
	if err != nil {
		t.Fatal(err)
	}
	var outputs []datasets.ModelOutput
	for _, a := range annotations {
		outputs = append(outputs, datasets.ModelOutput{
			Instruction: a.Instruction, Output: a.Output1, Generator: a.Generator1,
		})
	}
	path := filepath.Join(t.TempDir(), "model_outputs.json")
	if err := datasets.SaveModelOutputs(path, outputs); err != nil {
		t.Fatal(err)
	}
	prompts, err := datasets.LoadPrompts(filepath.Join(folder, "x-alpacaeval"), []string{"en"})
	if err != nil {
		t.Fatal(err)
	}
	frame, err := judge.References(datasets.Frame(prompts), path)
	if err != nil || frame.Nrow() != len(prompts) {
		t.Errorf("%d references of %d prompts, %v", frame.Nrow(), len(prompts), err)
	}
}

// Published answers lie in a folder of the model inside one of the language, beside nothing else or named.
func TestReferencesInFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(file, text string) {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("sw/gpt4/model_outputs.json", `[{"id":1,"instruction":"Nani?","output":"Mimi.","generator":"gpt4"}]`)
	prompts := datasets.Frame([]judge.Output{{ID: "1", Lang: "sw", Prompt: "Nani?"}})
	for _, path := range []string{dir, filepath.Join(dir, "{lang}"), filepath.Join(dir, "{lang}", "gpt4")} {
		frame, err := judge.References(prompts, path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if found := rows[judge.Output](t, frame); found[0].Response != "Mimi." {
			t.Errorf("%s: %+v", path, found)
		}
	}
	write("sw/gpt3/model_outputs.json", `[{"instruction":"Nani?","output":"Sisi.","generator":"gpt3"}]`)
	if _, err := judge.References(prompts, dir); err == nil || !strings.Contains(err.Error(), "2 files of answers in sw") {
		t.Errorf("two models: %v", err)
	}
	write("de.json", `[{"id":1,"instruction":"Wer?","output":"Ich.","generator":"m"},
		{"id":2,"instruction":"Wer?","output":"Du.","generator":"m"}]`)
	prompts = datasets.Frame([]judge.Output{{ID: "1", Lang: "de", Prompt: "Wer?"}})
	if _, err := judge.References(prompts, dir); err == nil || !strings.Contains(err.Error(), "two answers") {
		t.Errorf("two answers to one instruction: %v", err)
	}
}
