package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ardanlabs/jinja"
)

// endless are templates that would run for ever, end the process by exhausting its stack, or fill any memory.
var endless = []string{
	"{% for i in range(60000) %}{% for j in range(60000) %}{% for k in range(60000) %}{% endfor %}{% endfor %}{% endfor %}",
	"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
	"{% macro f() %}{% if f() %}{% endif %}{% endmacro %}{% set x = f() %}",
	"{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
	"{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
	"{% macro f() %}{% call f() %}x{% endcall %}{% endmacro %}{% call f() %}{% endcall %}",
	"{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
	"{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set b %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = b %}{% endfor %}",
	"{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}",
	"{% for i in range(60000) %}" + strings.Repeat("text ", 10000) + "{% endfor %}",
	"{% for i in range(60000) %}" + strings.Repeat("text{# #}", 10000) + "{% endfor %}",
	"{% for i in range(60000) %}{{ messages[0].content }}{% endfor %}",
	"{% set ns = namespace(x=1) %}{% set ns.x = ns %}{{ ns }}",
	"{% set a = namespace(x=1) %}{% set b = namespace(x=a) %}{% set a.x = [b] %}{{ a == b }}",
}

func TestTemplateWithoutEnd(t *testing.T) {
	chat := []Message{{"user", strings.Repeat("long ", 50_000)}}
	for _, template := range endless {
		tok := withTemplate(t, template)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := tok.RenderChat(chat, false)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "without end") && !strings.Contains(err.Error(), "assigned to itself") && !strings.Contains(err.Error(), "in each other") {
			t.Errorf("%.90s: error %v", template, err)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 4<<30 {
			t.Errorf("%.90s: made %d MB", template, made>>20)
		}
	}
}

// Sources that would exhaust the parser, change lists behind the meter's back, or end the call that a value is counted by.
func TestTemplateRefused(t *testing.T) {
	for _, template := range []string{
		"{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}",
		"{{ " + strings.Repeat("[", 100_000) + "1" + strings.Repeat("]", 100_000) + " }}",
		"{% set l = [1] %}{% set x = l.append(l) %}{{ l }}",
		"{{ 1)) ~ range((5 }}",
		"{{ lidr_meter(-5) }}{{ 'unclosed }}",
	} {
		files := fstest.MapFS{"tokenizer.json": {Data: trained(t)}, "tokenizer_config.json": {Data: []byte(`{"eos_token":"<|im_end|>"}`)}, "chat_template.jinja": {Data: []byte(template)}}
		if _, err := Load(files); err == nil || !strings.Contains(err.Error(), "chat template") {
			t.Errorf("%.60s: error %v", template, err)
		}
	}
	// Not refused, and yet neither a crash nor without end.
	for _, template := range []string{
		"{{ " + strings.Repeat("not ", 5_000) + "1 }}",
		"{{ " + strings.Repeat("- ", 5_000) + "1 }}",
		"{{ 1" + strings.Repeat(" ~ 1", 5_000) + " }}",
		"{{ 1" + strings.Repeat(" if 1 else 1", 2_000) + " }}",
		strings.Repeat("{% if 1 %}", 5_000) + strings.Repeat("{% endif %}", 5_000),
		"{{ lidr_meter(-1000000000) }}{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
		"{% set lidr_meter = range %}{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
	} {
		config, err := json.Marshal(map[string]string{"eos_token": "<|im_end|>", "chat_template": template})
		if err != nil {
			t.Fatal(err)
		}
		tok, err := Load(fstest.MapFS{"tokenizer.json": {Data: trained(t)}, "tokenizer_config.json": {Data: config}})
		if err == nil {
			_, _ = tok.RenderChat([]Message{{"user", "x"}}, true)
		}
	}
}

