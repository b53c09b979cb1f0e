package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The first exemplars of MGSM (Shi et al. 2022, arXiv 2210.03057) in the forms in which they are published, and in
// German one of GSM8K.
func TestLoadExemplars(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"en.jsonl": `{"question": "Question: Roger has 5 tennis balls.", ` +
			`"answer": "Step-by-Step Answer: Roger started with 5 balls. The answer is 11.", ` +
			`"answer_number": 11, "equation_solution": "5 + 6 = 11."}` + "\n",
		"fr.json":       `[{"q": "Question : Roger a 5 balles.", "a": "Réponse étape par étape : La réponse est 11."}]`,
		"mgsm_zh.jsonl": `{"question": "问题：罗杰有5个网球。", "answer": "逐步解答：答案是 11。"}`,
		"ru.jsonl":      `{"question": "Задача: У Роджера 5 мячей.", "answer": "Пошаговоерешение: Ответ — 11."}`,
		"de.jsonl":      `{"question": "Natalia sold clips to 48 friends.", "answer": "48/2 = <<48/2=24>>24\n#### 72"}`,
		"es.jsonl":      `{"question": "¿Cuánto?", "answer": " "}`,
		"sw.jsonl":      `{"query": "Ngapi?", "response": "18"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for lang, want := range map[string][2]string{
		"en": {"Roger has 5 tennis balls.", "Roger started with 5 balls. The answer is 11."},
		"fr": {"Roger a 5 balles.", "La réponse est 11."},
		"zh": {"罗杰有5个网球。", "答案是 11。"},
		"ru": {"У Роджера 5 мячей.", "Ответ — 11."},
		"de": {"Natalia sold clips to 48 friends.", "48/2 = <<48/2=24>>24\n#### 72"},
	} {
		got, err := LoadExemplars(dir, lang)
		if err != nil || len(got) != 1 || got[0].Question != want[0] || got[0].Answer != want[1] || got[0].Lang != lang {
			t.Errorf("%s: %+v, %v, want %q", lang, got, err, want)
		}
	}
	for lang, want := range map[string]string{
		"es": `field "answer" is empty`,
		"sw": `field "question" is missing, found query, response`,
		"th": `no file for language "th"`,
	} {
		if _, err := LoadExemplars(dir, lang); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %s", lang, err, want)
		}
	}
}
