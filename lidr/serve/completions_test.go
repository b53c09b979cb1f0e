package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// completed is a response of the completions route.
type completed struct {
	Choices []struct {
		Index    int
		Text     string
		Finish   string `json:"finish_reason"`
		Logprobs struct {
			Tokens  []string
			Values  []*float64           `json:"token_logprobs"`
			Offsets []int                `json:"text_offset"`
			Top     []map[string]float64 `json:"top_logprobs"`
		}
		Prompt []map[string]struct {
			Logprob float64
			Rank    *int
		} `json:"prompt_logprobs"`
	}
	Usage struct {
		Prompt    int `json:"prompt_tokens"`
		Completed int `json:"completion_tokens"`
	}
}

func complete(t testing.TB, s *served, body string) (out completed) {
	t.Helper()
	status, answer := post(t, s, "POST", "/v1/completions", body, nil)
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status != 200 {
		t.Fatalf("%.200s: status %d, %.300s", body, status, answer)
	}
	return out
}

// The request that lm-eval 0.4.13 sends for the log-likelihood of a continuation (openai_completions.py,
// _create_payload and parse_logprobs): the sum equals the local model's, and the greedy one is told.
func TestEchoedLogprobsAreTheLocalModels(t *testing.T) {
	s := start(t, Options{})
	reqs := problems(12)
	texts := generate(t, s.local, reqs, lm.Sampling{MaxTokens: 200}) // greedy, to their end
	var contexts []int
	var all [][]int
	responses := make([]string, len(reqs))
	for i, r := range reqs {
		ids, err := s.tokenizer.EncodeChat(r.Messages, true, "")
		if err != nil {
			t.Fatal(err)
		}
		if responses[i] = texts[i].Text; i%2 == 1 { // not the likeliest
			responses[i] = "7" + texts[i].Text
		}
		contexts = append(contexts, len(ids))
		all = append(all, append(ids, s.tokenizer.EncodeResponse(responses[i])...))
	}
	want, _, err := s.local.Logprobs(t.Context(), reqs, responses)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, len(all)} { // prompts of a request
		k := 0
		for batch := range slices.Chunk(all, size) {
			ids, _ := json.Marshal(batch)
			out := complete(t, s, `{"model":"miniature","prompt":`+string(ids)+
				`,"temperature":0,"max_tokens":1,"logprobs":1,"seed":1234,"echo":true}`)
			for i, c := range out.Choices {
				if c.Index != i || len(c.Logprobs.Values) != len(batch[i])+1 || c.Logprobs.Values[0] != nil {
					t.Fatalf("choice %d has %d log-probabilities for %d tokens", c.Index, len(c.Logprobs.Values), len(batch[i]))
				}
				sum, greedy := 0.0, true
				for at := contexts[k]; at < len(batch[i]); at++ {
					sum += *c.Logprobs.Values[at]
					for _, v := range c.Logprobs.Top[at] {
						greedy = greedy && v <= *c.Logprobs.Values[at]
					}
				}
				if math.Abs(sum-want[k]) > 1e-3 || greedy != (k%2 == 0) {
					t.Errorf("%d: sum %g, greedy %t; the local model says %g", k, sum, greedy, want[k])
				}
				k++
			}
		}
	}
}

