package tokenizer

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Qwen3's way of asking: thinking is on where nothing is said, and thoughts of earlier turns are left out.
const asksThinking = `{%- for m in messages %}
    {%- if m.role == 'assistant' %}
        {%- set content = m.content.split('</think>')[-1].lstrip('\n') %}
        {{- '<|im_start|>assistant\n' + content + '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}`

// Thinking is off where the template asks, unless it is asked for, and a template that does not ask renders the same.
func TestThinking(t *testing.T) {
	chat := []Message{{"user", "Hi"}, {"assistant", "<think>\nGreet.\n</think>\n\nHo"}, {"user", "2 + 3?"}}
	tok := withTemplate(t, asksThinking)
	const turns = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHo<|im_end|>\n" +
		"<|im_start|>user\n2 + 3?<|im_end|>\n<|im_start|>assistant\n"
	for on, want := range map[bool]string{false: turns + "<think>\n\n</think>\n\n", true: turns} {
		got, err := tok.Thinking(on).RenderChat(chat, true)
		if err != nil || got != want {
			t.Errorf("thinking %t renders %q, %v; expected %q", on, got, err, want)
		}
		ids, err := tok.Thinking(on).EncodeChat(chat, true, "5")
		if text := string(tok.DecodeBytes(ids)); err != nil || text != want+"5" {
			t.Errorf("thinking %t encodes %q, %v; expected %q", on, text, err, want+"5")
		}
	}
	if !tok.Thinks() || tok.Thinking(false) != tok {
		t.Error("the template asks, and what was loaded has thinking off")
	}
	bare := load(t, "qwen2")
	off, err1 := bare.RenderChat(chat, true)
	on, err2 := bare.Thinking(true).RenderChat(chat, true)
	if err1 != nil || err2 != nil || off != on || bare.Thinks() {
		t.Errorf("a template that does not ask renders %q and %q, %v, %v", off, on, err1, err2)
	}
}

// The published templates that ask, which the Jinja module has for its own tests.
func TestThinkingOfPublishedTemplates(t *testing.T) {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/ardanlabs/jinja").Output()
	if err != nil {
		t.Skip("no go command to find the templates with")
	}
	for name, want := range map[string]struct{ off, on string }{
		"Qwen3-8B-Q8_0.jinja":        {"assistant\n<think>\n\n</think>\n\n", "<|im_start|>assistant\n"},
		"Qwen3.5-35B-A3B-Q8_0.jinja": {"assistant\n<think>\n\n</think>\n\n", "<|im_start|>assistant\n<think>\n"},
	} {
		source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "testdata", "templates", name))
		if err != nil {
			t.Skip(err)
		}
		tok := withTemplate(t, string(source))
		for _, c := range []struct {
			on   bool
			want string
		}{{false, want.off}, {true, want.on}} {
			got, err := tok.Thinking(c.on).RenderChat([]Message{{"system", "Be brief."}, {"user", "Hi"}}, true)
			if err != nil || !strings.HasSuffix(got, c.want) || !tok.Thinks() {
				t.Errorf("%s, thinking %t: %q, %v; expected it to end in %q", name, c.on, got, err, c.want)
			}
		}
		text, err := tok.RenderChat([]Message{{"user", "Hi"}, {"assistant", "Ho"}}, false)
		if prompt, err2 := tok.RenderChat([]Message{{"user", "Hi"}}, true); err != nil || err2 != nil ||
			!strings.HasPrefix(text, prompt+"Ho") {
			t.Errorf("%s: a training text %q does not begin with its prompt %q; %v, %v", name, text, prompt, err, err2)
		}
	}
}