// The meter changes nothing of what comes out: white space is where the template has it, and texts in raw blocks and
// strings are left alone.
func TestMeterIsSilent(t *testing.T) {
	for _, template := range []string{
		"  {% for i in range(2) %}\n\n  a {%- if i %} b{% endif -%}  \n c\n{% endfor %}\n",
		"{% raw %}{{ x }}{% for %}{% endraw %}{{ '}}' }}{{ \"{% for %}\" }}{# {{ #}",
		"{%- set x = {'a': 'b=c'} -%} \n {{- x['a'] -}} \n !",
		"{% set a %}\n b{% endset %}{{ a }}{{ 'x' if a == 'c' else 'y' }}",
		"{% macro m(a, b=2) %}({{ a }},{{ b }}){% endmacro %}{{ m(1) }}{{ none }}{{ u }}",
		"{{ [1, 2] | join('-') | upper }}{{ messages | length }}",
	} {
		plain, err := jinja.Compile(template)
		if err != nil {
			t.Fatal(err)
		}
		message := jinja.FromGoValue([]any{map[string]any{"role": "user", "content": "x"}})
		want, err := plain.RenderValues(map[string]jinja.Value{"messages": message})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := withTemplate(t, template).RenderChat([]Message{{"user", "x"}}, false); err != nil || got != want || want == "" {
			t.Errorf("%q gives %q, %v; expected %q", template, got, err, want)
		}
	}
}

// An expression that backtracks without end stops with an error that names it, not with other tokens.
func TestPatternWithoutEnd(t *testing.T) {
	defer func(d time.Duration) { matchTime = d }(matchTime)
	matchTime = 100 * time.Millisecond
	split, err := newSplitter("(a+)+$", false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), `pattern "(a+)+$" takes more than`) {
			t.Errorf("it ended with %v", p)
		}
	}()
	split(nil, strings.Repeat("a", 60)+"b")
}

// Whatever a template is, it is refused or ends; the process lives on.
func FuzzTemplate(f *testing.F) {
	defer func(n int) { maxWork = n }(maxWork)
	maxWork = 1 << 18
	for _, template := range endless {
		f.Add(template, "x")
	}
	var chats struct{ Templates map[string]string }
	if b, err := os.ReadFile("testdata/chats.json"); err == nil && json.Unmarshal(b, &chats) == nil {
		for _, template := range chats.Templates {
			f.Add(template, "Hi")
		}
	}
	f.Add("{% for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m['content']|trim }}{% if not loop.last %},{% endif %}{% endfor %}", " a ")
	f.Add("{%- raw -%} {{ {%- endraw -%} {# -#} {{--}}{%set a.b=1%}{% filter upper %}x{% endfilter %}", "x")
	f.Fuzz(func(t *testing.T, template, text string) {
		if len(template) > 10_000 || strings.Contains(template, "*") || strings.Contains(template, "indent") || strings.Contains(template, "center") { // one expression may ask for any memory
			return
		}
		tok := &Tokenizer{}
		if tok.compile(template) != nil {
			return
		}
		_, _ = tok.render([]Message{{"user", text}, {"assistant", text}}, true)
	})
}

// FuzzSettings: whatever tokenizer_config.json and generation_config.json hold, it is refused by name or used.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"bos_token":null,"eos_token":{"content":"<|im_end|>"},"chat_template":"{{ messages[0].content }}"}`), []byte(`{"eos_token_id":[1,2]}`))
	f.Add([]byte(`{"chat_template":[{"name":"default","template":"{{ bos_token }}"}],"eos_token":"<|im_end|>"}`), []byte(`{"eos_token_id":-1}`))
	f.Add([]byte(`{"chat_template":3}`), []byte(`{"eos_token_id":{"a":1}}`))
	file, err := os.ReadFile("testdata/trained/tokenizer.json")
	if err != nil {
		f.Fatal(err)
	}
	tok, err := parse(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, config, generation []byte) {
		if strings.ContainsAny(string(config), "*") {
			return
		}
		tok.eos, tok.source, tok.template = nil, "", nil
		if err := tok.loadSettings(fstest.MapFS{"tokenizer_config.json": {Data: config}, "generation_config.json": {Data: generation}}); err != nil {
			return
		}
		for _, id := range tok.EOS() {
			if id < 0 {
				t.Errorf("end token %d", id)
			}
		}
		if tok.template != nil {
			_, _ = tok.RenderChat([]Message{{"user", "x"}}, true)
		}
	})
}
