package tokenizer

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// trained returns testdata's own tokenizer.json with replacements.
func trained(t testing.TB, oldnew ...string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/trained/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(s, oldnew[i]) {
			t.Fatalf("tokenizer.json has no %q", oldnew[i])
		}
		s = strings.Replace(s, oldnew[i], oldnew[i+1], 1)
	}
	return []byte(s)
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"no json":        {[]byte("{"), "tokenizer.json: "},
		"wordpiece":      {trained(t, `"type":"BPE"`, `"type":"WordPiece"`), `model type "WordPiece"`},
		"sentencepiece":  {trained(t, `"byte_fallback":false`, `"byte_fallback":true`), "byte_fallback"},
		"dropout":        {trained(t, `"dropout":null`, `"dropout":0.1`), "dropout"},
		"normalizer":     {trained(t, `"normalizer":null`, `"normalizer":{"type":"NFKC"}`), `normalizer: type "NFKC"`},
		"split behavior": {trained(t, `"behavior":"Isolated"`, `"behavior":"MergedWithNext"`), "MergedWithNext"},
		"pattern":        {trained(t, `\\s+(?!\\S)`, `(?<`), "pattern"},
		"pretokenizer":   {trained(t, `"type":"Split"`, `"type":"Metaspace"`), "Metaspace"},
		"byte missing":   {trained(t, `"A":`, `"€€":`), `("A" "n"): its tokens are not all in vocab`},
		"merge":          {trained(t, `"merges":["`, `"merges":["q zq","`), "not all in vocab"},
		"merge spelling": {trained(t, `"merges":["`, `"merges":["a b c","`), "expected two tokens"},
		"id twice":       {trained(t, `"A":32`, `"A":33`), "two tokens"},
		"absurd id":      {trained(t, `"id":897`, `"id":2000000000`), "expected 0 to"},
		"added without":  {trained(t, `"content":"\u003c|im_end|\u003e"`, `"content":""`), "no content"},
		"decoder": {trained(t, `"decoder":{"add_prefix_space":false,"trim_offsets":false,"type":"ByteLevel"`,
			`"decoder":{"type":"WordPiece"`), "decoder"},
		"postprocessor": {trained(t, `"post_processor":{"add_prefix_space":false,"trim_offsets":false,"type":"ByteLevel"`,
			`"post_processor":{"type":"BertProcessing"`), "BertProcessing"},
		"prefix space": {trained(t, `"pretokenizers":[{`, `"pretokenizers":[{"type":"ByteLevel","add_prefix_space":true},{`),
			"step 1"},
	} {
		_, err := Load(fstest.MapFS{"tokenizer.json": {Data: c.data}})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v; expected one line with %q", name, err, c.want)
		}
	}
	if _, err := Load(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "tokenizer.json is missing") {
		t.Errorf("empty folder: %v", err)
	}
	for config, want := range map[string]string{
		`{"eos_token":"<|nobody|>"}`:                        `eos_token "<|nobody|>" is not in`,
		`{"chat_template":"{% include 'x' %}"}`:             "include",
		`{"chat_template":"{{ messages"}`:                   "chat template",
		`{"chat_template":[{"name":"rag","template":"x"}]}`: "default",
		`{"chat_template":"x"}`:                             "set eos_token",
		`{"chat_template":7}`:                               "expected a string",
	} {
		_, err := Load(fstest.MapFS{"tokenizer.json": {Data: trained(t)}, "tokenizer_config.json": {Data: []byte(config)}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; expected %q", config, err, want)
		}
	}
}