// Several prompts and several answers to each, whole and streamed, with the prompt before the answer or without any
// answer.
func TestManyChoices(t *testing.T) {
	s := start(t, Options{})
	const fields = `,"n":3,"max_tokens":12,"seed":5,"logprobs":2,"echo":true}`
	two := complete(t, s, `{"prompt":["How many","A"]`+fields)
	if len(two.Choices) != 6 {
		t.Fatalf("%d choices, expected 6", len(two.Choices))
	}
	for i, c := range two.Choices {
		prompt := []string{"How many", "A"}[i/3]
		alone := complete(t, s, `{"prompt":"`+prompt+`"`+fields).Choices[i%3]
		if c.Index != i || c.Text != alone.Text || !strings.HasPrefix(c.Text, prompt) {
			t.Errorf("choice %d is %q, alone %q", i, c.Text, alone.Text)
		}
		for k, token := range c.Logprobs.Tokens {
			at, last := c.Logprobs.Offsets[k], len(c.Logprobs.Tokens)-1
			if k < last && !strings.HasPrefix(string([]rune(c.Text)[at:]), token) {
				t.Errorf("choice %d, token %d: %q is not at %d of %q", i, k, token, at, c.Text)
			}
		}
	}
	if a := two.Choices; a[3].Text == a[4].Text && a[4].Text == a[5].Text {
		t.Errorf("three answers drawn at temperature 1 are all %q", a[3].Text)
	}
	client := s.client()
	stream := client.Completions.NewStreaming(t.Context(), openai.CompletionNewParams{
		Model: "miniature", Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfStrings: []string{"How many", "A"}},
		N: openai.Int(3), MaxTokens: openai.Int(12), Seed: openai.Int(5), Echo: openai.Bool(true),
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}})
	texts, tokens := make([]string, 6), int64(0)
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			texts[c.Index] += c.Text
		}
		tokens = stream.Current().Usage.CompletionTokens
	}
	for i, c := range two.Choices {
		if texts[i] != c.Text || stream.Err() != nil {
			t.Errorf("streamed choice %d is %q, whole %q, error %v", i, texts[i], c.Text, stream.Err())
		}
	}
	if tokens != int64(two.Usage.Completed) {
		t.Errorf("%d tokens streamed, %d whole", tokens, two.Usage.Completed)
	}
	chat, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "miniature",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("How many?")}, N: openai.Int(2),
		MaxTokens: openai.Int(9), Seed: openai.Int(1)})
	if err != nil || len(chat.Choices) != 2 || chat.Choices[1].Index != 1 {
		t.Errorf("%+v, error %v", chat, err)
	}
}

// The prompt alone: as long as the whole context, and with the likeliest tokens in the place of its own.
func TestPromptOnly(t *testing.T) {
	s := start(t, Options{})
	ids := make([]string, s.local.ContextLength())
	for i := range ids {
		ids[i] = fmt.Sprint(i % 90)
	}
	whole := `[` + strings.Join(ids, ",") + `]`
	out := complete(t, s, `{"prompt":`+whole+`,"max_tokens":0,"prompt_logprobs":3}`)
	c := out.Choices[0]
	if c.Text != "" || c.Finish != lm.FinishLength || out.Usage.Completed != 0 || len(c.Prompt) != len(ids) ||
		c.Prompt[0] != nil {
		t.Fatalf("%q ended by %s, usage %+v, %d tokens", c.Text, c.Finish, out.Usage, len(c.Prompt))
	}
	plain := complete(t, s, `{"prompt":`+whole+`,"max_tokens":0,"prompt_logprobs":0}`).Choices[0].Prompt
	for i, tokens := range c.Prompt[1:] {
		own := tokens[ids[i+1]]
		ranked := 0
		for _, other := range tokens {
			if other.Rank != nil && *other.Rank <= 3 {
				ranked++
			}
		}
		if ranked != 3 || math.Abs(own.Logprob-plain[i+1][ids[i+1]].Logprob) > 1e-4 {
			t.Fatalf("token %d: %d ranked, log-probability %g, alone %g", i+1, ranked, own.Logprob,
				plain[i+1][ids[i+1]].Logprob)
		}
	}
}

