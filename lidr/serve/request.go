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
	maxChoices   = 1024 // answers of a request
)

// request is a client's request.
type request struct {
	query   local.Query // what all its answers share
	param   string      // the field that the prompts are in
	prompts [][]int     // token ids
	texts   []string    // of the prompts; only where they are echoed
	n       int         // answers to each prompt
	echo    bool        // an answer begins with its prompt

	prompted bool // vLLM's prompt_logprobs are requested
	stream   bool
	usage    bool // the stream ends with the usage
}

// queries returns the query of each choice, the answers to a prompt side by side as in OpenAI's API.
func (r *request) queries() []local.Query {
	var all []local.Query
	for _, prompt := range r.prompts {
		for k := range r.n {
			q := r.query
			q.Prompt, q.Choice = prompt, k
			all = append(all, q)
		}
	}
	return all
}

// parse reads the body of a chat completion, or else of a raw one. Its errors are problems.
func (s *Server) parse(body []byte, chat bool) (*request, error) {
	f := fields{}
	if err := json.Unmarshal(body, &f); err != nil || f == nil {
		return nil, &problem{status: 400, Message: "the body is not a JSON object"}
	}
	if err := s.named(f); err != nil {
		return nil, err
	}
	r := &request{n: 1}
	steps := []func(fields, *request) error{s.readRaw, s.readSampling, readChoices, readStream, readRest}
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

// named refuses a request to another model.
func (s *Server) named(f fields) error {
	name := s.options.Name
	if err := f.read("model", &name, "the model's id"); err != nil {
		return err
	}
	if name != s.options.Name {
		return s.unknown(name)
	}
	return nil
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
	ids, err := s.readTurns(f)
	if err != nil {
		return err
	}
	logprobs := false
	if err := firstError(
		f.read("logprobs", &logprobs, "true or false"),
		f.read("top_logprobs", &r.query.TopLogprobs, "a whole number"),
	); err != nil {
		return err
	}
	r.query.Logprobs = logprobs
	if n := r.query.TopLogprobs; n < 0 || n > maxTop || n > 0 && !logprobs {
		return invalid("top_logprobs", fmt.Sprintf("is %d, expected 0 to %d, and logprobs true", n, maxTop))
	}
	r.query.Sampling.MaxTokens = math.MaxInt32 // what is left of the context
	r.param, r.prompts = "messages", [][]int{ids}
	return nil
}

// readTurns returns the token ids of a conversation.
func (s *Server) readTurns(f fields) ([]int, error) {
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
		return nil, err
	}
	if len(template) > 0 {
		return nil, invalid("chat_template_kwargs", "has a field other than enable_thinking, the only one offered here")
	}
	if len(messages) == 0 {
		return nil, invalid("messages", "expected at least one")
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
			return nil, invalid(at+"role", fmt.Sprintf("is %.40q, expected system, user or assistant", m.Role))
		}
		if len(m.ToolCalls) > 0 {
			return nil, invalid(at+"tool_calls", "tools are not offered here")
		}
		if !ok {
			return nil, invalid(at+"content", "expected a text, or a list of parts of type text")
		}
		turns[i] = tokenizer.Message{Role: m.Role, Content: text}
		bytes += len(text)
	}
	if err := s.short("messages", bytes); err != nil {
		return nil, err
	}
	prefill := ""
	if last := len(turns) - 1; goOn {
		switch {
		case generate:
			return nil, invalid("continue_final_message", "a new turn cannot begin as well; set add_generation_prompt to false")
		case turns[last].Role != "assistant" || last == 0:
			return nil, invalid("continue_final_message", "expected the last message to be the assistant's, after another")
		}
		turns, prefill, generate = turns[:last], turns[last].Content, true
	}
	s.encoding.Lock()
	ids, err := s.tokenizer.Thinking(thinking).EncodeChat(turns, generate, prefill)
	s.encoding.Unlock()
	if err != nil {
		return nil, invalid("messages", err.Error())
	}
	return ids, s.known("messages", ids)
}

func (s *Server) readRaw(f fields, r *request) error {
	prompts, err := readPrompts(f)
	if err != nil {
		return err
	}
	top := -1
	if err := firstError(
		f.read("echo", &r.echo, "true or false"),
		f.read("logprobs", &top, "a whole number"),
		f.read("add_special_tokens", &prompts.special, "true or false"),
	); err != nil {
		return err
	}
	if top < -1 || top > maxTop {
		return invalid("logprobs", fmt.Sprintf("is %d, expected 0 to %d", top, maxTop))
	}
	r.query.Logprobs, r.query.TopLogprobs = top >= 0, max(0, top)
	r.query.PromptLogprobs, r.query.PromptTop = r.echo && top >= 0, max(0, top)
	r.query.Sampling.MaxTokens = 16 // OpenAI's default
	ids, err := s.encode(prompts)
	if err != nil {
		return err
	}
	r.param, r.prompts = "prompt", ids
	if r.echo {
		if r.texts = prompts.texts; r.texts == nil {
			for _, p := range ids {
				r.texts = append(r.texts, strings.ToValidUTF8(string(s.tokenizer.DecodeBytes(p)), "\uFFFD"))
			}
		}
	}
	return nil
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
		f.read("prompt_logprobs", &prompt, "a whole number"),
		f.read("ignore_eos", &r.query.IgnoreEnd, "true or false"),
	); err != nil {
		return err
	}
	switch {
	case prompt < -1 || prompt > maxTop:
		return invalid("prompt_logprobs", fmt.Sprintf("is %d, expected 0 to %d", prompt, maxTop))
	case q.TopP == 0:
		return invalid("top_p", "is 0, expected more, up to 1")
	}
	if r.prompted = prompt >= 0; r.prompted {
		r.query.PromptLogprobs, r.query.PromptTop = true, max(r.query.PromptTop, prompt)
	}
	if q.MaxTokens == 0 && (r.echo || r.prompted) {
		r.query.PromptOnly, q.MaxTokens = true, 1
	}
	if err := s.fit(r); err != nil {
		return err
	}
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
	if r.stream && r.prompted {
		return invalid("prompt_logprobs", "is part of whole answers only; leave stream out")
	}
	return nil
}

// readChoices reads how many answers there are.
func readChoices(f fields, r *request) error {
	best := 0
	if err := firstError(f.read("n", &r.n, "a whole number"), f.read("best_of", &best, "a whole number")); err != nil {
		return err
	}
	switch {
	case r.n < 1:
		return invalid("n", fmt.Sprintf("is %d, expected at least 1", r.n))
	case best != 0 && best != r.n:
		return invalid("best_of", "is not offered here beyond n; leave it out")
	case r.n > maxChoices/len(r.prompts):
		return invalid("n", fmt.Sprintf("is %d for %d prompts, expected at most %d answers in all", r.n, len(r.prompts),
			maxChoices))
	}
	return nil
}
