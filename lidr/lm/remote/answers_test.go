package remote

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lidrlab/lidr/lm"
)

// saying is a response of which the fields of the message and the finish reason are given.
func saying(fields, reason string) string {
	return fmt.Sprintf(`{"model":"m","choices":[{"index":0,"message":{"role":"assistant",%s},"finish_reason":%s}],`+
		`"usage":{"prompt_tokens":7,"completion_tokens":3}}`, fields, reason)
}

// answerTo asks a server that gives one response, at most twice.
func answerTo(t *testing.T, o Options, response string, top int) (answer Answer, err error) {
	t.Helper()
	f := newFake(t)
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		fmt.Fprint(w, response)
		return true
	}
	o.Attempts = 2
	err = open(t, o, f).Ask(t.Context(), prompts(1), greedy, top, nil, func(_ []int, out []Answer) error {
		answer = out[0]
		return nil
	})
	return answer, err
}

// What servers send instead of an answer, around it, or for its end.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		response string
		want     lm.Completion
		fault    string
	}{
		"null content": {saying(`"content":null`, `"stop"`), lm.Completion{}, lm.FaultEmpty},
		"no content":   {saying(`"refusal":null`, `"stop"`), lm.Completion{}, lm.FaultEmpty},
		"refusal": {saying(`"content":null,"refusal":"I cannot."`, `"stop"`),
			lm.Completion{FinishReason: lm.FinishRefusal, Reason: "I cannot."}, lm.FaultRefusal},
		"refusal part": {saying(`"content":[{"type":"refusal","refusal":"I cannot."}]`, `"stop"`),
			lm.Completion{FinishReason: lm.FinishRefusal, Reason: "I cannot."}, lm.FaultRefusal},
		"filter": {saying(`"content":"La resp"`, `"content_filter"`),
			lm.Completion{Text: "La resp", FinishReason: lm.FinishFilter}, lm.FaultWithheld},
		"Gemini's filter": {saying(`"content":null`, `"SAFETY"`), lm.Completion{FinishReason: lm.FinishFilter},
			lm.FaultWithheld},
		"cut": {saying(`"content":"La resp"`, `"max_tokens"`),
			lm.Completion{Text: "La resp", FinishReason: lm.FinishLength}, lm.FaultCut},
		"reasoning_content, cut": {saying(`"content":null,"reasoning_content":"So 18"`, `"length"`),
			lm.Completion{Thought: "So 18", FinishReason: lm.FinishLength}, lm.FaultThought},
		"reasoning alone": {saying(`"content":"","reasoning":"So 18"`, `"stop"`), lm.Completion{Thought: "So 18"},
			lm.FaultThought},
		"reasoning and answer": {saying(`"content":"18","reasoning_content":"5?"`, `"stop"`),
			lm.Completion{Text: "18", Thought: "5?"}, ""},
		"reasoning in parts": {saying(`"content":"18","reasoning":[{"type":"text","text":"5?"},"No."]`, `"stop"`),
			lm.Completion{Text: "18", Thought: "5?\nNo."}, ""},
		"reasoning as an object, alone": {saying(`"content":null,"reasoning":{"summary":["5?"]}`, `"stop"`),
			lm.Completion{Thought: "5?"}, lm.FaultThought},
		"reasoning that is encrypted": {saying(`"content":"","reasoning_details":[{"type":"r","data":"Zm9v"}]`, `"stop"`),
			lm.Completion{Thought: unreadThought}, lm.FaultThought},
		"reasoning that is empty": {saying(`"content":"18","reasoning":{"type":"r","text":""}`, `"stop"`),
			lm.Completion{Text: "18"}, ""},
		"gpt-oss without its tokens": {saying(`"content":"analysisNine eggs.assistantfinalIt is 18."`, `"stop"`),
			lm.Completion{Text: "It is 18.", Thought: "Nine eggs."}, ""},
		"think": {saying(`"content":"<think>\nMaybe 5.\n</think>\n\nIt is 18."`, `"stop"`),
			lm.Completion{Text: "It is 18.", Thought: "Maybe 5."}, ""},
		"think, opened by the template": {saying(`"content":"Maybe 5.\n</think>\nIt is 18."`, `"stop"`),
			lm.Completion{Text: "It is 18.", Thought: "Maybe 5."}, ""},
		"think, cut": {saying(`"content":"<think>Maybe 5"`, `"length"`),
			lm.Completion{Thought: "Maybe 5", FinishReason: lm.FinishLength}, lm.FaultThought},
		"think, begun": {saying(`"content":"<think>"`, `"length"`),
			lm.Completion{Thought: "<think>", FinishReason: lm.FinishLength}, lm.FaultThought},
		"parts": {saying(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"Maybe 5."}]},`+
			`{"type":"text","text":"It "},{"type":"output_text","text":"is 18."}]`, `"stop"`),
			lm.Completion{Text: "It is 18.", Thought: "Maybe 5."}, ""},
		"a part of no type": {saying(`"content":[{"text":"It is 18."}]`, `"stop"`), lm.Completion{Text: "It is 18."}, ""},
		"no parts":          {saying(`"content":[]`, `"stop"`), lm.Completion{}, lm.FaultEmpty},
		"TGI's end":         {saying(`"content":"18"`, `"eos_token"`), lm.Completion{Text: "18"}, ""},
		"Anthropic's end":   {saying(`"content":"18"`, `"end_turn"`), lm.Completion{Text: "18"}, ""},
		"another model": {strings.Replace(saying(`"content":"18"`, `"stop"`), `"m"`, `"cheap"`, 1),
			lm.Completion{Text: "18", By: "cheap"}, lm.FaultModel},
		"usage that is none": {`{"choices":[{"message":{"content":"18"},"finish_reason":"stop"}],` +
			`"usage":{"prompt_tokens":-7,"completion_tokens":null}}`, lm.Completion{Text: "18", PromptTokens: -7}, ""},
		"choices in another order": {`{"choices":[{"index":1,"message":{"content":"5"},"finish_reason":"stop"},` +
			`{"index":0,"message":{"content":"18"},"finish_reason":"stop"}],` +
			`"usage":{"prompt_tokens":7,"completion_tokens":3}}`, lm.Completion{Text: "18"}, ""},
	} {
		got, err := answerTo(t, Options{}, c.response, 0)
		if c.want.FinishReason == "" {
			c.want.FinishReason = lm.FinishStop
		}
		if c.want.PromptTokens == 0 {
			c.want.PromptTokens, c.want.Tokens = 7, 3
		}
		c.want.PromptTokens = max(0, c.want.PromptTokens)
		if diff := cmp.Diff(c.want, got.Completion); err != nil || diff != "" || got.Fault() != c.fault {
			t.Errorf("%s: error %v, fault %q, want %q (-want +got):\n%s", name, err, got.Fault(), c.fault, diff)
		}
	}
	if got, err := answerTo(t, Options{Aliases: []string{"cheap"}},
		strings.Replace(saying(`"content":"18"`, `"stop"`), `"m"`, `"cheap"`, 1), 0); err != nil || got.Fault() != "" {
		t.Errorf("an alias: %+v, %v", got, err)
	}
}

// JSON is read whatever a server calls it.
func TestJSONOfAnotherType(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"test"}]}`)
			return
		}
		fmt.Fprint(w, completion("18", ""))
	}))
	t.Cleanup(server.Close)
	m, err := openFast(t, Options{Endpoints: []string{server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	err = m.Generate(t.Context(), prompts(1), greedy, nil, func(_ []int, out []lm.Completion) error {
		if out[0].Text != "18" {
			t.Errorf("%+v", out)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A response that is no answer, whole or not, is asked for again or given up, and never kept.
func TestResponsesThatAreNoAnswers(t *testing.T) {
	t.Parallel()
	for response, want := range map[string]struct {
		message string
		final   bool
	}{
		saying(`"content":"hel"`, `"abort"`):                               {`finish_reason "abort"`, false},
		saying(`"content":"hel"`, `null`):                                  {`finish_reason ""`, false},
		saying(`"content":"hel"`, `"error"`):                               {`finish_reason "error"`, false},
		saying(`"content":null,"tool_calls":[]`, `"tool_use"`):             {"calls a tool", true},
		saying(`"content":null`, `"function_call"`):                        {"calls a tool", true},
		saying(`"content":18`, `"stop"`):                                   {"content 18, expected a text", false},
		saying(`"content":[{"type":"image_url"}]`, `"stop"`):               {`part of type "image_url"`, false},
		saying(`"content":["18"]`, `"stop"`):                               {"parts that cannot be read", false},
		`{"choices":[]}`:                                                   {"no choices", false},
		`{"choices":null}`:                                                 {"no choices", false},
		`{"error":{"message":"upstream is busy","code":429}}`:              {"busy", false},
		`{"error":"upstream is gone","choices":[]}`:                        {"gone", false},
		`{"error":{"message":"maximum context length is 5","code":"400"}}`: {"context length", true},
		`{"choices":[{"error":{"message":"it was flagged","code":403},` +
			`"finish_reason":"error","message":{"content":"x"}}]}`: {"flagged", true},
	} {
		_, err := answerTo(t, Options{}, response, 0)
		var incomplete *lm.IncompleteError
		if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), want.message) ||
			incomplete.Failed[0].Final != want.final {
			t.Errorf("%s: %v, want %+v", response, err, want)
		}
	}
	_, err := answerTo(t, Options{}, `{"error":{"message":"pay first","code":402}}`, 0)
	var incomplete *lm.IncompleteError
	if err == nil || errors.As(err, &incomplete) || !strings.Contains(err.Error(), "pay first") {
		t.Errorf("a failure of the account in a response ends with %v", err)
	}
}

// A probability that is none is not one, and its token is kept; what is impossible has none or -9999.
func TestLogprobsThatAreNone(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	top := func(tokens ...lm.TokenLogprob) []lm.TokenLogprob { return tokens }
	m, unknown := lm.TokenLogprob{Token: "m", Logprob: -0.1}, lm.TokenLogprob{Token: "M", Logprob: none}
	long := lm.TokenLogprob{Token: "NaN", Logprob: -0.1}
	impossible := lm.TokenLogprob{Token: "M", Logprob: -9999}
	const likely = `{"token":"m","logprob":-0.1}`
	first := func(list string) string { return `{"content":[{"token":"m","logprob":-0.1` + list + `}]}` }
	for sent, want := range map[string][]lm.TokenLogprob{
		first(`,"top_logprobs":[{"token":"M","logprob":null},` + likely + `]`):      top(m, unknown),
		first(`,"top_logprobs":[` + likely + `,{"token":"M"}]`):                     top(m, unknown),
		first(`,"top_logprobs":[` + likely + `,{"token":"M","logprob":0.5}]`):       top(m, unknown),
		first(`,"top_logprobs":[` + likely + `,{"token":"M","logprob":NaN}]`):       top(m, unknown),
		first(`,"top_logprobs":[` + likely + `,{"token":"M","logprob":-Infinity}]`): top(m, impossible),
		first(`,"top_logprobs":[{"token":"NaN","logprob":-0.1}]`):                   top(long),
		first(`,"top_logprobs":[{"token":"m","logprob":0.0000001}]`):                top(lm.TokenLogprob{Token: "m"}),
		first(`,"top_logprobs":[]`):                                                 nil,
		first(``):                                                                   nil,
		`{"content":null}`:                                                          nil,
		`null`:                                                                      nil,
		`{"tokens":["m"],"token_logprobs":[-0.1],"top_logprobs":[{"m":-0.1}]}`:      nil,
	} {
		got, err := answerTo(t, Options{}, completion("m", `,"logprobs":`+sent), 5)
		if diff := cmp.Diff(want, got.TopLogprobs, cmpopts.EquateNaNs()); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", sent, err, diff)
		}
	}
}

func TestSameModel(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"gpt-4o", "gpt-4o-2024-08-06"}, {"gpt-4", "gpt-4-0613"}, {"gemini-1.5-flash", "models/gemini-1.5-flash-002"},
		{"mistral-large-latest", "mistral-large-2411"}, {"claude-sonnet-4", "claude-sonnet-4-20250514"},
		{"Qwen/Qwen3-8B", "Qwen3-8B"}, {"Qwen3-8B", "/models/qwen3-8b/"}, {"qwen2.5-7b", `C:\models\Qwen2.5-7B.gguf`},
		{"qwen3", "qwen3:latest"}, {"meta-llama/llama-3:free", "meta-llama/llama-3"},
	} {
		if !sameModel(same[0], same[1]) || !sameModel(same[1], same[0]) {
			t.Errorf("%q and %q are held for two models", same[0], same[1])
		}
	}
	for _, other := range [][2]string{
		{"gpt-4o", "gpt-4o-mini"}, {"gpt-4", "gpt-4-turbo"}, {"gpt-4", "gpt-4o"}, {"qwen3:8b", "qwen3:4b"},
		{"llama-3-8b", "llama-3-70b"}, {"llama-3", "llama-3-70"}, {"m", "cheap-fallback"}, {"a/m", "b/m"},
		{"o3", "o3-mini"}, {"qwen3:latest", "qwen3:4b"}, {"gpt-4o-2024-05-13", "gpt-4o-2024-08-06"},
	} {
		if sameModel(other[0], other[1]) || sameModel(other[1], other[0]) {
			t.Errorf("%q and %q are held for one model", other[0], other[1])
		}
	}
}
