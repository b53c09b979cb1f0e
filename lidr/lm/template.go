package lm

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

	"lidrlab/lidr/tokenizer"
)

// Template makes the text of a user's turn from named fields.
type Template struct{ parsed *template.Template }

// ParseTemplate parses text, a template of package text/template. Each of the required fields must appear in what it
// makes, and it may use the optional ones; anything else is an error naming the template.
func ParseTemplate(name, text string, required []string, optional ...string) (Template, error) {
	parsed, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return Template{}, fmt.Errorf("field %s: %w", name, err)
	}
	t := Template{parsed}
	marks := map[string]string{}
	for _, field := range slices.Concat(required, optional) {
		marks[field] = "xq" + field + "qx" // no word of a template's own, and what quoting leaves as it is
	}
	made, err := t.Render(marks)
	if err != nil {
		return Template{}, err
	}
	for _, field := range required {
		if !strings.Contains(made, marks[field]) {
			return Template{}, fmt.Errorf("field %s never uses {{.%s}}, expected it in the text", name, field)
		}
	}
	return t, nil
}

// Render fills the fields in.
func (t Template) Render(fields map[string]string) (string, error) {
	var out strings.Builder
	if err := t.parsed.Execute(&out, fields); err != nil {
		return "", fmt.Errorf("field %s: %w", t.parsed.Name(), err)
	}
	return out.String(), nil
}

// Turn returns the messages of a request: the system message, unless it is empty, and the user's turn.
func Turn(system, user string) []tokenizer.Message {
	messages := []tokenizer.Message{{Role: "user", Content: user}}
	if system != "" {
		messages = slices.Insert(messages, 0, tokenizer.Message{Role: "system", Content: system})
	}
	return messages
}
