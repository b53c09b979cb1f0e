package gguf

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"lidrlab/lidr/tokenizer"
)

// pieces is a vocabulary of SentencePiece's kind: special tokens, one that a user has defined for two spaces, bytes,
// and pieces with scores, of which "▁ab" and "abc" compete.
func pieces() []pair {
	tokens := []string{"<unk>", "<s>", "</s>", "  ", "<tag>"}
	types := []int32{unknown, control, control, userDefined, userDefined}
	scores := []float32{0, 0, 0, -1000, -1000}
	for b := range 256 {
		tokens, types, scores = append(tokens, fmt.Sprintf("<0x%02X>", b)), append(types, byteToken), append(scores, 0)
	}
	for i, text := range []string{"ab", "▁ab", "bc", "abc", "ta", "tag", "a", "b", "c", "t", "g", "s", "<", ">", "/", "▁",
		"</", "s>", "é"} {
		tokens, types, scores = append(tokens, text), append(types, normal), append(scores, -float32(i))
	}
	pairs, _ := tiny()
	for key, value := range map[string]any{keyModel: "llama", keyPre: "default", keyTokens: tokens, keyTypes: types,
		keyScores: scores, keyEOS: uint32(2), keyBOS: uint32(1), keyUnknown: uint32(0),
		keyTemplate:            "{{ messages[0].content }}</s>",
		"general.architecture": "llama"} {
		pairs = with(pairs, key, value)
	}
	return pairs
}

// SentencePiece's pieces are merged by their scores, the better one first and the left one of two; characters without a
// token become bytes, and no text makes a control token.
func TestPieces(t *testing.T) {
	_, tensors := tiny()
	rows := len(pieces()[slices.IndexFunc(pieces(), func(p pair) bool { return p.key == keyTokens })].value.([]string))
	tensors[0].shape, tensors[0].data = []int{rows, 4}, zeros(rows*4)
	load := func(file []byte) *tokenizer.Tokenizer {
		ck, err := Read(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		tok, err := tokenizer.Load(folderOf(ck))
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer // written and read once more, it is the same
		if err := Write(&again, ck, tok, "M1", "f32"); err != nil {
			t.Fatal(err)
		}
		second, err := Read(bytes.NewReader(again.Bytes()), int64(again.Len()))
		if err != nil {
			t.Fatal(err)
		}
		sameTokens(t, tok, second)
		return tok
	}
	for _, test := range []struct {
		prefix bool
		text   string
		want   []string
	}{
		{true, "abc", []string{"▁ab", "c"}}, {false, "abc", []string{"abc"}}, {false, "bcabc", []string{"bc", "abc"}},
		{true, "ab  ab", []string{"▁ab", "▁▁", "ab"}}, {false, "tag<tag>", []string{"tag", "<tag>"}},
		{false, "é\x00ß", []string{"é", "<0x00>", "<0xC3>", "<0x9F>"}}, {false, "</s>", []string{"</", "s>"}},
	} {
		tok := load(fileOf(t, with(pieces(), keyAddSpace, test.prefix), tensors))
		var want []int
		for _, text := range test.want {
			tokens := pieces()[slices.IndexFunc(pieces(), func(p pair) bool { return p.key == keyTokens })].value.([]string)
			id := slices.Index(tokens, text)
			if text == "▁▁" {
				id = 3
			}
			want = append(want, id)
		}
		if got := tok.EncodeContent(test.text); !slices.Equal(got, want) {
			t.Errorf("%q with add_space_prefix %v: %v, expected %v", test.text, test.prefix, got, want)
		}
		if got := tok.EncodeDocument("a"); got[0] != 1 {
			t.Errorf("a document begins with %d, expected BOS", got[0])
		}
	}
}
