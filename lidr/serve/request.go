package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/tokenizer"
)

const (
	maxTop       = 20   // alternatives of a token, as in the API
	maxStops     = 16   // stop texts of a request
	maxStopBytes = 1000 // bytes of a stop text
)

// request is a client's request.
type request struct {
	query  local.Query
	stream bool
	usage  bool // the stream ends with the usage
}

// parse reads the body of a chat completion, or else of a raw one. Its errors are problems.
func (s *Server) parse(body []byte, chat bool) (*request, error) {
	f := fields{}
	if err := json.Unmarshal(body, &f); err != nil || f == nil {
		return nil, &problem{status: 400, Message: "the body is not a JSON object"}
	}
	name := s.options.Name
	if err := f.read("model", &name, "the model's id"); err != nil {
		return nil, err
	}
	if name != s.options.Name {
		return nil, s.unknown(name)
	}
	r := &request{}
	steps := []func(fields, *request) error{s.readRaw, s.readSampling, readStream, readRest}
	if chat {
		steps[0] = s.readChat
	}
	for _, step := range steps {
		if err := step(f, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// message is a turn in the API's form: its content is a text or a list of parts.
type message struct {
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	ToolCalls []any           `json:"tool_calls"`
}

// text joins text parts as vLLM does.
func (m message) text() (string, bool) {
	var text string
	if len(m.Content) == 0 || string(m.Content) == "null" {
		return "", false
	}
	if json.Unmarshal(m.Content, &text) == nil {
		return text, true
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if json.Unmarshal(m.Content, &parts) != nil {
		return "", false
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		if part.Type != "text" || part.Text == nil {
			return "", false
		}
		texts[i] = *part.Text
	}
	return strings.Join(texts, "\n"), true
}

func (s *Server) readChat(f fields, r *request) error {
	var messages []message
	generate, goOn := true, false
	template := fields{}
	thinking := false
	if err := firstError(
		f.read("messages", &messages, "a list of messages, each with role and content"),
		f.read("add_generation_prompt", &generate, "true or false"),
		f.read("continue_final_message", &goOn, "true or false"),
		f.read("chat_template_kwargs", &template, "an object"),
		template.read("enable_thinking", &thinking, "true or false"),
	); err != nil {
		return err
	}
	if len(template) > 0 {
		return invalid("chat_template_kwargs", "has a field other than enable_thinking, which is the only one offered here")
	}
	if len(messages) == 0 {
		return invalid("messages", "expected at least one")
	}
	turns := make([]tokenizer.Message, len(messages))
	bytes := 0
	for i, m := range messages {
		at := fmt.Sprintf("messages[%d].", i)
		text, ok := m.text()
		switch {
		case m.Role == "developer": // OpenAI's newer name
			m.Role = "system"
		case m.Role != "system" && m.Role != "user" && m.Role != "assistant":
			return invalid(at+"role", fmt.Sprintf("is %.40q, expected system, user or assistant", m.Role))
		}
		if len(m.ToolCalls) > 0 {
			return invalid(at+"tool_calls", "tools are not offered here")
		}
		if !ok {
			return invalid(at+"content", "expected a text, or a list of parts of type text")
		}
		turns[i] = tokenizer.Message{Role: m.Role, Content: text}
		bytes += len(text)
	}
	if err := s.short("messages", bytes); err != nil {
		return err
	}
	prefill := ""
	if last := len(turns) - 1; goOn {
		switch {
		case generate:
			return invalid("continue_final_message", "a new turn cannot begin as well; set add_generation_prompt to false")
		case turns[last].Role != "assistant" || last == 0:
			return invalid("continue_final_message", "expected the last message to be the assistant's, after another")
		}
		turns, prefill, generate = turns[:last], turns[last].Content, true
	}
	s.encoding.Lock()
	ids, err := s.tokenizer.Thinking(thinking).EncodeChat(turns, generate, prefill)
	s.encoding.Unlock()
	if err != nil {
		return invalid("messages", err.Error())
	}
	logprobs := false
	if err := f.read("logprobs", &logprobs, "true or false"); err != nil {
		return err
	}
	r.query.Logprobs = logprobs
	if err := f.read("top_logprobs", &r.query.TopLogprobs, "a whole number"); err != nil {
		return err
	}
	if n := r.query.TopLogprobs; n < 0 || n > maxTop || n > 0 && !logprobs {
		return invalid("top_logprobs", fmt.Sprintf("is %d, expected 0 to %d, and logprobs true", n, maxTop))
	}
	r.query.Sampling.MaxTokens = math.MaxInt32 // what is left of the context
	return s.fits(r, "messages", ids)
}

func (s *Server) readRaw(f fields, r *request) error {
	raw := f["prompt"]
	delete(f, "prompt")
	var text string
	var ids []int
	var texts []string
	if json.Unmarshal(raw, &texts) == nil && len(texts) == 1 {
		text = texts[0]
	} else if json.Unmarshal(raw, &text) != nil && (json.Unmarshal(raw, &ids) != nil || len(ids) == 0) {
		return invalid("prompt", "expected one text, or one list of token ids; send several prompts one by one")
	}
	if err := s.short("prompt", len(text)); err != nil {
		return err
	}
	if ids == nil {
		s.encoding.Lock()
		ids = s.tokenizer.EncodeDocument(text)
		s.encoding.Unlock()
	}
	top := -1
	if err := f.read("logprobs", &top, "a whole number"); err != nil {
		return err
	}
	if top < -1 || top > maxTop {
		return invalid("logprobs", fmt.Sprintf("is %d, expected 0 to %d", top, maxTop))
	}
	r.query.Logprobs, r.query.TopLogprobs = top >= 0, max(0, top)
	r.query.Sampling.MaxTokens = 16 // OpenAI's default
	return s.fits(r, "prompt", ids)
}

// short refuses a text that the context could not hold if it were spelled with the longest tokens: it is not worth
// encoding.
func (s *Server) short(param string, bytes int) error {
	if bytes <= s.longest {
		return nil
	}
	p := invalid(param, fmt.Sprintf("they are %d bytes, more than fit in the model's context of %d tokens", bytes,
		s.model.ContextLength()))
	p.Code = "context_length_exceeded"
	return p
}

// fits sets the prompt, which must leave room for an answer.
func (s *Server) fits(r *request, param string, ids []int) error {
	if n, limit := len(ids), s.model.ContextLength(); n == 0 || n >= limit {
		p := invalid(param, fmt.Sprintf("they are %d tokens, expected at least one and fewer than the model's context of %d",
			n, limit))
		p.Code = "context_length_exceeded"
		return p
	}
	for _, id := range ids {
		if id < 0 || id >= s.tokenizer.VocabSize() {
			return invalid(param, fmt.Sprintf("there is no token %d, expected 0 to %d", id, s.tokenizer.VocabSize()-1))
		}
	}
	r.query.Prompt = ids
	return nil
}

// readSampling reads the fields of lm.Sampling, with OpenAI's defaults. If max_tokens exceeds the context, an answer
// ends at the end of the context.
func (s *Server) readSampling(f fields, r *request) error {
	q := &r.query.Sampling
	q.Temperature, q.TopP, q.Seed = 1, 1, rand.Int64()
	var stops json.RawMessage
	prompt := -1
	if err := firstError(
		f.read("temperature", &q.Temperature, "a number"),
		f.read("top_p", &q.TopP, "a number"),
		f.read("top_k", &q.TopK, "a whole number"),
		f.read("repetition_penalty", &q.RepetitionPenalty, "a number"),
		f.read("max_tokens", &q.MaxTokens, "a whole number"),
		f.read("max_completion_tokens", &q.MaxTokens, "a whole number"), // the newer name
		f.read("seed", &q.Seed, "a whole number"),
		f.read("stop", &stops, "a text or a list of texts"),
		f.read("prompt_logprobs", &prompt, "0"),
	); err != nil {
		return err
	}
	switch {
	case prompt > 0 || prompt < -1:
		return invalid("prompt_logprobs", fmt.Sprintf("is %d, expected 0: there are no alternatives to the prompt's tokens",
			prompt))
	case q.TopP == 0:
		return invalid("top_p", "is 0, expected more, up to 1")
	}
	r.query.PromptLogprobs = prompt == 0
	if q.TopK == -1 { // vLLM's off
		q.TopK = 0
	}
	var one string
	if len(stops) > 0 && json.Unmarshal(stops, &one) == nil {
		q.Stop = []string{one}
	} else if len(stops) > 0 && json.Unmarshal(stops, &q.Stop) != nil {
		return invalid("stop", "expected a text or a list of texts")
	}
	if len(q.Stop) > maxStops || slices.ContainsFunc(q.Stop, func(t string) bool { return len(t) > maxStopBytes }) {
		return invalid("stop", fmt.Sprintf("expected at most %d texts of at most %d bytes", maxStops, maxStopBytes))
	}
	if err := q.Validate(); err != nil {
		message := strings.TrimPrefix(err.Error(), "field ")
		param, _, _ := strings.Cut(strings.ReplaceAll(message, "[", " "), " ")
		return &problem{status: 400, Param: param, Message: message}
	}
	return nil
}

func readStream(f fields, r *request) error {
	var options struct {
		Usage bool `json:"include_usage"`
	}
	if err := firstError(
		f.read("stream", &r.stream, "true or false"),
		f.read("stream_options", &options, "an object"),
	); err != nil {
		return err
	}
	r.usage = options.Usage
	if r.stream && r.query.PromptLogprobs {
		return invalid("prompt_logprobs", "is part of whole answers only; leave stream out")
	}
	return nil
}
