package datasets

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// MTQuestion is a question of MT-bench (Zheng et al. 2023, arXiv 2306.05685) in one language: two turns of a user.
type MTQuestion struct {
	ID       string    // question_id: the same in every language
	Lang     string    // ISO 639 code
	Category string    // writing, roleplay, reasoning, math, coding, extraction, stem, humanities, or another
	Turns    [2]string // what the user says, as published, not trimmed

	// Reference holds the right answers to the turns, "" where there is none. A question may have one to a single turn.
	Reference [2]string

	File string // where it was read
	Line int    // counted from 1
}

// LoadMTBench reads the questions of MT-bench in one language. path is a file, one JSON object a line or one array, or
// a folder with a file LANG.jsonl, LANG/question.jsonl or LANG_question.jsonl, all of them also with .json. A folder
// without such a file is an error that is fs.ErrNotExist.
//
// A line is a question as FastChat publishes it (fastchat/llm_judge/data/mt_bench/question.jsonl), with "reference"
// optional, null or empty and no other field:
//
//	{"question_id": 111, "category": "math", "turns": ["…", "…"], "reference": ["Area is 3", "5pi"]}
//
// If a file LANG/question.jsonl has a folder reference_answer beside it, the one file in that folder (FastChat's
// gpt-4.jsonl) has the reference answers that FastChat shows to the judge, and they replace "reference":
//
//	{"question_id": 111, "answer_id": "…", "model_id": "gpt-4", "choices": [{"turns": ["…", "…"]}], …}
func LoadMTBench(path, lang string) ([]MTQuestion, error) {
	if err := checkLanguages([]string{lang}); err != nil {
		return nil, err
	}
	file, err := choiceFile(path, []string{"question"}, lang)
	if err != nil {
		return nil, err
	}
	var questions []MTQuestion
	seen := idLines{}
	err = readRecords(file, func(r record) error {
		q, err := parseMTQuestion(r, lang)
		if err != nil {
			return err
		}
		questions = append(questions, q)
		return seen.add(r, q.ID)
	})
	if err == nil && strings.HasPrefix(filepath.Base(file), "question.") {
		err = addReferences(filepath.Join(filepath.Dir(file), "reference_answer"), questions)
	}
	return complete(file, "questions", questions, err)
}

// addReferences reads FastChat's reference answers into the questions, if the folder exists.
func addReferences(folder string, questions []MTQuestion) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil || len(files) == 0 {
		return err
	}
	if len(files) > 1 {
		return fmt.Errorf("%s: reference answers of %d models, expected one file; the folder has %s",
			folder, len(files), listing(folder))
	}
	index := map[string]int{}
	for i, q := range questions {
		index[q.ID] = i
	}
	seen := idLines{}
	return readRecords(files[0], func(r record) error {
		id, err := r.word("question_id")
		if err != nil {
			return err
		}
		if err := seen.add(r, id); err != nil {
			return err
		}
		i, ok := index[id]
		if !ok {
			return r.errorf("field %q: there is no question %s in %s", "question_id", id, filepath.Base(questions[0].File))
		}
		var choices []map[string]json.RawMessage
		if err := r.value("choices", "a list of objects", &choices); err != nil {
			return err
		}
		if len(choices) != 1 {
			return r.errorf("field %q: expected one answer, found %d", "choices", len(choices))
		}
		turns, err := record{r.file, r.line, choices[0]}.texts("turns")
		if err != nil {
			return err
		}
		if len(turns) != 2 {
			return r.errorf("field %q: expected an answer to each of the 2 turns, found %d", "turns", len(turns))
		}
		copy(questions[i].Reference[:], turns)
		return nil
	})
}

func parseMTQuestion(r record, lang string) (q MTQuestion, err error) {
	q = MTQuestion{Lang: lang, File: r.file, Line: r.line}
	if err = r.onlyFields("question_id", "category", "turns", "reference"); err != nil {
		return q, err
	}
	if q.ID, err = r.word("question_id"); err != nil {
		return q, err
	}
	if q.Category, err = r.filled("category"); err != nil {
		return q, err
	}
	turns, err := r.texts("turns")
	if err != nil {
		return q, err
	}
	if len(turns) != 2 {
		return q, r.errorf("field %q: expected 2 turns, found %d", "turns", len(turns))
	}
	for i, turn := range turns {
		if strings.TrimSpace(turn) == "" {
			return q, r.errorf("field %q is empty, expected text", fmt.Sprintf("turns[%d]", i))
		}
		q.Turns[i] = turn
	}
	if !r.has("reference") || string(r.fields["reference"]) == "null" {
		return q, nil
	}
	references, err := r.texts("reference")
	if err != nil {
		return q, err
	}
	if n := len(references); n != 0 && n != 2 {
		return q, r.errorf("field %q: expected an answer to each of the 2 turns, found %d", "reference", n)
	}
	copy(q.Reference[:], references)
	return q, nil
}
