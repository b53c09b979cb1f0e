package datasets

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Prompt is one prompt in one language. Prompts with the same ID in different languages mean the same.
type Prompt struct {
	ID     string `json:"id"`
	Lang   string `json:"lang"`             // ISO 639 code
	Text   string `json:"prompt"`           // as published, not trimmed
	Answer string `json:"answer,omitempty"` // the gold answer, "" if there is none

	File string `json:"-"` // where it was read
	Line int    `json:"-"` // counted from 1
}

// LoadPrompts reads the prompts of the named languages, language by language, in the order of the first language's
// file. path is a folder with one file a language, LANG.jsonl, mgsm_LANG.jsonl, LANG.json, LANG.parquet or
// mgsm_LANG.parquet, or with our own prompts.jsonl, or it is one file. A file of our own form names the language of
// each line
//
//	{"id": "…", "lang": "en", "prompt": "…", "answer": "…"}
//
// with "answer" optional and no other field. In the published forms (Alpagasus, GSM8K, MGSM, X-AlpacaEval, and
// openai/gsm8k and juletxara/mgsm of the Hugging Face hub, M-ArenaHard, MSVAMP, PolyMath) a file is in one language.
//
// Every language must have the same IDs. MGSM and the hub's GSM8K, as published, have none: their problems are numbered
// by line ("mgsm-0", "gsm8k-0"). The gold answers of an ID must agree where they are numbers, whatever separates their
// thousands: nothing else tells that files are parallel. The language prefix of GSM8K's IDs ("degsm8k_7") is dropped.
//
// Alpaca's "input" is the end of its prompt, after the instruction and an empty line. A "context" or a "history" is an
// error: no form here has one, and the prompt is not whole without it. Instead of a text the prompt may be a
// conversation of one turn of the user, with or without the assistant's answer, which is not read: a list of messages
// as in TRL's files. A conversation with more turns, or with a system's, is an error.
func LoadPrompts(path string, langs []string) ([]Prompt, error) {
	if err := checkLanguages(langs); err != nil {
		return nil, err
	}
	files, err := promptFiles(path, langs)
	if err != nil {
		return nil, err
	}
	byLang := map[string][]Prompt{}
	seen := map[[2]string]Prompt{}   // by language and ID
	inputs := map[[2]string]Prompt{} // those of them that end in an input
	for _, file := range files {
		prompts, err := readPrompts(file.path, file.lang, inputs)
		if err != nil {
			return nil, err
		}
		for _, p := range prompts {
			if len(files) > 1 && p.Lang != file.lang {
				return nil, fmt.Errorf("%s:%d: field \"lang\": expected %q, as the file is named, found %q",
					p.File, p.Line, file.lang, p.Lang)
			}
			key := [2]string{p.Lang, p.ID}
			if q, twice := seen[key]; twice {
				return nil, fmt.Errorf("%s:%d: id %q appears twice in language %q, first in %s:%d",
					p.File, p.Line, p.ID, p.Lang, filepath.Base(q.File), q.Line)
			}
			seen[key] = p
			byLang[p.Lang] = append(byLang[p.Lang], p)
		}
	}
	all, err := parallel(path, byLang, langs)
	if err != nil {
		return nil, err
	}
	return all, sameInputs(all, langs[0], inputs)
}

// sameInputs is an error for a prompt that has an input in one language and none in another: a part of it is missing.
func sameInputs(all []Prompt, first string, inputs map[[2]string]Prompt) error {
	for _, p := range all {
		_, own := inputs[[2]string{p.Lang, p.ID}]
		if _, has := inputs[[2]string{first, p.ID}]; has != own {
			with, without := first, p.Lang
			if own {
				with, without = p.Lang, first
			}
			return fmt.Errorf("%s:%d: prompt %s has an \"input\" in %s and none in %s, expected one in every language or none",
				p.File, p.Line, p.ID, with, without)
		}
	}
	return nil
}

// readPrompts reads one file. The first record's fields decide the form, and every record must keep to it. It adds the
// prompts that end in Alpaca's input to inputs, by language and ID.
func readPrompts(path, lang string, inputs map[[2]string]Prompt) ([]Prompt, error) {
	var (
		prompts []Prompt
		format  *promptFormat
	)
	err := readRecords(path, func(r record) error {
		if err := r.spelled(promptNames); err != nil {
			return err
		}
		if format == nil {
			if format = detect(r); format == nil {
				return r.errorf("not a known form of prompts: found the fields %s; expected those of %s",
					r.names(), knownForms())
			}
		}
		if !r.has(format.fields...) {
			return r.errorf("not in the %s form of the lines before: found the fields %s, expected %s",
				format.name, r.names(), strings.Join(format.fields, ", "))
		}
		p, err := format.parse(r, lang, len(prompts))
		if err != nil {
			return err
		}
		if err := format.alone(r); err != nil {
			return err
		}
		if p.Lang == "" {
			return r.errorf("the file's name does not say its language: name one language, or call the file LANG.jsonl")
		}
		p.File, p.Line = r.file, r.line
		prompts = append(prompts, p)
		if format.text == "instruction" {
			if input, _ := r.input(); input != "" { // an error was one of parse
				inputs[[2]string{p.Lang, p.ID}] = p
			}
		}
		return nil
	})
	return complete(path, "prompts", prompts, err)
}

// parallel joins the languages by ID, in the order of the first language.
func parallel(path string, byLang map[string][]Prompt, langs []string) ([]Prompt, error) {
	var all []Prompt
	first := byLang[langs[0]]
	for _, lang := range langs {
		prompts := byLang[lang]
		if len(prompts) == 0 {
			return nil, fmt.Errorf("%s: no prompts in language %q", path, lang)
		}
		byID := map[string]Prompt{}
		for _, p := range prompts {
			byID[p.ID] = p
		}
		var missing []string
		for _, f := range first {
			p, ok := byID[f.ID]
			if !ok {
				missing = append(missing, f.ID)
				continue
			}
			if differentNumbers(p.Answer, f.Answer) {
				return nil, fmt.Errorf("%s:%d: gold answer %q differs from %q on line %d of %s, expected the same problem "+
					"under the same id, %s", p.File, p.Line, p.Answer, f.Answer, f.Line, f.File, p.ID)
			}
			delete(byID, f.ID)
			all = append(all, p)
		}
		if len(missing) > 0 {
			return nil, fmt.Errorf("%s: %d of the %d ids of language %q (%s) are missing in language %q: %s; "+
				"expected the same ids",
				prompts[0].File, len(missing), len(first), langs[0], filepath.Base(first[0].File), lang, firstFew(missing))
		}
		for _, p := range prompts {
			if _, extra := byID[p.ID]; extra {
				return nil, fmt.Errorf("%s:%d: id %q is not among the ids of language %q (%s), expected the same ids",
					p.File, p.Line, p.ID, langs[0], filepath.Base(first[0].File))
			}
		}
	}
	return all, nil
}

// firstFew lists the first five of many names.
func firstFew(names []string) string {
	const few = 5
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
