package datasets

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ChoiceItem is a multiple-choice question in the form in which EleutherAI's lm-evaluation-harness asks a model (tasks
// m_mmlu, hellaswag, arc and truthfulqa of lm_eval/tasks/okapi): each choice is scored as the text that follows Context
// and a space.
type ChoiceItem struct {
	ID      string   // as published; TruthfulQA has none, so its items are numbered ("m_truthfulqa-0")
	Lang    string   // ISO 639 code
	Suite   string   // one of [ChoiceSuites]
	Context string   // the prompt, without few-shot examples
	Choices []string // MMLU: the letters A to D; the other suites: the answers' texts, for TruthfulQA those of MC1
	Gold    int      // index of the right choice

	MC2      []string // TruthfulQA: the choices of MC2; nil for the other suites
	MC2Right []bool   // which of them are right, at least one and not all

	File string // where it was read
	Line int    // counted from 1
}

// choiceSuite is one of the suites that Okapi translated (Lai et al. 2023, arXiv 2307.16039), or a newer benchmark.
type choiceSuite struct {
	name     string
	asked    []string // names of the split that the harness evaluates on
	examples []string // names of the split that few-shot examples come from; nil: none
	parse    func(r record, p *ChoiceItem) error
}

var choiceSuites = []choiceSuite{
	{"m_mmlu", []string{"test"}, []string{"dev", "train"}, parseMMLU},
	{"m_hellaswag", []string{"validation", "val"}, nil, parseHellaSwag},
	{"m_arc", []string{"test"}, nil, parseARC},
	{"m_truthfulqa", []string{"validation", "val"}, nil, parseTruthfulQA},
	{"global_mmlu_lite", []string{"test"}, nil, parseGlobalMMLU},
	{"belebele", []string{"test"}, nil, parseBelebele},
}

// ChoiceSuites returns the names of the suites, which are also those of their published folders: m_mmlu, m_hellaswag,
// m_arc (ARC-challenge) and m_truthfulqa of Okapi, global_mmlu_lite and belebele.
func ChoiceSuites() []string {
	var names []string
	for _, s := range choiceSuites {
		names = append(names, s.name)
	}
	return names
}

// LoadChoices reads the questions of a suite that the harness evaluates on (the test split of m_mmlu and m_arc, the
// validation split of m_hellaswag and m_truthfulqa) in one language. path is a file, one JSON object a line or one
// array, or the suite's folder with a file LANG_SPLIT.json (as Okapi publishes them), LANG/SPLIT.json or LANG.json,
// all of them also with .jsonl or .parquet, or as Global-MMLU-Lite and Belebele lie on the Hugging Face hub
// (LANG/test-00000-of-00001.parquet, data/deu_Latn.jsonl). A folder without such a file is an error that is
// fs.ErrNotExist. The English originals of m_arc and m_truthfulqa are read in the forms of the Hugging Face hub too
// (allenai/ai2_arc, truthful_qa).
//
// Texts become prompts by the harness' rules: WikiHow's brackets are removed from HellaSwag, ARC and TruthfulQA's
// questions, and of the second sentence of a HellaSwag context only the first letter is a capital. Some published files
// have empty answers, which are kept. A missing field, a wrong type, a gold answer that is not among the choices and a
// question that appears twice under the same ID are errors.
func LoadChoices(path, suite, lang string) ([]ChoiceItem, error) {
	s, err := findSuite(suite)
	if err != nil {
		return nil, err
	}
	return s.load(path, s.asked, lang)
}

// LoadChoiceExamples reads the questions that few-shot examples are taken from, as [LoadChoices] does: the split dev of
// m_mmlu, which the version on the Hugging Face hub calls train. For the other suites it is an error, since the harness
// has no few-shot examples for them that could be taken in the same way.
func LoadChoiceExamples(path, suite, lang string) ([]ChoiceItem, error) {
	s, err := findSuite(suite)
	if err != nil {
		return nil, err
	}
	if s.examples == nil {
		return nil, fmt.Errorf("datasets: few-shot examples are taken for m_mmlu only, not for %s", suite)
	}
	return s.load(path, s.examples, lang)
}

func findSuite(name string) (choiceSuite, error) {
	i := slices.IndexFunc(choiceSuites, func(s choiceSuite) bool { return s.name == name })
	if i < 0 {
		return choiceSuite{}, fmt.Errorf("datasets: suite %q is not known, expected %s",
			name, strings.Join(ChoiceSuites(), ", "))
	}
	return choiceSuites[i], nil
}

func (s choiceSuite) load(path string, splits []string, lang string) ([]ChoiceItem, error) {
	if err := checkLanguages([]string{lang}); err != nil {
		return nil, err
	}
	file, err := choiceFile(path, splits, lang)
	if err != nil {
		return nil, err
	}
	var items []ChoiceItem
	seen := map[[2]string]int{}
	err = readRecords(file, func(r record) error {
		number := strconv.Itoa(len(items))
		item := ChoiceItem{ID: s.name + "-" + number, Suite: s.name, Lang: lang, File: r.file, Line: r.line}
		if err := s.parse(r, &item); err != nil {
			return err
		}
		key := [2]string{item.ID, item.Context}
		if line, twice := seen[key]; twice {
			return r.errorf("the question with id %q appears twice, first on line %d", item.ID, line)
		}
		seen[key] = r.line
		items = append(items, item)
		return nil
	})
	return complete(file, "questions", items, err)
}

// choiceFile returns path if it is a file, and else the file of the language in that folder.
func choiceFile(path string, splits []string, lang string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	var names, found []string
	for _, split := range append(splits, "") {
		stems := []string{lang}
		if split != "" {
			stems = []string{lang + "_" + split, filepath.Join(lang, split)}
		}
		for _, stem := range stems {
			names = append(names, stem+".json", stem+".jsonl", stem+".parquet")
		}
	}
	for _, split := range splits { // as Global-MMLU-Lite lies on the hub
		stem := filepath.Join(lang, split+"-00000-of-00001")
		names = append(names, stem+".parquet", stem+".jsonl")
	}
	if code := floresCodes[lang]; code != "" { // as Belebele does
		names = append(names, code+".jsonl", filepath.Join("data", code+".jsonl"))
	}
	for _, name := range names {
		if exists(filepath.Join(path, name)) {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s: no file for language %q, expected one of %s; the folder has %s: %w", path, lang,
			strings.Join(names, ", "), listing(path), fs.ErrNotExist)
	case 1:
		return filepath.Join(path, found[0]), nil
	}
	return "", fmt.Errorf("%s: %s are all files for language %q, expected one", path, strings.Join(found, " and "), lang)
}
