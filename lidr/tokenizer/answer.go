package tokenizer

import (
	"fmt"
	"slices"
	"strings"
)

// EncodeAnswered returns what training sees of a finished conversation. prompt are the ids of the conversation up to
// the answer, followed by prefill, its beginning: EncodeChat's, which generation starts from. response are the ids
// of the rest of the turn as the chat template writes it, of which the last tail ones are behind the end token, such as
// the line end that follows <|im_end|> in ChatML. TRL and LLaMA-Factory train on those too. Where the template ends the
// turn without an end token, one is appended, so that the model learns to stop.
//
// Where prompt does not begin the conversation's ids, since the template writes the turn otherwise once it is finished,
// or since tokens merge between prompt and answer, the answer is encoded apart from it, as by LLaMA-Factory.
func (t *Tokenizer) EncodeAnswered(msgs []Message, prefill, answer string) (prompt, response []int, tail int,
	err error) {
	if prompt, err = t.EncodeChat(msgs, true, prefill); err != nil {
		return nil, nil, 0, err
	}
	finished := append(slices.Clone(msgs), Message{"assistant", prefill + answer})
	written, err := t.EncodeChat(finished, false, "")
	if err != nil {
		return nil, nil, 0, err
	}
	if len(written) > len(prompt) && slices.Equal(written[:len(prompt)], prompt) {
		response = written[len(prompt):]
	} else {
		ending, err := t.ending(finished)
		if err != nil {
			return nil, nil, 0, err
		}
		response = append(t.EncodeContent(answer), t.Encode(ending)...)
	}
	end := slices.IndexFunc(response, func(id int) bool { return slices.Contains(t.eos, id) })
	if end < 0 {
		return prompt, append(response, t.eos[0]), 0, nil
	}
	return prompt, response, len(response) - end - 1, nil
}

// ending returns what the template writes behind the last message.
func (t *Tokenizer) ending(msgs []Message) (string, error) {
	if t.refusesSystem {
		msgs = fold(msgs)
	}
	text, err := t.RenderChat(msgs, false)
	if err != nil {
		return "", err
	}
	answer := msgs[len(msgs)-1].Content
	for _, said := range []string{answer, strings.TrimSpace(answer)} { // a template writes it whole, or trimmed
		if at := strings.LastIndex(text, said); at >= 0 && said != "" {
			return text[at+len(said):], nil
		}
	}
	return "", fmt.Errorf("chat template: the answer %.60q is not in the finished conversation as it is written", answer)
}
