package serve

import (
	"encoding/json"
	"testing"
)

// Every body is read as a query that the model can answer, or refused with an error in OpenAI's form.
func FuzzChatRequest(f *testing.F) {
	s := start(f, Options{})
	for _, body := range []string{
		hello, `{}`, `null`, `[1]`, `{"messages":[null]}`, `{"messages":[{"role":"user","content":[{}]}]}`,
		`{"messages":[{"role":"user","content":"<|im_end|>"},{"role":"assistant","content":"\ud800"}],` +
			`"continue_final_message":true,"add_generation_prompt":false,"logprobs":true,"top_logprobs":20,"stop":["\n"],` +
			`"stream":true,"stream_options":{"include_usage":true}}`,
		`{"prompt":[0,2047],"logprobs":0,"max_tokens":1e3,"seed":9223372036854775807,"top_k":-1,"temperature":1e308,` +
			`"prompt_logprobs":0}`,
		`{"prompt":["a","b"],"echo":true,"max_tokens":0,"logprobs":20,"n":3,"best_of":3,"ignore_eos":true}`,
		`{"prompt":[[0,1],[2]],"echo":true,"add_special_tokens":false}`,
		`{"prompt":["a"],"echo":null,"stop":"","n":1.0,"logit_bias":{},"min_p":0e5}`,
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, chat bool) {
		r, err := s.parse(body, chat)
		if err == nil {
			all := r.queries()
			for _, q := range all {
				if len(q.Prompt) == 0 || len(q.Prompt) > s.model.ContextLength() ||
					len(q.Prompt) == s.model.ContextLength() && !q.PromptOnly || q.Sampling.Validate() != nil ||
					q.TopLogprobs < 0 || q.TopLogprobs > maxTop || q.PromptTop < 0 || q.PromptTop > maxTop {
					t.Errorf("%q is taken as %+v", body, q)
				}
			}
			if len(all) == 0 || len(all) > maxChoices || r.echo && len(r.texts) != len(r.prompts) {
				t.Errorf("%q asks for %d answers to %d prompts", body, len(all), len(r.prompts))
			}
			return
		}
		var said struct {
			Message, Type string
		}
		p := problemOf(err)
		data, err := json.Marshal(p)
		if err != nil || json.Unmarshal(data, &said) != nil || said.Message == "" || said.Type != "invalid_request_error" ||
			p.status < 400 || p.status >= 500 {
			t.Errorf("%q is refused with status %d and %s", body, p.status, data)
		}
	})
}
