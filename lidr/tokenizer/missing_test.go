package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

// The ids are those of the tokenizers library 0.23.3: a byte without token is left out, and its neighbours merge, or
// the unknown token is in its place.
func TestMissingBytes(t *testing.T) {
	texts := []string{"eJs", "J", "a^^$b", "^^JJ es^", "JesJJ"}
	missing := []string{`"J":`, `"€€":`, `"^":`, `"€":`, `"$":`, `"<|nobody|>":`}
	const unknown = `"unk_token":"<|nobody|>"`
	for name, c := range map[string]struct {
		model []string
		want  [][]int
	}{
		"left out": {nil, [][]int{{283}, nil, {64, 65}, {395}, {283}}},
		"unknown": {
			[]string{`"unk_token":null`, unknown},
			[][]int{{68, 3, 82}, {3}, {64, 3, 3, 3, 65}, {3, 3, 3, 3, 395, 3}, {3, 283, 3, 3}},
		},
		"fused": {
			[]string{`"unk_token":null`, unknown, `"fuse_unk":false`, `"fuse_unk":true`},
			[][]int{{68, 3, 82}, {3}, {64, 3, 65}, {3, 3, 395, 3}, {3, 283, 3}},
		},
	} {
		tok, err := parse(trained(t, append(c.model, missing...)...))
		if err != nil {
			t.Fatal(name, err)
		}
		for i, text := range texts {
			if got := tok.Encode(text); !slices.Equal(got, c.want[i]) {
				t.Errorf("%s: Encode(%q) = %v; the tokenizers library has %v", name, text, got, c.want[i])
			}
		}
		if got := string(tok.MissingBytes()); got != "$J^" {
			t.Errorf("%s: the missing bytes are %q; expected $, J and ^", name, got)
		}
	}
	if got := load(t, "trained").MissingBytes(); len(got) > 0 {
		t.Errorf("a complete vocabulary lacks %q", got)
	}
	_, err := parse(trained(t, `"unk_token":null`, unknown))
	if err == nil || !strings.Contains(err.Error(), `unk_token "<|nobody|>" is not in vocab`) {
		t.Errorf("an unknown unk_token: %v", err)
	}
}
