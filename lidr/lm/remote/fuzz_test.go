package remote

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/lm"
)

// A response that is taken for an answer survives the store unchanged.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(completion("Hallo", "")))
	f.Add([]byte(completion("\xff", `,"logprobs":{"content":[{"token":"\ud800","logprob":-1,`+
		`"top_logprobs":[{"token":"\ud800","logprob":-1e400}]}]}`)))
	f.Add([]byte(saying(`"content":[{"type":"thinking","thinking":[{"text":"a"}]},{"type":"text","text":"b"}]`, `"eos"`)))
	f.Add([]byte(saying(`"content":null,"reasoning":"a","refusal":"b"`, `"stop"`)))
	f.Add([]byte(`{"choices":[{"message":null,"finish_reason":"stop"}]}`))
	f.Add([]byte(`{"choices":{},"usage":{"prompt_tokens":-1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var res openai.ChatCompletion
		if json.Unmarshal(data, &res) != nil {
			return
		}
		promptTokens(&res)
		complaintInAnswer(data)
		a, err := answerOf(&res)
		if err != nil {
			return
		}
		stored, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back Answer
		if err := json.Unmarshal(stored, &back); err != nil || back.Completion != a.Completion ||
			len(back.TopLogprobs) != len(a.TopLogprobs) {
			t.Errorf("%+v is read back as %+v, error %v", a, back, err)
		}
		reasons := []string{lm.FinishStop, lm.FinishLength, lm.FinishFilter, lm.FinishRefusal}
		if !slices.Contains(reasons, a.FinishReason) {
			t.Errorf("finish reason %q", a.FinishReason)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	for _, body := range []string{`{"error":{"message":"m"}}`, `{"error":"m"}`, `{"object":"error","message":"m"}`,
		`{"detail":[{"msg":"m"}]}`, "<html>",
		`{"error":{"message":"'top_p' is not supported","param":"top_p"}}`, `"sk-secret-0123456789"`} {
		f.Add(400, body, "3")
	}
	m := &Model{key: func() string { return "sk-secret-0123456789" }}
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		got := m.refusal(&endpoint{}, status, http.Header{"Retry-After": {after}}, []byte(body))
		if strings.Contains(got.message, "sk-secret-0123456789") || !utf8.ValidString(got.message) ||
			len(got.message) > 3*maxMessage+200 {
			t.Errorf("message %q", got.message)
		}
		if got.retryAfter < 0 || got.retryAfter > maxRetryAfter {
			t.Errorf("retry after %v", got.retryAfter)
		}
	})
}

// Whatever a server reports about its model, context and identity are usable and do not contain the key.
func FuzzDescription(f *testing.F) {
	f.Add([]byte(`{"id":"m","owned_by":"vllm","root":"/m","max_model_len":4096}`))
	f.Add([]byte(`{"id":"sk-secret-0123456789","max_model_len":-1,"meta":{"n_params":1e30}}`))
	f.Add([]byte(`{"id":3,"root":{},"max_model_len":"x"}`))
	m := &Model{key: func() string { return "sk-secret-0123456789" }}
	f.Fuzz(func(t *testing.T, data []byte) {
		var model openai.Model
		if json.Unmarshal(data, &model) != nil {
			return
		}
		got := m.description(model)
		if got.context <= 0 || strings.Contains(got.identity.String(), "sk-secret-0123456789") {
			t.Errorf("%q is described as %+v", data, got)
		}
	})
}
