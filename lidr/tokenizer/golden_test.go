package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden is the output of transformers.js for one tokenizer; testdata/oracle.mjs writes it.
type golden struct {
	IDs      [][]int
	Document [][]int
	Decoded  []string
	Chats    []conversation
}

type conversation struct {
	Messages []Message
	Add      bool // the generation prompt
	Text     string
	IDs      []int // nil: not compared
	Error    string
}

// goldenFolders are the tokenizers of testdata, in the order of golden.json.
var goldenFolders = []string{"trained", "qwen2", "llama3", "llama2", "mistral"}

func readInto(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
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
	var texts []string
	readInto(t, "testdata/strings.json", &texts)
	if len(texts) < 200 {
		t.Fatalf("only %d texts", len(texts))
	}
	compare(t, texts, "testdata/golden.json", goldenFolders)
}

// compare compares ids, decoded texts and rendered conversations of each folder's tokenizer with the oracle's.
func compare(t *testing.T, texts []string, answers string, folders []string) {
	t.Helper()
	var all map[string]json.RawMessage
	readInto(t, answers, &all)
	for _, folder := range folders {
		name := filepath.Base(folder)
		t.Run(name, func(t *testing.T) {
			if !filepath.IsAbs(folder) {
				folder = filepath.Join("testdata", folder)
			}
			tok, err := Load(os.DirFS(folder))
			if err != nil {
				t.Fatal(err)
			}
			var want golden
			if err := json.Unmarshal(all[name], &want); err != nil {
				t.Fatal(err)
			}
			for i := range want.Chats {
				if correct := asPython[name]; correct != nil {
					correct(&want.Chats[i])
				}
			}
			compareTexts(t, tok, texts, want)
			compareChats(t, tok, want)
		})
	}
}

func compareTexts(t *testing.T, tok *Tokenizer, texts []string, want golden) {
	t.Helper()
	differ := 0
	for i, text := range texts {
		ids := tok.Encode(text)
		if !slices.Equal(ids, want.IDs[i]) {
			if differ++; differ <= 10 {
				t.Errorf("Encode(%q) = %v; transformers has %v", text, ids, want.IDs[i])
			}
			continue
		}
		var half []int
		for k := 0; k < len(ids); k += 2 {
			half = append(half, ids[k])
		}
		if got := tok.Decode(half); got != want.Decoded[i] {
			if differ++; differ <= 10 {
				t.Errorf("Decode(%v) = %q; transformers has %q", half, got, want.Decoded[i])
			}
		}
	}
	for i, ids := range want.Document {
		if got := tok.EncodeDocument(texts[i]); !slices.Equal(got, ids) {
			t.Errorf("EncodeDocument(%q) = %v; transformers has %v", texts[i], got, ids)
		}
	}
	t.Logf("%d of %d texts equal", len(texts)-differ, len(texts))
}

func compareChats(t *testing.T, tok *Tokenizer, want golden) {
	t.Helper()
	refused := 0
	for _, c := range want.Chats {
		s, err := tok.RenderChat(c.Messages, c.Add)
		if c.Error != "" {
			if refused++; err == nil {
				t.Errorf("RenderChat(%v) = %q; transformers refuses: %s", c.Messages, s, c.Error)
			}
			continue
		}
		if err != nil {
			t.Errorf("RenderChat(%v): %v; transformers renders %q", c.Messages, err, c.Text)
			continue
		}
		ids, err := tok.EncodeChat(c.Messages, c.Add, "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Text, s); diff != "" {
			t.Errorf("RenderChat: transformers (-), lidr (+):\n%s", diff)
		} else if c.IDs != nil && !slices.Equal(ids, c.IDs) {
			t.Errorf("EncodeChat(%v) = %v; transformers has %v", c.Messages, ids, c.IDs)
		}
	}
	t.Logf("%d conversations compared, %d of them refused by both", len(want.Chats), refused)
}