// Other forms of published files.
func TestOtherForms(t *testing.T) {
	texts := []string{"It's 1234 o'clock,  so\n\n  what?", "a1b22"}
	for name, c := range map[string]struct {
		pre  string
		want []string // the words of texts
	}{
		"GPT-2": {`{"type":"ByteLevel","add_prefix_space":false}`,
			[]string{"It|'s| 1234| o|'|clock|,| | so|\n\n | what|?", "a|1|b|22"}},
		"digits": {`{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel",` +
			`"add_prefix_space":false,"use_regex":true}]}`,
			[]string{"It|'s| |1|2|3|4| o|'|clock|,| | so|\n\n | what|?", "a|1|b|2|2"}},
		"matches only": {`{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"[a-z]+"},` +
			`"behavior":"Removed","invert":true},{"type":"ByteLevel","use_regex":false}]}`,
			[]string{"t|s|o|clock|so|what", "a|b"}},
	} {
		var o map[string]json.RawMessage
		if err := json.Unmarshal(trained(t), &o); err != nil {
			t.Fatal(err)
		}
		o["pre_tokenizer"] = json.RawMessage(c.pre)
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := parse(b)
		if err != nil {
			t.Fatal(name, err)
		}
		for i, text := range texts {
			if got := strings.Join(tok.split(nil, text), "|"); got != c.want[i] {
				t.Errorf("%s: %q splits to %q; expected %q", name, text, got, c.want[i])
			}
		}
	}
	strip := string(trained(t, `"lstrip":false`, `"lstrip":true`, `"rstrip":false`, `"rstrip":true`))
	tok, err := parse([]byte(strip))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(tok.DecodeBytes(tok.Encode("a \n<|endoftext|>\t b"))); got != "a<|endoftext|>b" {
		t.Errorf("lstrip and rstrip leave %q", got)
	}
}

