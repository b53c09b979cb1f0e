package datasets

import "regexp"

// Exemplar is a worked example for a few-shot prompt: an arithmetic problem with its solution.
type Exemplar struct {
	Lang     string // ISO 639 code
	Question string
	Answer   string

	File string // where it was read
	Line int    // counted from 1
}

// The labels that MGSM's exemplars begin with, in its eleven languages. The problems themselves have none.
var (
	questionLabel = regexp.MustCompile(
		`^(?:Question|Frage|Pregunta|Задача|Swali|প্রশ্ন|ప్రశ్న|โจทย์|問題|问题)\s*[:：]\s*`)
	answerLabel = regexp.MustCompile(
		`^(?:Step-by-Step Answer|Schritt-für-Schritt-Antwort|Respuesta paso a paso|Réponse étape par étape|` +
			`Пошаговое ?решение|Jibu la Hatua kwa Hatua|ধাপে ধাপে উত্তর|దశలవారీగా సమాధానం|คำตอบทีละขั้นตอน|` +
			`ステップごとの答え|逐步解答)\s*[:：]\s*`)
)

// LoadExemplars reads worked examples in one language, in file order. path is a file, one JSON object a line or one
// array, or a folder with LANG.jsonl, mgsm_LANG.jsonl, LANG.json, LANG.parquet or mgsm_LANG.parquet. A record has
// "question" and "answer", as in GSM8K and in the train split of MGSM on the Hugging Face hub (its 8 exemplars a
// language), or "q" and "a", as in MGSM's exemplars.py; other fields are ignored. MGSM's labels ("Question:",
// "Step-by-Step Answer:") are removed, as lm-evaluation-harness does, and the rest is left as published.
func LoadExemplars(path, lang string) ([]Exemplar, error) {
	if err := checkLanguages([]string{lang}); err != nil {
		return nil, err
	}
	files, err := promptFiles(path, []string{lang})
	if err != nil {
		return nil, err
	}
	var out []Exemplar
	err = readRecords(files[0].path, func(r record) error {
		question, answer := "question", "answer"
		if r.has("q", "a") {
			question, answer = "q", "a"
		}
		e := Exemplar{Lang: lang, File: r.file, Line: r.line}
		var err error
		if e.Question, err = r.filled(question); err != nil {
			return err
		}
		if e.Answer, err = r.filled(answer); err != nil {
			return err
		}
		e.Question = questionLabel.ReplaceAllString(e.Question, "")
		e.Answer = answerLabel.ReplaceAllString(e.Answer, "")
		out = append(out, e)
		return nil
	})
	return complete(files[0].path, "exemplars", out, err)
}
