package recipe

import (
	"fmt"
	"path/filepath"

	world "lidrlab/datasets/miniature"
	"lidrlab/lidr"
)

// The data of a small run are problems of the miniature world in the published forms.

func standins(n int) []world.Problem { return world.Problems("eval", n, 7) }

// standIn is a file or folder of a recipe that a small run makes itself.
type standIn struct {
	path *string
	name string
	rows func(lang string) map[string][]map[string]any // by file
}

func (r *Recipe) files() []standIn {
	return []standIn{
		{&r.Instructions.Source, "instructions", instructionRows},
		{&r.Instructions.References, "references", referenceRows},
		{&r.MTBench.Source, "mt-bench", mtBenchRows},
		{&r.Choices.Source, "choices", choiceRows},
	}
}

// standIns writes the data of a small recipe into its run folder: JSON lines, and whole JSON where a file's name ends
// in .json.
func (r Recipe) standIns(run *lidr.Run) error {
	for _, file := range r.files() {
		if *file.path == "" {
			continue
		}
		for _, lang := range r.AllLanguages() {
			for name, rows := range file.rows(lang) {
				write := run.WriteLines
				if filepath.Ext(name) == ".json" {
					write = run.WriteJSON
				}
				if err := write(filepath.Join(*file.path, name), rows); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func instructionRows(lang string) map[string][]map[string]any {
	var rows []map[string]any
	for _, p := range standins(smallPrompts) {
		rows = append(rows, map[string]any{"id": p.ID, "lang": lang, "prompt": p.Prompt(lang)})
	}
	return map[string][]map[string]any{lang + ".jsonl": rows}
}

// referenceRows are alpaca_eval's model_outputs.json.
func referenceRows(lang string) map[string][]map[string]any {
	var rows []map[string]any
	for _, p := range standins(smallPrompts) {
		rows = append(rows, map[string]any{
			"instruction": p.Prompt(lang), "output": p.Answer(lang), "generator": "the miniature world",
		})
	}
	return map[string][]map[string]any{lang + ".json": rows}
}

func mtBenchRows(lang string) map[string][]map[string]any {
	problems := standins(4)
	var rows []map[string]any
	for i, category := range []string{"writing", "math"} {
		a, b := problems[2*i], problems[2*i+1]
		rows = append(rows, map[string]any{
			"question_id": i + 1, "category": category,
			"turns": []string{a.Prompt(lang), b.Prompt(lang)}, "reference": []string{a.Answer(lang), b.Answer(lang)},
		})
	}
	return map[string][]map[string]any{lang + ".jsonl": rows}
}

// choiceRows are those of the four suites; the right choice is the problem's worked answer, the wrong ones are those of
// others.
func choiceRows(lang string) map[string][]map[string]any {
	problems := standins(2)
	rows := map[string][]map[string]any{}
	for i, p := range problems {
		question := p.Prompt(lang)
		right, wrong := p.Answer(lang), problems[(i+1)%len(problems)].Answer(lang)
		four := map[string]any{
			"id": fmt.Sprintf("standin/%d", i), "instruction": question, "option_a": right, "option_b": wrong,
			"option_c": "0", "option_d": "1", "answer": "A",
		}
		add := func(suite, split string, row map[string]any) {
			name := suite + "/" + lang + split + ".jsonl"
			rows[name] = append(rows[name], row)
		}
		add("m_mmlu", "_test", four)
		add("m_mmlu", "_dev", four)
		add("m_arc", "_test", four)
		add("m_hellaswag", "_validation", map[string]any{
			"ind": i, "activity_label": "", "ctx_a": question, "ctx_b": "", "endings": []string{right, wrong, "0", "1"},
			"label": "0",
		})
		add("m_truthfulqa", "_validation", map[string]any{
			"question": question, "mc1_targets_choices": []string{right, wrong}, "mc1_targets_labels": []int{1, 0},
			"mc2_targets_choices": []string{right, wrong, "0"}, "mc2_targets_labels": []int{1, 0, 0},
		})
	}
	return rows
}
