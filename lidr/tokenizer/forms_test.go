package tokenizer

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// form is what a family's tokenizer.json has in place of another's.
type form struct {
	base  string            // a folder of testdata
	parts map[string]string // JSON by its key; "model.KEY" is a key of the model
	added []addedToken      // after those of base
}

const (
	marks   = `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`
	fused   = `{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}`
	after   = `{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}`
	upper   = `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+`
	lower   = `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*`
	endings = `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
	others  = `| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
	bytes8  = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}`
	bytesRE = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`
)

func regexThenBytes(expr string) string {
	return `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"` + expr +
		`"},"behavior":"Isolated","invert":false},` + bytes8 + `]}`
}

func metaspace(scheme, split string) string {
	return `{"type":"Metaspace","replacement":"▁","prepend_scheme":"` + scheme + `","split":` + split + `}`
}

// forms are those of the families that no folder of testdata has, and every setting of added tokens, on small
// vocabularies of our own.
var forms = map[string]form{
	"gemma": {"llama2", map[string]string{"normalizer": marks, "pre_tokenizer": after,
		"decoder": `{"type":"Sequence","decoders":[` + fused + `]}`}, []addedToken{
		{ID: 942, Content: "<start_of_turn>", Special: true}, {ID: 943, Content: "\n\n"}, {ID: 944, Content: "\n\n\n"},
		{ID: 945, Content: "▁▁▁▁"}, {ID: 946, Content: "<h1>"}, {ID: 927, Content: "\t"},
	}},
	"gemma-marks-first": {"llama2", map[string]string{"normalizer": `{"type":"Sequence","normalizers":[` + marks + `]}`,
		"pre_tokenizer": metaspace("first", "true"), "decoder": `{"type":"Sequence","decoders":[` + fused + `]}`}, nil},
	"phi-3": {"llama2", nil, []addedToken{
		{ID: 942, Content: "<|endoftext|>", Special: true}, {ID: 943, Content: "<|user|>", RStrip: true, Special: true},
		{ID: 944, Content: "<|end|>", RStrip: true, Special: true}, {ID: 945, Content: "</x>", RStrip: true},
	}},
	"split-spaces": {"llama2", map[string]string{"normalizer": "null", "pre_tokenizer": after}, nil},
	"marks-cut": {"llama2", map[string]string{"normalizer": "null", "pre_tokenizer": metaspace("always", "true")},
		nil},
	"marks-never": {"llama2", map[string]string{"normalizer": "null", "pre_tokenizer": metaspace("never", "false")},
		nil},
	"marks-never-cut": {"mistral", map[string]string{"pre_tokenizer": metaspace("never", "true")}, nil},
	"marks-whole":     {"mistral", map[string]string{"model.ignore_merges": "true"}, nil},
	"no-unknown":      {"llama2", map[string]string{"model.unk_token": "null"}, nil},
	"nfc-then-marks": {"llama2", map[string]string{"normalizer": `{"type":"Sequence","normalizers":[{"type":"NFC"},` +
		marks + `]}`}, nil},
	"added-everywhere": {"llama2", nil, everyAdded(942)},
	"gpt-2":            {"qwen2", map[string]string{"normalizer": "null", "pre_tokenizer": bytesRE}, nil},
	"cohere": {"qwen2", map[string]string{"pre_tokenizer": `{"type":"Sequence","pretokenizers":[{"type":"Digits",` +
		`"individual_digits":true},` + bytesRE + `]}`}, everyAdded(900)},
	"digits": {"qwen2", map[string]string{"normalizer": "null",
		"pre_tokenizer": `{"type":"Sequence","pretokenizers":[{"type":"Digits",` +
			`"individual_digits":false},` + bytesRE + `]}`}, nil},
	"o200k": {"qwen2", map[string]string{"normalizer": "null",
		"pre_tokenizer": regexThenBytes(upper + endings + "|" + lower + endings + `|\\p{N}{1,3}` + others)}, everyAdded(900)},
	"tekken": {"qwen2", map[string]string{"normalizer": "null",
		"pre_tokenizer": regexThenBytes(upper + "|" + lower + `|\\p{N}` + others)}, nil},
	"deepseek": {"qwen2", map[string]string{"normalizer": "null", "pre_tokenizer": `{"type":"Sequence","pretokenizers":[` +
		`{"type":"Split","pattern":{"Regex":"\\p{N}{1,3}"},"behavior":"Isolated","invert":false},` +
		`{"type":"Split","pattern":{"Regex":"[一-龥぀-ゟ゠-ヿ]+"},"behavior":"Isolated","invert":false},` + bytesRE + `]}`}, nil},
	"digits-matched": {"qwen2", map[string]string{"normalizer": "null",
		"pre_tokenizer": `{"type":"Sequence","pretokenizers":[{"type":"Split",` +
			`"pattern":{"Regex":"\\p{N}| ?\\p{L}+"},"behavior":"Removed","invert":true},` + bytes8 + `]}`}, nil},
}

