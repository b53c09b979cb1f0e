package lidr

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

	"lidrlab/datasets"
	"lidrlab/lidr/tokenizer"
)

// asker returns the function that makes the messages of a prompt: the same for generation and for training.
func asker(s GenerateSettings) (func(prompt, lang string) ([]tokenizer.Message, error), error) {
	wrap, err := parseTemplate("generate.template", s.Template)
	if err != nil {
		return nil, err
	}
	return func(prompt, lang string) ([]tokenizer.Message, error) {
		user, err := render(wrap, map[string]string{"Prompt": prompt, "Language": LanguageName(lang)})
		return turn(s.System, user), err
	}, nil
}

// exemplars makes the turns that stand before a problem of each language: the first n worked examples of a folder, each a
// turn of the user, wrapped as the problem is, and one of the assistant.
func exemplars(s GenerateSettings, folder string, n int, langs []string) (map[string][]tokenizer.Message, error) {
	ask, err := asker(s)
	if err != nil || n == 0 {
		return nil, err
	}
	shots := map[string][]tokenizer.Message{}
	for _, lang := range langs {
		examples, err := datasets.LoadExemplars(folder, lang)
		if err != nil {
			return nil, err
		}
		if len(examples) < n {
			return nil, fmt.Errorf("%s: %d worked examples, expected at least the evaluate.shots = %d asked for", examples[0].File, len(examples), n)
		}
		for _, e := range examples[:n] {
			messages, err := ask(e.Question, lang)
			if err != nil {
				return nil, err
			}
			shots[lang] = append(shots[lang], messages[len(messages)-1], tokenizer.Message{Role: "assistant", Content: e.Answer})
		}
	}
	return shots, nil
}

// translator returns the function that makes the messages of a translation, likewise.
func translator(s TranslateSettings) (func(text, from, to string) ([]tokenizer.Message, error), error) {
	wrap, err := parseTemplate("translate.template", s.Template)
	if err != nil {
		return nil, err
	}
	return func(text, from, to string) ([]tokenizer.Message, error) {
		user, err := render(wrap, map[string]string{"Text": text, "From": LanguageName(from), "To": LanguageName(to)})
		return turn(s.System, user), err
	}, nil
}

func parseTemplate(field, text string) (*template.Template, error) {
	parsed, err := template.New(field).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("settings: field %s: %w", field, err)
	}
	return parsed, nil
}

func render(t *template.Template, fields map[string]string) (string, error) {
	var out strings.Builder
	if err := t.Execute(&out, fields); err != nil {
		return "", fmt.Errorf("settings: field %s: %w", t.Name(), err)
	}
	return out.String(), nil
}

// turn makes the messages of a request: an optional system message and the user's.
func turn(system, user string) []tokenizer.Message {
	messages := []tokenizer.Message{{Role: "user", Content: user}}
	if system != "" {
		messages = slices.Insert(messages, 0, tokenizer.Message{Role: "system", Content: system})
	}
	return messages
}