// vLLM's routes around tokens.
func TestTokenRoutes(t *testing.T) {
	s := start(t, Options{})
	for _, c := range []struct{ path, body, want string }{
		{"/tokenize", `{"prompt":"How many?","return_token_strs":true}`, fmt.Sprint(s.tokenizer.EncodeDocument("How many?"))},
		{"/tokenize", `{"prompt":"","add_special_tokens":false}`, "[]"},
		{"/tokenize", hello[:strings.Index(hello, `,"max`)] + "}", func() string {
			ids, err := s.tokenizer.EncodeChat([]tokenizer.Message{{Role: "user", Content: "How many?"}}, true, "")
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(ids)
		}()},
	} {
		status, answer := post(t, s, "POST", c.path, c.body, nil)
		var out struct {
			Count  int
			Tokens []int
			Strs   []string `json:"token_strs"`
		}
		if json.Unmarshal([]byte(answer), &out) != nil || status != 200 || fmt.Sprint(out.Tokens) != c.want ||
			out.Count != len(out.Tokens) || len(out.Strs) != 0 && strings.Join(out.Strs, "") != "How many?" {
			t.Errorf("%s: status %d, %s; expected %s", c.body, status, answer, c.want)
		}
		ids, _ := json.Marshal(out.Tokens)
		status, back := post(t, s, "POST", "/detokenize", `{"tokens":`+string(ids)+`}`, nil)
		var text struct{ Prompt string }
		if json.Unmarshal([]byte(back), &text) != nil || status != 200 ||
			text.Prompt != string(s.tokenizer.DecodeBytes(out.Tokens)) {
			t.Errorf("back: status %d, %s", status, back)
		}
	}
	status, answer := post(t, s, "GET", "/tokenizer_info", "", nil)
	var info struct {
		EOS      string `json:"eos_token"`
		Template string `json:"chat_template"`
	}
	if json.Unmarshal([]byte(answer), &info) != nil || status != 200 || info.Template != s.tokenizer.ChatTemplate() {
		t.Errorf("status %d, %s", status, answer)
	}
	if id, ok := s.tokenizer.TokenID(info.EOS); !ok || id != s.tokenizer.EOS()[0] {
		t.Errorf("eos_token is %q", info.EOS)
	}
	for _, bad := range []string{`{"prompt":3}`, `{"tokens":[1]}`, `{"prompt":"a","x":1}`,
		`{"model":"other","prompt":"a"}`} {
		if status, answer := post(t, s, "POST", "/tokenize", bad, nil); status < 400 || status >= 500 {
			t.Errorf("%s: status %d, %s", bad, status, answer)
		}
	}
	if status, answer := post(t, s, "POST", "/detokenize", `{"tokens":[99999999]}`, nil); status != 400 {
		t.Errorf("an unknown token: status %d, %s", status, answer)
	}
}

// A prompt is read up to where it differs from those before it, and usage says so, whole or streamed; a prompt of
// several answers counts once.
func TestCachedTokens(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // each core would have a cache of its own
	s := start(t, Options{})
	ask := func(prompt, more string) (prompts, cached int) {
		_, answer := post(t, s, http.MethodPost, "/v1/completions", `{"model":"miniature","max_tokens":3,"prompt":`+prompt+
			more+`}`, nil)
		_, last, ok := strings.Cut(answer, `"usage":{`)
		if !ok {
			t.Fatal(answer)
		}
		var usage struct {
			Prompt  int `json:"prompt_tokens"`
			Details struct {
				Cached int `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
		}
		if err := json.NewDecoder(strings.NewReader("{" + last)).Decode(&usage); err != nil {
			t.Fatal(err)
		}
		return usage.Prompt, usage.Details.Cached
	}
	for _, c := range []struct {
		prompt, more  string
		whole, cached int
	}{
		{"[1,2,3,4,5,6,7,8]", "", 8, 0},
		{"[1,2,3,4,5,6,7,8]", "", 8, 7}, // the logits behind the last are not kept
		{"[1,2,3,4,5,9,9]", `,"n":3`, 7, 5},
		{"[[1,2,7],[1,2,3,4,5,9,8]]", "", 10, 8},
	} {
		if whole, cached := ask(c.prompt, c.more); whole != c.whole || cached != c.cached {
			t.Errorf("%s%s: %d of %d tokens, want %d of %d", c.prompt, c.more, cached, whole, c.cached, c.whole)
		}
	}
	streamed := `,"stream":true,"stream_options":{"include_usage":true}`
	_, answer := post(t, s, http.MethodPost, "/v1/completions", `{"model":"miniature","max_tokens":3,"prompt":[1,2,7]`+
		streamed+`}`, nil)
	if !strings.Contains(answer, `"prompt_tokens_details":{"cached_tokens":2}`) {
		t.Errorf("streamed: %s", answer)
	}
}