// everyAdded returns added tokens with each setting, from an id on.
func everyAdded(id int) []addedToken {
	tokens := []addedToken{
		{Content: "<left>", LStrip: true}, {Content: "<right>", RStrip: true},
		{Content: "<both>", LStrip: true, RStrip: true, Special: true}, {Content: "word", SingleWord: true},
		{Content: "wordy"}, {Content: "<norm>", Normalized: true}, {Content: "日\u00e9", Normalized: true},
		{Content: "single", SingleWord: true, Normalized: true, RStrip: true}, {Content: "  "}, {Content: "日本"},
		{Content: "<norm-left>", Normalized: true, LStrip: true},
	}
	for i := range tokens {
		tokens[i].ID = id + i
	}
	return tokens
}

// formTexts are short, so that what every form makes of them can be kept.
var formTexts = []string{
	"", " ", "  ", "a", " a", "a ", "Hello world", "  two  spaces\n\n\nlines\n\n",
	"<start_of_turn>user\nHi<start_of_turn>",
	"<|user|>\n Hi <|end|>\n\n<|user|>  <|end|>x </x> y", "a <left> b <right> c <both> d", "<both> \n <both>  <left>",
	"word words sword word. _word wordy é-word", "single singles  single  x", "<norm> x<norm>  <norm-left>  <norm-left>",
	"日e\u0301 日\u00e9", "日本語 日 本", "<h1>a</h1>\t\tb", "▁▁▁▁ ▁x▁ y", "It's it'ſ we'LL 12345 ¾ IIx HTTPServer camelCase ÀÉx",
	"x\u0301\u0323y ſ K", "𐵀𐵁 \U00010d50 \u2427", "🙂👩‍🚀\u200d", "\r\n \r\n\t", "<s> </s><unk> <0x41>", "ا١٢٣ क्या หนังสือ",
}

// writeForms writes a folder with the tokenizer.json of each form.
func writeForms(t testing.TB, dir string) (folders []string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		f := forms[name]
		data, err := os.ReadFile(filepath.Join("testdata", f.base, "tokenizer.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file, model map[string]json.RawMessage
		var added []addedToken
		for _, read := range []func() error{
			func() error { return json.Unmarshal(data, &file) },
			func() error { return json.Unmarshal(file["model"], &model) },
			func() error { return json.Unmarshal(file["added_tokens"], &added) },
		} {
			if err := read(); err != nil {
				t.Fatal(err)
			}
		}
		for key, value := range f.parts {
			if of, ok := strings.CutPrefix(key, "model."); ok {
				model[of] = json.RawMessage(value)
			} else {
				file[key] = json.RawMessage(value)
			}
		}
		for key, value := range map[string]any{"model": model, "added_tokens": append(added, f.added...)} {
			if file[key], err = json.Marshal(value); err != nil {
				t.Fatal(err)
			}
		}
		written, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(dir, "form-"+name)
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "tokenizer.json"), written, 0o666); err != nil {
			t.Fatal(err)
		}
		folders = append(folders, folder)
	}
	return folders
}

// TestForms compares with what the tokenizers library made of the texts, which testdata/forms.json keeps:
// `make test-tokenizers` compares that with the library itself.
func TestForms(t *testing.T) {
	folders := writeForms(t, t.TempDir())
	var want map[string]peer
	readInto(t, formsFile, &want)
	for _, folder := range folders {
		name := filepath.Base(folder)
		t.Run(name, func(t *testing.T) {
			tok, err := Load(os.DirFS(folder))
			if err != nil {
				t.Fatal(err)
			}
			if len(want[name].IDs) != len(formTexts) {
				t.Fatalf("%s has %d texts of %s, expected %d", formsFile, len(want[name].IDs), name, len(formTexts))
			}
			compareIDs(t, tok, formTexts, want[name])
		})
	}
}

const formsFile = "testdata/forms.json"

// TestFormsAreTheLibrarys writes testdata/forms.json again where LIDR_PEERS_PYTHON names a Python with the tokenizers
// library, and is an error where the file was another.
func TestFormsAreTheLibrarys(t *testing.T) {
	python := os.Getenv("LIDR_PEERS_PYTHON")
	if python == "" {
		t.Skip("LIDR_PEERS_PYTHON is not set; make test-tokenizers sets it")
	}
	dir := t.TempDir()
	askPeers(t, python, dir, formTexts, writeForms(t, dir), nil)
	answers := map[string]json.RawMessage{}
	for name := range forms {
		var answer json.RawMessage
		readInto(t, filepath.Join(dir, "form-"+name+".json"), &answer)
		answers["form-"+name] = answer
	}
	now, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(formsFile)
	if err == nil && bytes.Equal(kept, append(now, '\n')) {
		return
	}
	if err := os.WriteFile(formsFile, append(now, '\n'), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Errorf("%s was another than what the library says now; it was written again", formsFile)
}
