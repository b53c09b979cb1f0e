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
	for _, field := range []string{"reasoning_content", "reasoning", "thinking"} { // one and the same on all servers
		raw := m.JSON.ExtraFields[field].Raw()
		if raw != "" && json.Unmarshal([]byte(raw), &c.thought) == nil && c.thought != "" {
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
