package lm

import "testing"

func TestFault(t *testing.T) {
	for _, c := range []struct {
		completion Completion
		want       string
	}{
		{Completion{Text: "5", FinishReason: FinishStop}, ""},
		{Completion{Text: "๕", FinishReason: "eos"}, ""},
		{Completion{Text: "<think>5</think>5", FinishReason: FinishStop}, ""},
		{Completion{FinishReason: FinishFailed, Reason: "status 400"}, FaultFailed},
		{Completion{Text: "La resp", FinishReason: FinishFilter}, FaultWithheld},
		{Completion{Text: "I cannot.", FinishReason: FinishRefusal}, FaultRefusal},
		{Completion{Text: "5", FinishReason: FinishLength, By: "another"}, FaultModel},
		{Completion{Text: "<think>5", FinishReason: FinishLength}, FaultThought},
		{Completion{Text: "<think>5</think>\n", FinishReason: FinishStop}, FaultThought},
		{Completion{Thought: "5", FinishReason: FinishLength}, FaultThought},
		{Completion{Text: "<think>5</think>\nIt is", FinishReason: FinishLength}, FaultCut},
		{Completion{FinishReason: FinishLength}, FaultCut},
		{Completion{FinishReason: FinishStop}, FaultEmpty},
		{Completion{Text: " \u200b\ufeff\u00a0\n", FinishReason: FinishStop}, FaultEmpty},
		{Completion{Text: "<think></think>", FinishReason: FinishStop}, FaultEmpty},
	} {
		if got := c.completion.Split().Fault(); got != c.want {
			t.Errorf("%+v: %q, expected %q", c.completion, got, c.want)
		}
	}
}
