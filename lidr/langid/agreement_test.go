package langid

import (
	"math"
	"testing"
)

// table is an identifier that knows some texts by heart.
type table map[string]string

func (table) Name() string { return "table" }

func (t table) Identify(text string) (string, float64) {
	if lang := t[text]; lang != "" {
		return lang, 1
	}
	return "", 0
}

func TestAgree(t *testing.T) {
	a := table{"one": "en", "two": "en", "three": "de", "four": "fr"}
	b := table{"one": "en", "two": "en", "three": "nl", "five": "es"}
	got := Agree([]string{"one", "two", "three", "four", "five", "six"}, a, b)
	want := Agreement{A: "table", B: "table", Texts: 6, Same: 2, Differ: 1, OnlyA: 1, OnlyB: 1, Neither: 1}
	if got != want || got.Share() != 2.0/3 {
		t.Errorf("%+v with share %v, expected %+v with 2/3", got, got.Share(), want)
	}
	if share := Agree([]string{"six"}, a, b).Share(); !math.IsNaN(share) {
		t.Errorf("no text is determined by both: share %v, expected NaN", share)
	}
}

func TestProse(t *testing.T) {
	for _, c := range []struct {
		enough bool
		text   string
	}{
		{true, "What is a bond?"}, {true, "Ответ: 17."}, {true, "答えは17です。"}, {true, "సమాధానం 18."}, {true, "Γειά σου"},
		{false, "Paris"}, {false, "東京"}, {false, "17"}, {false, ""}, {false, "Paris π"},
		{false, "```go\nfunc main() { println(\"this is the answer\") }\n```"}, {false, `\frac{1}{2} + \sqrt{3}`},
	} {
		if _, enough := Prose(c.text); enough != c.enough {
			t.Errorf("%q: enough is %v, expected %v", c.text, enough, c.enough)
		}
	}
}
