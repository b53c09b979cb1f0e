package remote

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/lm"
)

// Answer is the answer to a request. The numbers of tokens are the server's, 0 if it gives none.
type Answer = lm.Answer

// answerOf reads an answer from a chat completion; an incomplete answer is an error.
func answerOf(res *openai.ChatCompletion) (Answer, error) {
	if len(res.Choices) == 0 {
		return Answer{}, fmt.Errorf("the response has no choices")
	}
	choice := res.Choices[0]
	if !choice.JSON.Message.Valid() {
		return Answer{}, fmt.Errorf("the response has no message")
	}
	switch choice.FinishReason {
	case lm.FinishStop, lm.FinishLength, lm.FinishFilter:
	default:
		return Answer{}, fmt.Errorf("the response has finish_reason %.40q, expected stop, length or content_filter",
			choice.FinishReason)
	}
	a := Answer{Completion: lm.Completion{
		Text:         strings.ToValidUTF8(choice.Message.Content, "\uFFFD"),
		FinishReason: choice.FinishReason,
		PromptTokens: max(0, int(res.Usage.PromptTokens)),
		Tokens:       max(0, int(res.Usage.CompletionTokens)),
	}}
	if tokens := choice.Logprobs.Content; len(tokens) > 0 {
		for _, t := range tokens[0].TopLogprobs {
			if math.IsInf(t.Logprob, 0) { // impossible tokens; JSON has no infinity
				continue
			}
			a.TopLogprobs = append(a.TopLogprobs, lm.TokenLogprob{Token: strings.ToValidUTF8(t.Token, "\uFFFD"),
				Logprob: t.Logprob})
		}
		slices.SortStableFunc(a.TopLogprobs, func(x, y lm.TokenLogprob) int { return cmp.Compare(y.Logprob, x.Logprob) })
	}
	return a, nil
}
