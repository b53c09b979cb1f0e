package datasets

import (
	"strings"
	"testing"
)

func TestSplitThought(t *testing.T) {
	for text, want := range map[string][2]string{
		"La respuesta es 5.":                                      {"", "La respuesta es 5."},
		" kept as it is \n":                                       {"", " kept as it is \n"},
		"<think>\nNine eggs.\n</think>\n\nEs sind 18.":            {"Nine eggs.", "Es sind 18."},
		"Nine eggs.\n</think>\n\nEs sind 18.":                     {"Nine eggs.", "Es sind 18."},
		"<think>\n\n</think>\n\nEs sind 18.":                      {"", "Es sind 18."},
		"<think>Not </think> yet.</think>18":                      {"Not </think> yet.", "18"},
		"<think>Nine eggs, and the answer is":                     {"Nine eggs, and the answer is", ""},
		"\n <think>":                                              {"", ""},
		"<think>Nine.</think>":                                    {"Nine.", ""},
		"The tag <think> begins a thought.":                       {"", "The tag <think> begins a thought."},
		"<think>I write <translated>.</think><translated>18":      {"I write <translated>.", "<translated>18"},
		"<think>erst</think>\n<think>dann</think>\nAntwort: \n 5": {"erst</think>\n<think>dann", "Antwort: \n 5"},
		"[THINK]Nine.[/THINK]18":                                  {"Nine.", "18"},
		"<thinking>Nine.</thinking>\n18":                          {"Nine.", "18"},
		"Nine.</thinking>18":                                      {"", "Nine.</thinking>18"},
		"<seed:think>Nine.</seed:think>18":                        {"Nine.", "18"},
		"<Think>Nine.</Think>18":                                  {"Nine.", "18"},
		"\ufeff<think>Nine.</think>18":                            {"Nine.", "18"},
		"\u200b<think>Nine eggs":                                  {"Nine eggs", ""},
		"Okay.\n<think>\nNine eggs":                               {"Nine eggs", ""},
		"Okay.\n<think>\nNine eggs\n</think>18":                   {"Okay.\n<think>\nNine eggs", "18"},
		"<reasoning>Nine.</reasoning>18":                          {"Nine.", "18"},
		"<|begin_of_thought|>İ 9<|end_of_thought|>18":             {"İ 9", "18"},
		"The tag `</think>` ends a thought.":                      {"", "The tag `</think>` ends a thought."},
		"Der Tag </think> beendet einen Gedanken.":                {"", "Der Tag </think> beendet einen Gedanken."},
		"Schreib:\n```\n<think>\n</think>\n```":                   {"", "Schreib:\n```\n<think>\n</think>\n```"},
		"<think>Nine.</think> Der Tag </think> beendet.":          {"Nine.", "Der Tag </think> beendet."},
		"<think>Nine </think> The tag \"</think>\" ends it.":      {"Nine", "The tag \"</think>\" ends it."},
		"So it is nine. </think> Es sind 18.":                     {"So it is nine.", "Es sind 18."},
		"analysisWe count. Nine.assistantfinalThe answer is 18.":  {"We count. Nine.", "The answer is 18."},
		"analysisNine eggs":                                       {"Nine eggs", ""},
		"analysis of nine":                                        {"", "analysis of nine"},
		"<|channel|>analysis<|message|>Nine.<|end|><|start|>assistant<|channel|>final<|message|>18": {
			"Nine.<|end|><|start|>assistant", "18"},
	} {
		thought, answer, ok := SplitThought(text)
		if thought != want[0] || answer != want[1] {
			t.Errorf("%q: thought %q, answer %q, expected %q", text, thought, answer, want)
		}
		open := strings.HasSuffix(text, "answer is") || text == "\n <think>" || strings.HasSuffix(text, "Nine eggs")
		if ok == open {
			t.Errorf("%q: ok is %t", text, ok)
		}
	}
}

// FuzzSplitThought: thought and answer are parts of the text, one behind the other, and an answer has no further
// thought that begins it unless the text had two.
func FuzzSplitThought(f *testing.F) {
	for _, seed := range []string{
		"<think>a</think>b", "a </think> b", "analysisAassistantfinalb", "`</think>`", "```\n<think>\n",
		"\xff<THINK>İ</think>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		thought, answer, ok := SplitThought(text)
		before, _, found := strings.Cut(text, thought)
		if !found || !strings.Contains(text[len(before)+len(thought):], answer) && thought != "" || !ok && answer != "" {
			t.Errorf("%q: thought %q, answer %q, %t", text, thought, answer, ok)
		}
		if thought == "" && ok && answer != text && strings.TrimSpace(answer) != answer {
			t.Errorf("%q: the answer %q has white space around it", text, answer)
		}
	})
}
