package view

import (
	"testing"
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
