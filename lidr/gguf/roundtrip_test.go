package gguf

import (
	"bytes"
	"slices"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/tokenizer"
)

// A model that is written and read again is the same in every weight, computes as its configuration did, and cuts text
// into the same tokens.
func TestRoundTrip(t *testing.T) {
	for _, test := range []struct {
		folder string
		config checkpoint.Config
	}{
		{"llama3", checkpoint.Config{ModelType: "llama", RopeScaling: &llama3}},
		{"llama3", checkpoint.Config{ModelType: "llama", AttentionBias: true, TieWordEmbeddings: true}},
		{"qwen2", checkpoint.Config{ModelType: "qwen2", TieWordEmbeddings: true}},
		{"qwen2", checkpoint.Config{ModelType: "qwen3"}},
		{"trained", checkpoint.Config{ModelType: "llama"}},
	} {
		ck, tok := newCheckpoint(t, test.folder, test.config)
		ck.Files["README.md"] = []byte("---\nlicense: apache-2.0\n---\n")
		var b bytes.Buffer
		if err := Write(&b, ck, tok, "M1", "f32"); err != nil {
			t.Fatal(err)
		}
		got, err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Errorf("%s: %v", test.config.ModelType, err)
			continue
		}
		sameWeights(t, ck, got)
		sameConfig(t, ck.Config, got.Config)
		sameTokens(t, tok, got)
		if licenseOf(got) != "apache-2.0" {
			t.Errorf("%s: license %q", test.config.ModelType, licenseOf(got))
		}
	}
}

func sameWeights(t *testing.T, want, got *checkpoint.Checkpoint) {
	t.Helper()
	if len(got.Tensors) != len(want.Tensors) {
		t.Fatalf("%d tensors, expected %d", len(got.Tensors), len(want.Tensors))
	}
	for i, w := range want.Tensors {
		g := got.Tensors[i]
		if g.Name != w.Name || !slices.Equal(g.Shape, w.Shape) ||
			!slices.Equal(lidrtest.Values(t, g), lidrtest.Values(t, w)) {
			t.Errorf("%s: %v, expected %s of %v, or other values", g.Name, g.Shape, w.Name, w.Shape)
		}
	}
}

// sameConfig compares all but the tokens that begin and end a text, which the tokenizer's files say.
func sameConfig(t *testing.T, want, got checkpoint.Config) {
	t.Helper()
	want.EOSTokenIDs, want.BOSTokenID, want.Architectures = got.EOSTokenIDs, got.BOSTokenID, got.Architectures
	a, b := &checkpoint.Checkpoint{Config: want}, &checkpoint.Checkpoint{Config: got}
	if hashOfModel(t, a) != hashOfModel(t, b) {
		t.Errorf("configuration %+v\nexpected %+v", got, want)
	}
}

func sameTokens(t *testing.T, want *tokenizer.Tokenizer, ck *checkpoint.Checkpoint) {
	t.Helper()
	got, err := tokenizer.Load(folderOf(ck))
	if err != nil {
		t.Error(err)
		return
	}
	for _, text := range []string{"", "Hello, world! It's 12345 o'clock.", "  two  spaces\n\n\tand lines \r\n",
		"naïve café",
		"Zażółć gęślą jaźń", "日本語のテキスト、です。", "한국어 텍스트", "Привет, мир 2024", "مرحبا بالعالم ١٢٣", "👍🏽 emoji\u200d",
		"e\u0301 NFD", "<|im_end|><|eot_id|></s><s>", "def f(x):\n    return x**2  # ok"} {
		if !slices.Equal(got.Encode(text), want.Encode(text)) ||
			!slices.Equal(got.EncodeContent(text), want.EncodeContent(text)) ||
			!slices.Equal(got.EncodeDocument(text), want.EncodeDocument(text)) {
			t.Errorf("%q: ids %v, expected %v", text, got.EncodeDocument(text), want.EncodeDocument(text))
		}
	}
	if got.ChatTemplate() != want.ChatTemplate() || got.EOS()[0] != want.EOS()[0] {
		t.Errorf("chat template %q and ends %v, expected %q and %v", got.ChatTemplate(), got.EOS(), want.ChatTemplate(),
			want.EOS())
	}
	for _, eos := range want.EOS() {
		if !slices.Contains(got.EOS(), eos) {
			t.Errorf("ends %v, expected %v among them", got.EOS(), want.EOS())
		}
	}
}
