package datasets

import (
	"strings"
	"testing"
)

func TestExtractTranslation(t *testing.T) {
	for _, c := range []struct{ completion, text, reason string }{
		{"Bonjour.\n</translated>", "Bonjour.", ""},                                          // prefilled
		{"Bonjour.</translated>\nNote: polite.", "Bonjour.", ""},                             // chatter behind
		{"Sure:\n<translated>\nBonjour.\n</translated>", "Bonjour.", ""},                     // not prefilled
		{"<translated>\nBonjour.\n</translated> <translated>x</translated>", "Bonjour.", ""}, // only the first
		{"a < b > c</translated>", "a < b > c", ""},
		{"Bonjour.", "", "no closing </translated>"},
		{"", "", "no closing </translated>"},
		{"Bonjour.</translated", "", "no closing </translated>"},
		{" \n</translated>", "", "nothing between the tags"},
		{"<translated></translated>", "", "nothing between the tags"},
		{"<translated>\u200b\n\ufeff</translated>", "", "nothing between the tags"},
		{"<Think>It is prefilled.</Think>\n\nBonjour.</translated>", "Bonjour.", ""},
		{"<translated>a<translated>b</translated>", "", "more than one <translated>"},
		{"<sentence>Hello.</sentence></translated>", "", "a <sentence> tag of the instruction in the text"},
		{"<think>I write <translated>...</translated>.</think>\n\n<translated>Bonjour.</translated>", "Bonjour.", ""},
		{"I write <translated>...</translated>.\n</think>\n<translated>Bonjour.</translated>", "Bonjour.", ""},
		{"<think>It is prefilled.</think>\n\nBonjour.</translated>", "Bonjour.", ""},
		{"<think>I write <translated>Bonjour.</translated> and", "", "no closing </think>"},
		{"<think>Then <translated>Bonjour.</translated></think>", "", "no closing </translated>"},
		{"The tag is </think>, he said.</translated>", "", "a </think> that nothing opened, and no <translated> after it"},
	} {
		text, ok, reason := ExtractTranslation(c.completion)
		if text != c.text || reason != c.reason || ok != (c.reason == "") {
			t.Errorf("%q: %q, %v, %q; expected %q, %q", c.completion, text, ok, reason, c.text, c.reason)
		}
	}
}

func FuzzExtractTranslation(f *testing.F) {
	f.Add("<translated>\nBonjour.\n</translated> and more")
	f.Add("</translated><translated>")
	f.Add("<sentence>x</translated>")
	f.Fuzz(func(t *testing.T, completion string) {
		text, ok, reason := ExtractTranslation(completion)
		if ok != (text != "") || ok != (reason == "") || strings.TrimSpace(text) != text ||
			!strings.Contains(completion, text) {
			t.Fatalf("%q: %q, %v, %q", completion, text, ok, reason)
		}
		for _, tag := range []string{"<translated>", "</translated>", "<sentence>", "</sentence>"} {
			if strings.Contains(text, tag) {
				t.Fatalf("%q: %q still holds %s", completion, text, tag)
			}
		}
	})
}
