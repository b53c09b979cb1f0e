package remote

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/lm"
)

// Answer is the answer to a request. The numbers of tokens are the server's, 0 if it gives none.
type Answer = lm.Answer

// finishReasons are the words in which servers say why an answer ended, in small letters: OpenAI's, TGI's (eos_token),
// Anthropic's (end_turn, max_tokens, refusal), Mistral's (model_length), Gemini's (safety and those after it) and
// Cohere's (complete). Other words, and none, are not known to end a whole answer, so that the request is sent again.
var finishReasons = map[string]string{
	"stop": lm.FinishStop, "eos": lm.FinishStop, "eos_token": lm.FinishStop, "end_turn": lm.FinishStop,
	"stop_sequence": lm.FinishStop, "complete": lm.FinishStop,

	"length": lm.FinishLength, "max_tokens": lm.FinishLength, "model_length": lm.FinishLength,
	"max_output_tokens": lm.FinishLength, "max_completion_tokens": lm.FinishLength,
	"model_context_window_exceeded": lm.FinishLength,

	"content_filter": lm.FinishFilter, "content_filtered": lm.FinishFilter, "guardrail_intervened": lm.FinishFilter,
	"error_toxic": lm.FinishFilter, "safety": lm.FinishFilter, "recitation": lm.FinishFilter,
	"blocklist": lm.FinishFilter, "prohibited_content": lm.FinishFilter, "spii": lm.FinishFilter,

	"refusal": lm.FinishRefusal,
}

// toolReasons end a message that calls a tool, which no request offers: the same request would end so again.
var toolReasons = []string{"tool_calls", "tool_call", "tool_use", "function_call"}

// answerOf reads an answer from a chat completion. One that is withheld, refused or cut is an answer too, which says so
// by its finish reason; a response of which it is not known whether the answer is whole is an error.
func answerOf(res *openai.ChatCompletion) (Answer, error) {
	if len(res.Choices) == 0 {
		return Answer{}, fmt.Errorf("the response has no choices")
	}
	choice := slices.MinFunc(res.Choices, func(x, y openai.ChatCompletionChoice) int {
		return cmp.Compare(x.Index,
			y.Index)
	})
	if !choice.JSON.Message.Valid() {
		return Answer{}, fmt.Errorf("the response has no message")
	}
	reason := strings.ToLower(choice.FinishReason)
	finish, known := finishReasons[reason]
	switch {
	case slices.Contains(toolReasons, reason):
		return Answer{}, &failure{status: http.StatusOK, refused: true,
			message: "the model calls a tool instead of answering, and no tool was offered"}
	case !known:
		return Answer{}, fmt.Errorf("the response has finish_reason %.40q, expected stop, length or content_filter",
			choice.FinishReason)
	}
	said, err := contentOf(choice.Message)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Completion: lm.Completion{
		Text:         strings.ToValidUTF8(said.text, "\uFFFD"),
		FinishReason: finish,
		PromptTokens: max(0, int(res.Usage.PromptTokens)),
		Tokens:       max(0, int(res.Usage.CompletionTokens)),
		Thought:      strings.ToValidUTF8(said.thought, "\uFFFD"),
	}}
	if said.refusal != "" && finish != lm.FinishFilter {
		a.FinishReason = lm.FinishRefusal
	}
	if a.FinishReason == lm.FinishRefusal {
		a.Reason = strings.ToValidUTF8(said.refusal, "\uFFFD")
	}
	if tokens := choice.Logprobs.Content; len(tokens) > 0 {
		for _, t := range tokens[0].TopLogprobs {
			p := t.Logprob
			if math.IsInf(p, -1) { // impossible tokens; JSON has no infinity
				continue
			}
			if !t.JSON.Logprob.Valid() || p > maxLogprob {
				p = math.NaN()
			}
			a.TopLogprobs = append(a.TopLogprobs, lm.TokenLogprob{Token: strings.ToValidUTF8(t.Token, "\uFFFD"),
				Logprob: min(p, 0)})
		}
		slices.SortStableFunc(a.TopLogprobs, func(x, y lm.TokenLogprob) int { return cmp.Compare(y.Logprob, x.Logprob) })
	}
	return a, nil
}

// maxLogprob is what the rounding of a server may add to the logarithm of a probability of 1; more is no probability.
const maxLogprob = 1e-3
