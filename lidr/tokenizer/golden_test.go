package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden is what transformers.js says; testdata/oracle.mjs writes it.
type golden struct {
	IDs      [][]int
	Document [][]int
	Decoded  []string
	Chats    []struct {
		Messages []Message
		Text     string
		IDs      []int
	}
}

func loadGolden(t *testing.T) (texts []string, want map[string]golden) {
	t.Helper()
	var all map[string]json.RawMessage
	for name, into := range map[string]any{"testdata/strings.json": &texts, "testdata/golden.json": &all} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatal(err)
		}
	}
	want = map[string]golden{}
	for _, name := range []string{"trained", "qwen2", "llama3", "llama2", "mistral"} {
		var g golden
		if err := json.Unmarshal(all[name], &g); err != nil {
			t.Fatal(err)
		}
		want[name] = g
	}
	return texts, want
}

func load(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := Load(os.DirFS("testdata/" + name))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEqualsTransformers(t *testing.T) {
	texts, want := loadGolden(t)
	if len(texts) < 200 {
		t.Fatalf("only %d texts", len(texts))
	}
	for name, g := range want {
		t.Run(name, func(t *testing.T) {
			tok := load(t, name)
			for i, text := range texts {
				ids := tok.Encode(text)
				if !slices.Equal(ids, g.IDs[i]) {
					t.Errorf("Encode(%q) = %v; transformers has %v", text, ids, g.IDs[i])
				}
				var half []int
				for k := 0; k < len(ids); k += 2 {
					half = append(half, ids[k])
				}
				if got := tok.Decode(half); got != g.Decoded[i] {
					t.Errorf("Decode(%v) = %q; transformers has %q", half, got, g.Decoded[i])
				}
			}
			for i, ids := range g.Document {
				if got := tok.EncodeDocument(texts[i]); !slices.Equal(got, ids) {
					t.Errorf("EncodeDocument(%q) = %v; transformers has %v", texts[i], got, ids)
				}
			}
			for _, c := range g.Chats {
				s, err := tok.RenderChat(c.Messages, true)
				if err != nil {
					t.Fatal(err)
				}
				ids, err := tok.EncodeChat(c.Messages, true, "")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.Text, s); diff != "" {
					t.Errorf("RenderChat: transformers (-), lidr (+):\n%s", diff)
				}
				if !slices.Equal(ids, c.IDs) {
					t.Errorf("EncodeChat = %v; transformers has %v", ids, c.IDs)
				}
			}
		})
	}
}
