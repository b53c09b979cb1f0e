package datasets

import (
	"encoding/json"
	"fmt"
	"strings"
)

// turn is a message of a conversation, in OpenAI's and TRL's form or in ShareGPT's.
type turn struct{ role, text string }

// said returns what one side says in a field that holds a string or a conversation. A list of messages is a
// conversation of a user's turn, an assistant's, or the one and then the other: a text that says more, with more turns
// or a system's, is not one prompt or one answer, and is refused by name.
func (r record) said(field, role string) (string, error) {
	raw := r.fields[field]
	if len(raw) == 0 || raw[0] != '[' {
		return r.text(field)
	}
	turns, err := r.turns(field)
	if err != nil {
		return "", err
	}
	var roles []string
	text, found := "", false
	for _, t := range turns {
		roles = append(roles, t.role)
		if t.role == role {
			text, found = t.text, true
		}
	}
	order := strings.Join(roles, ", ")
	if !found || order != "user" && order != "assistant" && order != "user, assistant" {
		return "", r.errorf("field %q: expected a conversation with one turn of the %s, found the turns %s",
			field, role, order)
	}
	return text, nil
}

func (r record) turns(field string) ([]turn, error) {
	var elements []json.RawMessage
	if err := r.value(field, "a text or a list of messages", &elements); err != nil {
		return nil, err
	}
	var out []turn
	for i, element := range elements {
		name := fmt.Sprintf("%s[%d]", field, i)
		if element[0] != '{' {
			return nil, r.errorf("field %q: expected a string, found %s; the messages of a conversation are objects with "+
				"\"role\" and \"content\", and %s is %s", field, kind(r.fields[field]), name, kind(element))
		}
		said, err := parseObject(r.file, r.line, element)
		if err != nil {
			return nil, err
		}
		message := record{r.file, r.line, map[string]json.RawMessage{}}
		for key, value := range said.fields {
			message.fields[name+"."+key] = value
		}
		roleField, textField := name+".role", name+".content"
		if message.has(name + ".from") {
			roleField, textField = name+".from", name+".value"
			if message.has(name+".role") || message.has(name+".content") {
				return nil, r.errorf("field %q: %s has the names of OpenAI's messages and of ShareGPT's, expected \"role\" and "+
					"\"content\", or \"from\" and \"value\"", field, name)
			}
		}
		role, err := message.text(roleField)
		if err != nil {
			return nil, err
		}
		text, err := message.text(textField)
		if err != nil {
			return nil, err
		}
		switch role {
		case "human":
			role = "user"
		case "gpt":
			role = "assistant"
		}
		out = append(out, turn{role, text})
	}
	return out, nil
}