func TestTemplates(t *testing.T) {
	chat := []Message{{"user", "Hi"}, {"assistant", "Ho"}}
	for template, want := range map[string]string{
		"{{ messages[0].content }}{% for m in messages[1:] %}-{{ m['content'] }}{% endfor %}": "Hi-Ho",
		"{{ bos_token }}{{ eos_token }}{{ tools is none }}":                                   "<|im_end|>True",
		"{{ strftime_now('%d %b %Y, %A %j') }} {{ strftime_now('100%% of %B %y%') }}": "26 Jul 2024, Friday 208 " +
			"100% of July 24%",
		"{% if strftime_now is defined %}now{% else %}26 Jul 2024{% endif %}":         "26 Jul 2024",
		"{% for i in range(3) %}{{ i }}{% endfor %}{{ range(5, 1, -2) | join(',') }}": "0125,3",
	} {
		if got, err := withTemplate(t, template).RenderChat(chat, false); err != nil || got != want {
			t.Errorf("%s: %q, %v; expected %q", template, got, err, want)
		}
	}
	for template, want := range map[string]string{
		"{{ raise_exception('only users') }}":           "only users",
		"{{ strftime_now('%q') }}":                      "%q in",
		"{{ messages | nonsense }}":                     "nonsense",
		"{{ frobnicate(messages) }}":                    "frobnicate",
		"{{ messages[0].content.swapcase() }}":          "swapcase",
		"{{ messages is wonderful }}":                   "wonderful",
		"{{ 'x' * -1 }}":                                "chat template",
		"{% for i in range(1000000000) %}x{% endfor %}": "range",
		"{{ 'x' * 20000000 }}":                          "bytes of output",
	} {
		if _, err := withTemplate(t, template).RenderChat(chat, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; expected %q", template, err, want)
		}
	}
	config, err := json.Marshal(map[string]string{"chat_template": strings.Repeat("x", maxTemplate+1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(fstest.MapFS{"tokenizer.json": {Data: trained(t)},
		"tokenizer_config.json": {Data: config}}); err == nil {
		t.Error("a template beyond the limit was accepted")
	}
	if _, err := load(t, "qwen2").RenderChat(nil, true); err == nil {
		t.Error("an empty conversation was rendered")
	}
	bare, err := Load(fstest.MapFS{"tokenizer.json": {Data: trained(t)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.EncodeChat(chat, true, ""); err == nil || !strings.Contains(err.Error(), "no chat template") {
		t.Errorf("without a template: %v", err)
	}
}

func withTemplate(t *testing.T, template string) *Tokenizer {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"eos_token":     "<|im_end|>",
		"chat_template": []map[string]string{{"name": "default", "template": "no"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Load(fstest.MapFS{"tokenizer.json": {Data: trained(t)}, "tokenizer_config.json": {Data: config},
		"chat_template.jinja": {Data: []byte(template)}})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// A tokenizer that loads must encode any text without panic, and decode to the same text unless it normalizes or
// strips. The fuzzer replaces one key of an otherwise valid tokenizer.json.
func FuzzLoad(f *testing.F) {
	const text = "It's <|im_end|> 42\n"
	var good [2]map[string]json.RawMessage
	for i, name := range []string{"trained", "llama2"} {
		b, err := os.ReadFile("testdata/" + name + "/tokenizer.json")
		if err != nil {
			f.Fatal(err)
		}
		if err := json.Unmarshal(b, &good[i]); err != nil {
			f.Fatal(err)
		}
		for key, value := range good[i] {
			if len(value) < 1000 {
				f.Add(i == 1, key, []byte(value), text)
			}
		}
	}
	f.Add(true, "normalizer", []byte(`null`), text)
	f.Add(true, "pre_tokenizer", []byte(`{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}`), text)
	f.Add(false, "normalizer", []byte(`{"type":"Sequence","normalizers":[{"type":"NFC"}]}`), text)
	f.Add(false, "model", []byte(`{"type":"BPE","vocab":{"a":0},"merges":[["a","a"],"a a"]}`), text)
	f.Add(false, "added_tokens",
		[]byte(`[{"id":7,"content":"42","normalized":true,"rstrip":true},{"id":950,"content":"<s>","special":true}]`), text)
	f.Add(false, "post_processor",
		[]byte(`{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}},{"Sequence":{"id":"A"}}],`+
			`"special_tokens":{"s":{"ids":[3]}}}`), text)
	f.Add(false, "pre_tokenizer", []byte(`{"type":"Sequence","pretokenizers":[{"type":"Digits"},{"type":"ByteLevel",`+
		`"add_prefix_space":false}]}`), text)
	f.Add(true, "normalizer", []byte(marks), "  a  b ")
	f.Add(true, "pre_tokenizer", []byte(after), " a  b")
	f.Add(true, "pre_tokenizer", []byte(metaspace("always", "true")), "a b ")
	f.Add(true, "decoder", []byte(`{"type":"Sequence","decoders":[`+fused+`]}`), "a b ")
	f.Add(true, "added_tokens",
		[]byte(`[{"id":942,"content":"▁▁"},{"id":943,"content":"b","single_word":true,"normalized":true,"lstrip":true}]`),
		"a ▁▁ b ab")
	f.Add(false, "normalizer", []byte(`{"type":"Sequence","normalizers":[{"type":"NFC"},`+marks+`]}`),
		"e"+strings.Repeat("\u0301\u0323", 20))
	f.Add(false, "pre_tokenizer", []byte(bytesRE), text)
	f.Fuzz(func(t *testing.T, pieces bool, key string, value []byte, text string) {
		if !json.Valid(value) || strings.Contains(string(value), "Regex") { // an expression may backtrack without end
			return
		}
		file := maps.Clone(good[0])
		if pieces {
			file = maps.Clone(good[1])
		}
		file[key] = value
		data, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := parse(data)
		if err != nil {
			return
		}
		ids := tok.EncodeDocument(text)
		for _, id := range ids {
			if id < 0 || id >= tok.VocabSize() {
				t.Fatalf("id %d of %d", id, tok.VocabSize())
			}
		}
		tok.Decode(slices.Concat(ids, []int{-1, 1 << 40}))
		back := tok.DecodeBytes(tok.Encode(text))
		if tok.normalizers == nil && !pieces && len(tok.MissingBytes()) == 0 && !bytes.Contains(value, []byte("strip")) &&
			string(back) != text {
			t.Fatalf("%q comes back as %q", text, back)
		}
	})
}
