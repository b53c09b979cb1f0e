package serve

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/lm"
)

// OpenAI's own client, unmodified: whole and streamed answers are equal to each other and to the local model's, with
// logprobs, usage, stop texts and seeds.
func TestOpenAIClient(t *testing.T) {
	s := start(t, Options{})
	client := s.client()
	reqs := problems(24)
	var clients sync.WaitGroup
	for i, r := range reqs {
		r.ID = "" // a server has no IDs
		sampling := lm.Sampling{MaxTokens: 60, Seed: int64(i)}
		if i%2 == 1 {
			sampling.Temperature, sampling.TopP = 0.9, 0.95
		}
		if i%3 == 0 {
			sampling.Stop = []string{"=", "n "}
		}
		want := generate(t, s.local, []lm.Request{r}, sampling)[0]
		params := openai.ChatCompletionNewParams{
			Model: "miniature", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(r.Messages[0].Content)},
			Temperature: openai.Float(sampling.Temperature), MaxCompletionTokens: openai.Int(60), Seed: openai.Int(int64(i)),
			Logprobs: openai.Bool(true), TopLogprobs: openai.Int(3), N: openai.Int(1),
			StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
		}
		if sampling.TopP > 0 {
			params.TopP = openai.Float(sampling.TopP)
		}
		if len(sampling.Stop) > 0 {
			params.Stop = openai.ChatCompletionNewParamsStopUnion{OfStringArray: sampling.Stop}
		}
		clients.Go(func() {
			whole, err := client.Chat.Completions.New(t.Context(), params)
			if err != nil {
				t.Error(err)
				return
			}
			stream := client.Chat.Completions.NewStreaming(t.Context(), params)
			joined, chunks := openai.ChatCompletionAccumulator{}, 0
			for stream.Next() {
				chunks++
				if !joined.AddChunk(stream.Current()) {
					t.Errorf("chunk %s does not belong here", stream.Current().RawJSON())
				}
			}
			if stream.Err() != nil || chunks < 3 {
				t.Errorf("%d chunks, error %v", chunks, stream.Err())
				return
			}
			for how, got := range map[string]openai.ChatCompletion{"whole": *whole, "streamed": joined.ChatCompletion} {
				c := got.Choices[0]
				given := lm.Completion{Text: c.Message.Content, FinishReason: c.FinishReason,
					PromptTokens: int(got.Usage.PromptTokens), Tokens: int(got.Usage.CompletionTokens)}
				if given != want {
					t.Errorf("%d, %s: %+v, the local model says %+v", i, how, given, want)
				}
				if len(c.Logprobs.Content) != want.Tokens || got.Usage.TotalTokens != int64(want.PromptTokens+want.Tokens) {
					t.Errorf("%d, %s: %d log-probabilities and %+v", i, how, len(c.Logprobs.Content), got.Usage)
				}
			}
			a, b := whole.Choices[0].Logprobs.Content, joined.Choices[0].Logprobs.Content
			var text []byte
			for k, token := range a {
				for _, b := range token.Bytes { // the text of half a character is none
					text = append(text, byte(b))
				}
				if len(token.TopLogprobs) != 3 || token.TopLogprobs[0].Logprob < token.Logprob-1e-9 ||
					math.Abs(token.Logprob-b[k].Logprob) > 1e-4 {
					t.Errorf("%d, token %d: %s whole, %s streamed", i, k, token.RawJSON(), b[k].RawJSON())
				}
			}
			if !strings.HasPrefix(string(text), want.Text) {
				t.Errorf("the tokens spell %q, the text is %q", text, want.Text)
			}
		})
	}
	clients.Wait()
}

// Raw completions: text and token ids as prompts, the older form of log-probabilities.
func TestOpenAIClientOnRawCompletions(t *testing.T) {
	s := start(t, Options{})
	client := s.client()
	r := problems(1)[0]
	prompt, err := s.tokenizer.RenderChat(r.Messages, true)
	if err != nil {
		t.Fatal(err)
	}
	want := generate(t, s.local, []lm.Request{r}, lm.Sampling{MaxTokens: 50})[0]
	ids := []int64{}
	for _, id := range s.tokenizer.Encode(prompt) {
		ids = append(ids, int64(id))
	}
	for _, union := range []openai.CompletionNewParamsPromptUnion{
		{OfString: openai.String(prompt)}, {OfArrayOfStrings: []string{prompt}}, {OfArrayOfTokens: ids},
	} {
		params := openai.CompletionNewParams{Model: "miniature", Prompt: union, Temperature: openai.Float(0),
			MaxTokens: openai.Int(50), Logprobs: openai.Int(2)}
		whole, err := client.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		choice := whole.Choices[0]
		if choice.Text != want.Text || string(choice.FinishReason) != want.FinishReason ||
			int(whole.Usage.CompletionTokens) != want.Tokens {
			t.Errorf("%s, expected %+v", whole.RawJSON(), want)
		}
		if n := len(choice.Logprobs.Tokens); n != want.Tokens || len(choice.Logprobs.TokenLogprobs) != n ||
			len(choice.Logprobs.TopLogprobs) != n ||
			choice.Logprobs.TextOffset[1] != int64(len([]rune(choice.Logprobs.Tokens[0]))) {
			t.Errorf("log-probabilities are %s", choice.Logprobs.RawJSON())
		}
		stream, text := client.Completions.NewStreaming(t.Context(), params), ""
		for stream.Next() {
			text += stream.Current().Choices[0].Text
		}
		if text != want.Text || stream.Err() != nil {
			t.Errorf("streamed %q, error %v, expected %q", text, stream.Err(), want.Text)
		}
	}
	short, err := client.Completions.New(t.Context(), openai.CompletionNewParams{Model: "miniature",
		Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("a")}})
	if err != nil || short.Usage.CompletionTokens > 16 {
		t.Errorf("%d tokens where 16 is the default, error %v", short.Usage.CompletionTokens, err)
	}
}

func TestModelsAndHealth(t *testing.T) {
	s := start(t, Options{})
	client := s.client()
	page, err := client.Models.List(t.Context())
	if err != nil || len(page.Data) != 1 {
		t.Fatalf("%+v, error %v", page, err)
	}
	model, err := client.Models.Get(t.Context(), "miniature")
	if err != nil || model.RawJSON() != page.Data[0].RawJSON() || model.OwnedBy != "lidr" {
		t.Errorf("%s, error %v", model.RawJSON(), err)
	}
	var more struct {
		Root    string
		Context int `json:"max_model_len"`
	}
	if json.Unmarshal([]byte(model.RawJSON()), &more); more.Root != s.local.Fingerprint() ||
		more.Context != s.local.ContextLength() {
		t.Errorf("the model is %s", model.RawJSON())
	}
	var refusal *openai.Error
	if _, err := client.Models.Get(t.Context(), "org/other"); !errors.As(err, &refusal) || refusal.StatusCode != 404 ||
		refusal.Code != "model_not_found" {
		t.Errorf("another model: %v", err)
	}
	_, err = client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "gpt-x"})
	if !errors.As(err, &refusal) || refusal.StatusCode != 404 || refusal.Param != "model" {
		t.Errorf("another model: %v", err)
	}
	status, body := post(t, s, "GET", "/health", "", nil)
	if diff := cmp.Diff([]any{200, `{"status":"ok"}`}, []any{status, body}); diff != "" {
		t.Error(diff)
	}
}
