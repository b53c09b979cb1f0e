package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// prompts are the raw prompts of a request: texts, or else token ids.
type prompts struct {
	texts   []string
	ids     [][]int
	special bool // texts become tokens with those that begin a document
}

// readPrompts reads the four forms that OpenAI's API has: a text, texts, token ids, and lists of token ids.
func readPrompts(f fields) (prompts, error) {
	raw := bytes.TrimSpace(f["prompt"])
	delete(f, "prompt")
	p := prompts{special: true}
	var text string
	var ids []int
	switch {
	case json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"':
		p.texts = []string{text}
	case json.Unmarshal(raw, &p.texts) == nil && len(p.texts) > 0:
	case json.Unmarshal(raw, &ids) == nil && len(ids) > 0:
		p.texts, p.ids = nil, [][]int{ids}
	case json.Unmarshal(raw, &p.ids) == nil && len(p.ids) > 0:
		p.texts = nil
	default:
		return p, invalid("prompt", "expected a text, a list of texts, a list of token ids, or a list of such lists")
	}
	if n := max(len(p.texts), len(p.ids)); n > maxChoices {
		return p, invalid("prompt", fmt.Sprintf("there are %d prompts, expected at most %d; send them in several requests",
			n, maxChoices))
	}
	return p, nil
}

// encode returns the prompts' token ids.
func (s *Server) encode(p prompts) ([][]int, error) {
	bytes := 0
	for _, text := range p.texts {
		if err := s.short("prompt", len(text)); err != nil {
			return nil, err
		}
		bytes += len(text)
	}
	s.encoding.Lock()
	defer s.encoding.Unlock()
	ids := p.ids
	for _, text := range p.texts {
		if p.special {
			ids = append(ids, s.tokenizer.EncodeDocument(text))
		} else {
			ids = append(ids, s.tokenizer.Encode(text))
		}
	}
	for _, prompt := range ids {
		if err := s.known("prompt", prompt); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// known refuses token ids that are none.
func (s *Server) known(param string, ids []int) error {
	if i := slices.IndexFunc(ids, func(id int) bool { return id < 0 || id >= s.tokenizer.VocabSize() }); i >= 0 {
		return invalid(param, fmt.Sprintf("there is no token %d, expected 0 to %d", ids[i], s.tokenizer.VocabSize()-1))
	}
	return nil
}

// fit refuses prompts that do not leave room for an answer, where one is requested.
func (s *Server) fit(r *request) error {
	limit, answer := s.model.ContextLength(), 1
	if r.query.PromptOnly {
		answer = 0
	}
	for _, ids := range r.prompts {
		if n := len(ids); n == 0 || n+answer > limit {
			p := invalid(r.param, fmt.Sprintf("the tokens are %d, expected at least one and at most %d of the model's context "+
				"of %d", n, limit-answer, limit))
			p.Code = "context_length_exceeded"
			return p
		}
	}
	return nil
}
