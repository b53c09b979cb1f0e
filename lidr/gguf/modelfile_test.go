package gguf

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"text/template"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/tokenizer"
)

// The Modelfile of a Llama 3: greedy, without BOS in the template (the GGUF file makes readers add it), and with a
// warning, since the model's own template trims messages.
func TestModelfile(t *testing.T) {
	ck, tok := newCheckpoint(t, "llama3", checkpoint.Config{ModelType: "llama"})
	const want = `# ollama create NAME -f Modelfile
FROM ./M1-f16.gguf

# The likeliest token each time. Ollama's defaults are temperature 0.8, top_k 40, top_p 0.9, repeat_penalty 1.1.
PARAMETER temperature 0
PARAMETER top_k 0
PARAMETER top_p 1
PARAMETER min_p 0
PARAMETER repeat_penalty 1

# The model has room for 512 tokens. Keys and values are kept in f16, which OLLAMA_KV_CACHE_TYPE can only coarsen.
PARAMETER num_ctx 512

PARAMETER stop "<|eot_id|>"

# Writes what the model's chat template writes, compared when this file was made.
# That one trims messages and this one cannot: send them without white space around.
TEMPLATE """{{ range $i, $message := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}` +
		`{{ if eq .Role "system" }}<|start_header_id|>system<|end_header_id|>

{{ .Content }}<|eot_id|><|start_header_id|>user<|end_header_id|>

{{ else if eq .Role "user" }}{{ if eq $i 0 }}<|start_header_id|>user<|end_header_id|>

{{ end }}{{ .Content }}<|eot_id|><|start_header_id|>assistant<|end_header_id|>

{{ else if eq .Role "assistant" }}{{ .Content }}{{ if not $last }}<|eot_id|><|start_header_id|>user<|end_header_id|>

{{ end }}{{ end }}{{ end }}"""
`
	if got := Modelfile(ck, tok, "M1-f16.gguf"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The template renders a conversation as the published one does: Qwen's default system message, Llama 2's system
// message inside the first user turn, and an answer that was begun without its end.
func TestGoTemplate(t *testing.T) {
	type turns = []tokenizer.Message
	for _, test := range []struct {
		folder   string
		messages turns
		want     string
	}{
		{"qwen2", turns{{Role: "user", Content: "Hi"}},
			"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" +
				"<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"},
		{"qwen2", turns{{Role: "system", Content: "S"}, {Role: "user", Content: "Hi"}, {Role: "assistant", Content: "Be"}},
			"<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nBe"},
		{"llama2", turns{{Role: "system", Content: "S"}, {Role: "user", Content: "Hi"}, {Role: "assistant", Content: "Yes"},
			{Role: "user", Content: "So"}},
			"[INST] <<SYS>>\nS\n<</SYS>>\n\nHi [/INST] Yes </s><s>[INST] So [/INST]"},
	} {
		ck, tok := newCheckpoint(t, test.folder, checkpoint.Config{ModelType: "llama"})
		source, ok := strings.CutSuffix(Modelfile(ck, tok, "x.gguf"), "\"\"\"\n")
		_, source, _ = strings.Cut(source, `TEMPLATE """`)
		parsed, err := template.New("").Parse(source)
		if !ok || err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := parsed.Execute(&got, map[string]any{"Messages": test.messages}); err != nil {
			t.Fatal(err)
		}
		if got.String() != test.want {
			t.Errorf("%s: got\n%q\nwant\n%q", test.folder, got.String(), test.want)
		}
	}
}

// If no Go template is known to match the chat template, the Modelfile makes Ollama fail, and says why.
func TestNoGoTemplate(t *testing.T) {
	for jinja, reason := range map[string]string{
		"{% for m in messages %}{{ loop.index }}: {{ m.content }}<|eot_id|>{% endfor %}": "otherwise " +
			"than by putting texts around them",
		"{% for m in messages %}{{ m.content | upper }}<|eot_id|>{% endfor %}":                        "each as it is",
		"{% for m in messages %}{{ m.role }}\u3000{{ m.content }}<|eot_id|>{% endfor %}":              "U+3000",
		"{% if messages[0].role == 'system' %}{{ raise_exception('no system messages') }}{% endif %}": "no system messages",
	} {
		ck, _ := newCheckpoint(t, "qwen2", checkpoint.Config{ModelType: "qwen2"})
		tok, err := tokenizer.Load(fstest.MapFS{
			"tokenizer.json":        {Data: ck.Files["tokenizer.json"]},
			"tokenizer_config.json": {Data: []byte(`{"eos_token": "<|im_end|>"}`)},
			"chat_template.jinja":   {Data: []byte(jinja)},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := Modelfile(ck, tok, "x.gguf")
		_, source, _ := strings.Cut(got, `TEMPLATE """`)
		if _, err := template.New("").Parse(strings.TrimSuffix(source, "\"\"\"\n")); err == nil {
			t.Errorf("%s: the template is a valid one", jinja)
		}
		if comment := regexp.MustCompile(`(?m)^# No Go template.*$`).FindString(got); !strings.Contains(comment, reason) {
			t.Errorf("%s: the reason is %q, expected %q", jinja, comment, reason)
		}
	}
}
