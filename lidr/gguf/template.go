package gguf

import (
	"fmt"
	"strings"
	"text/template"
	"unicode"

	"lidrlab/lidr/tokenizer"
)

// Ollama renders chats by a Go template of its own and not by the model's Jinja template. It chooses one with a similar
// source (edit distance below 100), which may be another model's; if there is none, it sends the bare prompt. So we
// write one: the texts that the Jinja template puts around messages are read from rendered conversations and put into a
// Go template, which is compared with the Jinja template on longer conversations.

// goTemplate returns a Go template that renders system, user and assistant turns as the chat template does. readers is
// the text that readers of the GGUF put before a conversation themselves (BOS), which the template leaves out.
func goTemplate(tok *tokenizer.Tokenizer, readers string) (string, error) {
	render := func(messages []tokenizer.Message) (string, error) {
		s, err := tok.RenderChat(messages, true)
		if err != nil {
			return "", err
		}
		s, ok := strings.CutPrefix(s, readers)
		if !ok {
			return "", fmt.Errorf("a conversation does not begin with %q, which readers put in front of it", readers)
		}
		return s, nil
	}
	around := func(roles ...string) ([]string, error) { return textAround(render, conversation(roles...)) }
	system, err := around("system", "user")
	if err != nil {
		return "", err
	}
	turns, err := around("user", "assistant", "user")
	if err != nil {
		return "", err
	}
	beforeSystem, afterSystem := system[0], system[1]
	first, afterUser, afterAssistant, prompt := turns[0], turns[1], turns[2], turns[3]

	ending := prompt
	if prompt != afterUser {
		ending = "{{ if $last }}" + prompt + "{{ else }}" + afterUser + "{{ end }}"
	}
	source := `{{ range $i, $message := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}` +
		`{{ if eq .Role "system" }}` + beforeSystem + `{{ .Content }}` + afterSystem +
		`{{ else if eq .Role "user" }}{{ if eq $i 0 }}` + first + `{{ end }}{{ .Content }}` + ending +
		`{{ else if eq .Role "assistant" }}{{ .Content }}{{ if not $last }}` + afterAssistant + `{{ end }}{{ end }}{{ end }}`
	for _, r := range source { // Ollama's parser of Modelfiles drops other characters
		if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			return "", fmt.Errorf("a Modelfile cannot hold the character %U", r)
		}
	}
	for _, text := range []string{beforeSystem, afterSystem, first, afterUser, afterAssistant, prompt} {
		if strings.Contains(text, "{{") || strings.Contains(text, `"""`) {
			return "", fmt.Errorf("it writes %q, which a Go template in a Modelfile cannot hold", text)
		}
	}
	return source, compare(source, render)
}

// conversation returns messages with a different text for each turn.
func conversation(roles ...string) []tokenizer.Message {
	messages := make([]tokenizer.Message, len(roles))
	for i, role := range roles {
		messages[i] = tokenizer.Message{Role: role, Content: fmt.Sprintf("turn-%d: \"é\",\n\n  {{ %s }}.", i, role)}
	}
	return messages
}

// textAround returns the texts that are rendered before, between and after the messages.
func textAround(render func([]tokenizer.Message) (string, error), messages []tokenizer.Message) ([]string, error) {
	rest, err := render(messages)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, m := range messages {
		before, after, ok := strings.Cut(rest, m.Content)
		if !ok {
			return nil, fmt.Errorf("it does not write the messages in their order, each as it is")
		}
		texts, rest = append(texts, before), after
	}
	return append(texts, rest), nil
}

// compare renders conversations of up to three exchanges both ways.
func compare(source string, render func([]tokenizer.Message) (string, error)) error {
	t, err := template.New("").Parse(source)
	if err != nil {
		return err
	}
	for _, head := range [][]string{{}, {"system"}} {
		for exchanges := range 3 {
			roles := head
			for range exchanges {
				roles = append(roles, "user", "assistant")
			}
			messages := conversation(append(roles, "user")...)
			want, err := render(messages)
			if err != nil {
				return err
			}
			var got strings.Builder
			if err := t.Execute(&got, map[string]any{"Messages": messages}); err != nil {
				return err
			}
			if got.String() != want {
				return fmt.Errorf("it writes a conversation of %d messages otherwise than by putting texts around them",
					len(messages))
			}
		}
	}
	return nil
}
