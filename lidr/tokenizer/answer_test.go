package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

// What is trained on behind a prompt is what the template writes there.
func TestEncodeAnswered(t *testing.T) {
	ask := []Message{{"user", "2 + 3?"}}
	for name, c := range map[string]struct {
		kind, prefill, answer string
		written, tail         string
	}{
		"ChatML has a tail":          {"qwen2", "", "It is 5.", "It is 5.<|im_end|>\n", "\n"},
		"a prefill is of the prompt": {"qwen2", "<translated>\n", "Fünf", "Fünf<|im_end|>\n", "\n"},
		"Llama 3 has none and trims": {"llama3", "", "It is 5. ", "It is 5.<|eot_id|>", ""},
		"Llama 2 writes spaces":      {"llama2", "", "It is 5.", " It is 5. </s>", ""},
		"an end in the answer":       {"qwen2", "", "5<|im_end|>6", "5<|im_end|>6<|im_end|>\n", "\n"},
		"nothing but the end":        {"qwen2", "", "", "<|im_end|>\n", "\n"},
		"tokens merge with the prompt": {
			"qwen2", "", "\n5", "\n5<|im_end|>\n", "\n", // written in one: "assistant", "\n\n", "5"
		},
		"and a line end is written once": {"qwen2", "", "\n5\n", "\n5\n<|im_end|>\n", "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tok := load(t, c.kind)
			prompt, response, tail, err := tok.EncodeAnswered(ask, c.prefill, c.answer)
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := tok.EncodeChat(ask, true, c.prefill); !slices.Equal(prompt, want) {
				t.Errorf("the prompt is %d, generation's %d", prompt, want)
			}
			end := len(response) - tail
			if got := string(tok.DecodeBytes(response)); got != c.written || !slices.Contains(tok.EOS(), response[end-1]) ||
				string(tok.DecodeBytes(response[end:])) != c.tail {
				t.Errorf("the answer is %q (%d), with a tail of %d tokens; want %q with %q", got, response, tail, c.written, c.tail)
			}
			for _, id := range response[:end-1] {
				if slices.Contains(tok.EOS(), id) {
					t.Errorf("the answer ends inside of itself: %d", response)
				}
			}
		})
	}
	endless := withTemplate(t, "{% for m in messages %}{{ m.content }}{% endfor %}")
	_, response, tail, err := endless.EncodeAnswered(ask, "", " Five")
	if err != nil || tail != 0 || !strings.HasPrefix(string(endless.DecodeBytes(response)), " Five") ||
		response[len(response)-1] != endless.EOS()[0] {
		t.Errorf("without an end in the template: %d, tail %d, %v", response, tail, err)
	}
}
