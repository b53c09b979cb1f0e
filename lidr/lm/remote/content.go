package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/openai/openai-go/v3"
)

// content is what a message holds.
type content struct {
	text    string
	thought string // before the text, and no part of it
	refusal string // what the model says instead of an answer
}

// contentOf reads a message. Its text is a string, null, or a list of parts, of which those of a text are joined; the
// thought is in a field of its own, in parts, or in none.
func contentOf(m openai.ChatCompletionMessage) (content, error) {
	c := content{refusal: m.Refusal}
	// One and the same on all servers.
	for _, field := range []string{"reasoning_content", "reasoning", "thinking", "reasoning_details"} {
		if c.thought = thoughtOf([]byte(m.JSON.ExtraFields[field].Raw()), 0); c.thought != "" {
			break
		}
	}
	raw := []byte(m.JSON.Content.Raw())
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return c, nil
	case raw[0] == '"':
		c.text = m.Content
		return c, nil
	case raw[0] != '[':
		return c, fmt.Errorf("the response has the content %.40s, expected a text", raw)
	}
	var parts []part
	if err := json.Unmarshal(raw, &parts); err != nil {
		return c, fmt.Errorf("the response has a content of parts that cannot be read: %w", err)
	}
	for _, p := range parts {
		if err := p.add(&c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// unreadThought stands for a thought in a form that no server is known to write, so that it counts as one.
const unreadThought = "(a thought in a form that is not read)"

// thoughtOf reads a thought at a depth of its JSON: a text, an object with one, or a list of those; "" for none.
func thoughtOf(raw json.RawMessage, depth int) string {
	const deepest = 4
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) == nil { // null is no text
		return text
	}
	if depth == deepest {
		return unreadThought
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var texts []string
		for _, item := range list {
			if text := thoughtOf(item, depth+1); text != "" {
				texts = append(texts, text)
			}
		}
		return strings.Join(texts, "\n")
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || len(object) == 0 {
		return ""
	}
	for _, field := range []string{"text", "content", "summary", "thinking", "reasoning"} {
		if text := thoughtOf(object[field], depth+1); text != "" {
			return text
		}
	}
	for field, value := range object { // such as "encrypted_content"; "type" and "id" are about it
		if field != "type" && field != "id" && string(value) != "null" && len(value) > len(`""`) {
			return unreadThought
		}
	}
	return ""
}

// part is one of the parts of a message.
type part struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Refusal  string          `json:"refusal"`
	Thinking json.RawMessage `json:"thinking"` // a text, or Mistral's list of text parts
}

func (p part) add(c *content) error {
	switch p.Type {
	case "text", "output_text", "": // or nothing but a text
		if p.Type == "" && p.Text == "" {
			return errors.New("the response has a part without type and text, expected text")
		}
		c.text += p.Text
	case "refusal":
		c.refusal += p.Refusal
	case "thinking", "reasoning":
		thought := p.Text
		var parts []part
		if len(p.Thinking) > 0 && json.Unmarshal(p.Thinking, &thought) != nil {
			if err := json.Unmarshal(p.Thinking, &parts); err != nil {
				return fmt.Errorf("the response has a thought that cannot be read: %w", err)
			}
		}
		for _, inner := range parts {
			thought += inner.Text
		}
		c.thought = strings.TrimSpace(c.thought + "\n" + thought)
	case "redacted_thinking": // an encrypted thought
	default:
		return fmt.Errorf("the response has a part of type %.40q, expected text", p.Type)
	}
	return nil
}
