package recipe

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	world "lidrlab/datasets/miniature"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/ledger"
)

// The data of a small run are problems of the miniature world in the published forms.

func standins(n int) []world.Problem { return world.Problems("eval", n, 7) }

// writeLines writes one JSON value a line.
func writeLines(path string, rows []map[string]any) error {
	var text strings.Builder
	for _, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			return err
		}
		text.WriteString(string(line) + "\n")
	}
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return ledger.WriteFile(path, []byte(text.String()))
}

func writeInstructions(dir string, langs []string) error {
	for _, lang := range langs {
		var rows []map[string]any
		for _, p := range standins(smallPrompts) {
			rows = append(rows, map[string]any{"id": p.ID, "lang": lang, "prompt": p.Prompt(lang)})
		}
		if err := writeLines(filepath.Join(dir, lang+".jsonl"), rows); err != nil {
			return err
		}
	}
	return nil
}

// writeReferences writes alpaca_eval's model_outputs.json by language.
func writeReferences(dir string, langs []string) error {
	for _, lang := range langs {
		var rows []map[string]any
		for _, p := range standins(smallPrompts) {
			rows = append(rows, map[string]any{
				"instruction": p.Prompt(lang), "output": p.Answer(lang), "generator": "the miniature world",
			})
		}
		data, err := json.Marshal(rows)
		if err != nil {
			return err
		}
		if err := durable.MkdirAll(dir); err != nil {
			return err
		}
		if err := ledger.WriteFile(filepath.Join(dir, lang+".json"), data); err != nil {
			return err
		}
	}
	return nil
}

func writeMTBench(dir string, langs []string) error {
	problems := standins(4)
	for _, lang := range langs {
		var rows []map[string]any
		for i := 0; i+1 < len(problems); i += 2 {
			a, b := problems[i], problems[i+1]
			rows = append(rows, map[string]any{
				"question_id": i + 1, "category": []string{"writing", "math"}[i/2%2],
				"turns": []string{a.Prompt(lang), b.Prompt(lang)}, "reference": []string{a.Answer(lang), b.Answer(lang)},
			})
		}
		if err := writeLines(filepath.Join(dir, lang+".jsonl"), rows); err != nil {
			return err
		}
	}
	return nil
}

// writeChoices writes the four suites; the right choice is the problem's worked answer, the wrong ones are those of
// others.
func writeChoices(dir string, langs []string) error {
	problems := standins(2)
	for _, lang := range langs {
		rows := map[string][]map[string]any{}
		for i, p := range problems {
			question := p.Prompt(lang)
			right, wrong := p.Answer(lang), problems[(i+1)%len(problems)].Answer(lang)
			id := fmt.Sprintf("standin/%d", i)
			four := map[string]any{
				"id": id, "instruction": question, "option_a": right, "option_b": wrong, "option_c": "0", "option_d": "1",
				"answer": "A",
			}
			rows["m_mmlu/"+lang+"_test"] = append(rows["m_mmlu/"+lang+"_test"], four)
			rows["m_mmlu/"+lang+"_dev"] = append(rows["m_mmlu/"+lang+"_dev"], four)
			rows["m_arc/"+lang+"_test"] = append(rows["m_arc/"+lang+"_test"], four)
			rows["m_hellaswag/"+lang+"_validation"] = append(rows["m_hellaswag/"+lang+"_validation"], map[string]any{
				"ind": i, "activity_label": "", "ctx_a": question, "ctx_b": "", "endings": []string{right, wrong, "0", "1"},
				"label": "0",
			})
			rows["m_truthfulqa/"+lang+"_validation"] = append(rows["m_truthfulqa/"+lang+"_validation"], map[string]any{
				"question": question, "mc1_targets_choices": []string{right, wrong}, "mc1_targets_labels": []int{1, 0},
				"mc2_targets_choices": []string{right, wrong, "0"}, "mc2_targets_labels": []int{1, 0, 0},
			})
		}
		for name, lines := range rows {
			if err := writeLines(filepath.Join(dir, name+".jsonl"), lines); err != nil {
				return err
			}
		}
	}
	return nil
}
