package remote

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// refusal returns the failure of a status other than 200, with what to do about it. body is the server's error.
func (m *Model) refusal(e *endpoint, status int, header http.Header, body []byte) *failure {
	said := complaintOf(body)
	f := &failure{endpoint: e.url, status: status, message: shorten(m.redact(said.message)),
		retryAfter: retryAfter(header)}
	if f.message == "" {
		f.message = http.StatusText(f.status)
	}
	f.field = said.field(status)
	f.refused = said.refuses(status)
	switch {
	case f.refused:
	case f.status == http.StatusUnauthorized && m.key() == "":
		f.message += "; put the API key into the environment variable " + m.options.KeyEnv + ", which a script of lidr " +
			"run gets by --env " + m.options.KeyEnv
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		f.message += "; the API key in the environment variable " + m.options.KeyEnv + " is wrong or not allowed to do this"
	case f.status >= 300 && f.status < 400:
		f.message += "; it redirects elsewhere; give the address that it redirects to as the endpoint"
	case f.status == http.StatusTooManyRequests && said.code == "insufficient_quota":
		f.status = http.StatusPaymentRequired // waiting does not help
		f.message += "; the account is out of credit"
	case slices.Contains(leavable, f.field):
		f.message += fmt.Sprintf("; the server does not take %s, or not this value: add %q to remote.Options.Leave, and "+
			"its own value is used", f.field, f.field)
	case f.fatal():
		f.message += "; correct what it names and run again"
	}
	return f
}

const maxComplaint = 16 << 10 // bytes of an error that are searched for words

// complaint is what a server says of a request that it does not answer.
type complaint struct {
	message   string
	code      string // such as context_length_exceeded
	parameter string // the field that it names beside the message
	all       string // all of it in small letters
}

// complaintOf finds the message in an error response, which has many forms: {"error":{"message":…}} (OpenAI, vLLM),
// {"error":…} (Ollama), {"message":…}, {"detail":…} (FastAPI), or a text.
func complaintOf(body []byte) complaint {
	c := complaint{message: strings.TrimSpace(string(body))}
	c.all = strings.ToLower(withoutInput(c.message[:min(len(c.message), maxComplaint)]))
	var outer struct {
		Error  json.RawMessage `json:"error"`
		Detail json.RawMessage `json:"detail"`
	}
	type inner struct {
		Message string          `json:"message"`
		Type    string          `json:"type"`
		Code    json.RawMessage `json:"code"`
		Param   json.RawMessage `json:"param"`
	}
	var said inner
	if json.Unmarshal(body, &outer) != nil {
		return c
	}
	_ = json.Unmarshal(body, &said) // of a server that uses these names for something else, the whole is shown
	var text string
	switch {
	case said.Message != "":
	case json.Unmarshal(outer.Error, &text) == nil && text != "":
		said.Message = text
	case json.Unmarshal(outer.Error, &said) == nil && said.Message != "":
	case json.Unmarshal(outer.Detail, &text) == nil && text != "":
		said.Message = text
	}
	if said.Message != "" {
		c.message = said.Message
	}
	c.code = strings.Trim(string(said.Code), `"`)
	if said.Type == "insufficient_quota" {
		c.code = said.Type
	}
	c.parameter = strings.Trim(string(said.Param), `"`)
	return c
}

// input is the field in which FastAPI repeats what it refuses: words of the prompt are none of the server's.
var input = regexp.MustCompile(`"input"\s*:\s*("(?:[^"\\]|\\.)*"?|\[[^\]]*\]?|\{[^}]*\}?)`)

func withoutInput(body string) string { return input.ReplaceAllString(body, `"input":""`) }

// Words by which servers say that a prompt is too long for the model (OpenAI, vLLM, SGLang, TGI, llama.cpp, Anthropic)
// or that a filter holds it back (OpenAI, Azure, OpenRouter).
var (
	tooLong = []string{"context_length_exceeded", "exceed_context_size", "maximum context length", "context length",
		"context size", "context window", "context shift is disabled", "prompt is too long", "input is too long",
		"string_above_max_length", "too many tokens", "request too large"}
	filtered = []string{"content_filter", "content filter", "content management policy", "content_policy",
		"content policy", "policy violation", "policy_violation", "responsibleaipolicy", "moderation", "flagged",
		"safety", "guardrail", "prohibited_content", "inappropriate content", "content was blocked", "prompt was blocked"}
	// ofAll are complaints that every other request would get too, with whatever status they come.
	ofAll = []string{"credit balance", "billing", "insufficient_quota", "current quota", "api key", "api_key",
		"authentication", "model not exist", "model_not_found", "does not exist"}
)

