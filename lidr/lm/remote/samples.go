package remote

import (
	"errors"
	"slices"

	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/lm"
)

// Requests that follow each other and differ in their ID alone are for several answers to one prompt. A server that
// has the field n is asked once for all of them, and reads the prompt once; any other gets each request with a seed of
// its own.

// maxChoices is the number of answers that one request asks for at most: OpenAI's limit.
const maxChoices = 128

// together groups the requests of todo that are sent as one. Each group is named by its first request. At temperature
// 0, where all answers are equal, and without the field n, each request is a group of its own.
func (m *Model) together(reqs []lm.Request, todo []int, s lm.Sampling) (first []int, group map[int][]int) {
	group = map[int][]int{}
	for _, i := range todo {
		if n := len(first); n > 0 && m.server.many && s.Temperature > 0 {
			at := first[n-1]
			if len(group[at]) < maxChoices && sameConversation(reqs[at], reqs[i]) {
				group[at] = append(group[at], i)
				continue
			}
		}
		first, group[i] = append(first, i), []int{i}
	}
	return first, group
}

func sameConversation(a, b lm.Request) bool {
	return slices.Equal(a.Messages, b.Messages) && a.Prefill == b.Prefill && a.Thinking == b.Thinking
}

// answers reads the answers of a response, in the order of their choices. The tokens of all, which is what servers
// count, are divided equally among them. A choice that cannot be read is left out; if none can, that is the error.
func (m *Model) answers(res *openai.ChatCompletion) ([]Answer, error) {
	choices := slices.Clone(res.Choices)
	slices.SortStableFunc(choices, func(x, y openai.ChatCompletionChoice) int { return int(x.Index - y.Index) })
	var out []Answer
	var errs []error
	for k := range choices {
		one := *res
		one.Choices = choices[k : k+1]
		n, share := int64(len(choices)), res.Usage.CompletionTokens
		one.Usage.CompletionTokens = share*int64(k+1)/n - share*int64(k)/n
		a, err := m.answer(&one)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, a)
	}
	if len(out) == 0 && len(errs) > 0 {
		return nil, errs[0]
	}
	if len(out) == 0 {
		_, err := answerOf(res)
		return nil, err
	}
	return out, nil
}

// askGroup sends the requests of a group as one. What the server leaves out of the answers, or does not take as one
// request, is sent request by request.
func (m *Model) askGroup(r *run, group []int, bodies []openai.ChatCompletionNewParams) (out []Answer, err error) {
	if len(group) > 1 && !r.form.Load().single {
		body := bodies[group[0]]
		body.N = openai.Int(int64(len(group)))
		out, err = send(r, chat(body), m.answers)
		var f *failure
		if err != nil && !(errors.As(err, &f) && f.refused) {
			return nil, err
		}
		out = out[:min(len(out), len(group))]
	}
	for _, i := range group[len(out):] {
		a, err := send(r, chat(bodies[i]), m.answer)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
