package view

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"lidrlab/datasets"
	"lidrlab/lidr"
)

// A link says what a page shows: what a query writes is read back as the same, and what it does not know is refused.
func TestQueryReadsBack(t *testing.T) {
	q := Query{Run: "a b&c", Kind: "pairs", Model: "M1", Lang: "zh-Hant", Right: "chosen", Target: "rejected-off",
		State: "kept", ID: `"><b>`, Text: "42 яблока=+%", Sort: "-length", From: 75}
	back, err := ParseQuery(q.String())
	if err != nil || back != q {
		t.Errorf("%s is read back as %+v, %v", q, back, err)
	}
	for _, raw := range []string{"kinds=pairs", "kind=pair", "from=-1", "from=x", "sort=up", "text=a&text=b", "text=%ff",
		"text=%00", "%zz=1", "from=1e9", "a;b"} {
		if q, err := ParseQuery(raw); err == nil {
			t.Errorf("%q is read as %+v, expected an error", raw, q)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, raw := range []string{"", "run=a&kind=pairs&from=3", "text=%D0%AF&sort=-length", "id=%22%3E", "from=007"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := ParseQuery(raw)
		if err != nil {
			return
		}
		if _, known := kinds[q.Kind]; !known {
			t.Fatalf("%q has the kind %q", raw, q.Kind)
		}
		back, err := ParseQuery(q.String())
		if err != nil || back != q {
			t.Fatalf("%q is %+v, written %q, read back %+v, %v", raw, q, q, back, err)
		}
	})
}

// A text is measured as it is decoded: characters of any script, and each escape as the one that it stands for.
func TestLengthOfJSON(t *testing.T) {
	for _, quoted := range []string{`""`, `"abc"`, `"ответ"`, `"a\nb\"\\"`, `"\u0410\u00e9x"`, `"\ud83d\ude00!"`, `"😀"`,
		`"\\u0041"`,
		`"\ud83d"`, `"\ud83dx\ude00"`, `"\uD83D\uDE00\u0041"`} {
		var text string
		var l length
		err := errors.Join(json.Unmarshal([]byte(quoted), &text), json.Unmarshal([]byte(quoted), &l))
		if err != nil || l.chars != chars(text) {
			t.Errorf("%s has %d characters, expected %d", quoted, l.chars, chars(text))
		}
	}
}

// A line is decoded whenever one of its texts holds the words, however they are written: what mayHold lets go has none.
func FuzzMayHold(f *testing.F) {
	f.Add("The ANSWER is 42", "answer 42")
	f.Add("Ответ: И", "ответ")
	f.Add("答案是\n\"是\"", "是")
	f.Add(`a/b\c`, `/b\`)
	f.Add("\u2028<b>", "<b>")
	f.Fuzz(func(t *testing.T, text, search string) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, '\u212a') { // the Kelvin sign is no k in a file
			return
		}
		line, err := json.Marshal(map[string]string{"prompt": text})
		if err != nil {
			t.Fatal(err)
		}
		var low []byte
		want := words(search)
		if holds([]string{text}, want) && !mayHold(line, inBytes(want), &low) {
			t.Errorf("%q holds %q and is let go", text, search)
		}
	})
}

// What the quick reader takes, encoding/json reads as the same; it takes the lines that a run writes; and an index has
// the lines that can be shown, and no others.
func FuzzQuickReadsAsJSON(f *testing.F) {
	for _, row := range []any{
		lidr.Prompt{ID: "a", Lang: "ru", Prompt: "Сколько?\n", Answer: "7", Source: "ru.jsonl:1"},
		lidr.Pair{ID: "a", Lang: "th", Prompt: "\"q\"", Chosen: "ก\u2028", Rejected: "\\", Source: "en>th"},
		datasets.Response{ID: "a", Lang: "en", Response: "x", FinishReason: "length", Tokens: 12, Sample: 3, Fault: "cut"},
		datasets.Translation{ID: "a", From: "en", To: "th", Text: "\x01", OK: true},
		lidr.Verdict{ID: "a", Lang: "he", Response: "😀", Correct: true, OnTarget: true, Gold: "1"},
	} {
		line, err := json.Marshal(row)
		if err != nil {
			f.Fatal(err)
		}
		if !new(measured).quick(line) {
			f.Errorf("%s is not read quickly", line)
		}
		f.Add(line)
	}
	for _, line := range []string{
		`{}`, `{"id":"a","id":"b"}`, `{ "ok" : true , "tokens": 07}`, `{"id":null}`, `{"ID":"a"}`, `{"id":"\u0041"}`,
		`{"prompt":"\ud83d\ude00\x"}`, `{"prompt":"\u12"}`, `{"id":"a",}`, `{"id":"a"}{`, `{"tokens":1e3}`,
		`{"tokens":"x"}`, `{"tokens":true}`, `{"sample":99999999999999999999}`, `{"source":7}`, `{"prompt":null}`,
		`{"turn":"x","rating":3}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		_, indexed := measure(line)
		if _, shown := decode(line); (indexed == nil) != (shown == nil) {
			t.Fatalf("%s is read by an index with %v, and by a page with %v", line, indexed, shown)
		}
		var quick, whole measured
		if !utf8.Valid(line) || !quick.quick(line) {
			return
		}
		if err := json.Unmarshal(line, &whole); err != nil || quick != whole {
			t.Fatalf("%s is read as %+v, and by encoding/json as %+v, %v", line, quick, whole, err)
		}
	})
}
