package choices

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lidrtest"
)

// TestPeersBenchmarkForms holds the loaders of Belebele and Global-MMLU-Lite to lm-eval's own task files, language by
// language: the names of the files, the fields, and the question, the choices and the right one that they become.
// lm-eval has no task of MSVAMP, PolyMath and M-ArenaHard: those forms are as their cards give them, and unchecked.
func TestPeersBenchmarkForms(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "training", "lm_eval")
	records := map[string]map[string]any{
		"belebele": {
			"link": "https://example.org/tea", "question_number": 2, "flores_passage": "Tea is hot. It is brewed.",
			"question": " How is tea? ", "mc_answer1": "cold", "mc_answer2": "red ", "mc_answer3": "hot", "mc_answer4": "old",
			"correct_answer_num": "3", "dialect": "eng_Latn", "ds": "2023-05-03",
		},
		"global_mmlu_lite": {
			"sample_id": "anatomy/test/0", "subject": "anatomy", "subject_category": "STEM", "question": " What?\n",
			"option_a": "a", "option_b": "b ", "option_c": "c", "option_d": "d", "answer": "D", "required_knowledge": "[]",
			"cultural_sensitivity_label": "CA", "is_annotated": true,
		},
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "records.json")
	if err := ledger.WriteJSON(path, records); err != nil {
		t.Fatal(err)
	}
	var tasks map[string]map[string]struct {
		Text, Target, Split, Path string
		Choices                   []string
	}
	if err := json.Unmarshal(peer.Run(t, "testdata/peers/forms.py", path), &tasks); err != nil {
		t.Fatal(err)
	}
	// The files as they lie on the hub under the names of the tasks, with the language in each.
	for name, file := range map[string]string{
		"belebele": "data/%s.jsonl", "global_mmlu_lite": "%s/test-00000-of-00001.jsonl",
	} {
		for code := range tasks[name] {
			records[name]["ds"], records[name]["subject"] = code, code
			line, err := json.Marshal(records[name])
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, name, fmt.Sprintf(file, code))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, line, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	languages := strings.Fields("ar bg bn ca cs da de el en es et eu fa fi fr he hi hr hu id it ja ko lt nl pl pt ro ru " +
		"sk sl sv sw ta te th tr uk ur vi yo zh zu")
	for name, want := range map[string]int{
		"belebele": len(languages), "global_mmlu_lite": len(tasks["global_mmlu_lite"]),
	} {
		differ, found := 0, 0
		for _, lang := range languages {
			items, err := datasets.LoadChoices(filepath.Join(folder, name), name, lang)
			if err != nil {
				continue // counted below
			}
			found++
			code := strings.TrimSuffix(filepath.Base(items[0].File), ".jsonl")
			if name == "global_mmlu_lite" {
				code = filepath.Base(filepath.Dir(items[0].File))
			}
			task := tasks[name][code]
			right := map[string]string{"belebele": fmt.Sprint(items[0].Gold), "global_mmlu_lite": "ABCD"[items[0].Gold:][:1]}
			if len(items) != 1 || items[0].Context != task.Text || !slices.Equal(items[0].Choices, task.Choices) ||
				right[name] != task.Target || task.Split != "test" {
				differ++
				t.Errorf("%s in %s: %+v, lm-eval asks %+v", name, lang, items, task)
			}
		}
		if found != want {
			t.Errorf("%s: %d languages of lm-eval's %d files are found, expected %d", name, found, len(tasks[name]), want)
		}
		peer.Within(t, fmt.Sprintf("its task files of %s beside LoadChoices: question, choices and right one in %d "+
			"languages", name, found), float64(differ), 0)
	}
}