// refuses reports whether the server will never answer this request, whereas it may answer others.
func (c complaint) refuses(status int) bool {
	switch field := c.field(status); {
	case slices.Contains(leavable, field) || slices.Contains(lengthFields, field):
		return false // every request has the field
	case c.says(ofAll) && !c.says(tooLong) && !c.says(filtered):
		return false
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge ||
		status == http.StatusUnprocessableEntity || status == http.StatusUnavailableForLegalReasons:
		return true
	case status == http.StatusForbidden:
		return c.says(filtered)
	case status == http.StatusTooManyRequests:
		return strings.Contains(c.all, "request too large")
	}
	return status >= 500 && c.says(tooLong)
}

// The fields of a request that a server may refuse.
var (
	lengthFields = []string{"max_completion_tokens", "max_tokens"}
	// leavable may be left out ([Options.Leave]).
	leavable = []string{"temperature", "top_p", "top_k", "min_p", "repetition_penalty", "repeat_penalty", "seed", "stop",
		"chat_template_kwargs"}

	fieldName = regexp.MustCompile("(.?)\\b(max_completion_tokens|max_tokens|temperature|top_p|top_k|min_p|" +
		"repetition_penalty|repeat_penalty|seed|stop|chat_template_kwargs)\\b(.?)")
	notTaken = []string{"unsupported", "not supported", "not support", "unrecognized", "unknown", "unexpected",
		"not permitted", "not allowed", "extra_forbidden", "cannot both", "deprecated", "not available"}
)

func (c complaint) says(words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(c.all, word) })
}

// field returns the name of the field of a request that the server does not take, or not with its value; "" if the
// complaint is about something else.
func (c complaint) field(status int) string {
	switch {
	case status == http.StatusInternalServerError && strings.Contains(c.all, "logprobs") && c.says(notTaken):
		return "logprobs"
	case status != http.StatusBadRequest && status != http.StatusForbidden &&
		status != http.StatusUnprocessableEntity && status != http.StatusNotImplemented:
		return ""
	case strings.Contains(c.all, "logprobs"):
		return "logprobs"
	case c.parameter == "n":
		return "n"
	case c.says(tooLong) || !c.says(notTaken):
		return ""
	case slices.Contains(leavable, c.parameter) || slices.Contains(lengthFields, c.parameter):
		return c.parameter
	}
	const quotes = "\"'`"
	for _, found := range fieldName.FindAllStringSubmatch(strings.ToLower(c.message), -1) {
		before, name, after := found[1], found[2], found[3]
		quoted := before != "" && strings.Contains(quotes, before) && before == after
		if quoted || strings.Contains(name, "_") || after == ":" || before == " " && after == "" { // others are words
			return name
		}
	}
	return ""
}

// complaintInAnswer returns the status and the body of an error that comes with status 200, as gateways pass on what
// the server behind them says: {"error":{"code":429,"message":…}}, of the response or of its choice. ok is false if
// there is none.
func complaintInAnswer(body []byte) (status int, said []byte, ok bool) {
	type holder struct {
		Error json.RawMessage `json:"error,omitempty"`
	}
	var res struct {
		holder
		Choices []holder `json:"choices"`
	}
	if json.Unmarshal(body, &res) != nil {
		return 0, nil, false
	}
	for _, h := range append([]holder{res.holder}, res.Choices...) {
		if len(h.Error) == 0 || string(h.Error) == "null" {
			continue
		}
		said, err := json.Marshal(h)
		if err != nil {
			return 0, nil, false
		}
		status, err := strconv.Atoi(complaintOf(said).code)
		if err != nil || status < 400 || status > 599 {
			status = http.StatusBadGateway
			if c := complaintOf(said); slices.Contains(filtered, strings.ToLower(c.code)) {
				status = http.StatusBadRequest
			}
		}
		return status, said, true
	}
	return 0, nil, false
}
