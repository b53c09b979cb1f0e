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

// endless are templates that would never end, exhaust the stack of the process, or fill any memory.
var endless = []string{
	"{% for i in range(60000) %}{% for j in range(60000) %}{% for k in range(60000) %}{% endfor %}{% endfor %}" +
		"{% endfor %}",
	"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
	"{% macro f() %}{% if f() %}{% endif %}{% endmacro %}{% set x = f() %}",
	"{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
	"{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
	"{% macro f() %}{% call f() %}x{% endcall %}{% endmacro %}{% call f() %}{% endcall %}",
	"{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
	"{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set b %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = b " +
		"%}{% endfor %}",
	"{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}",
	"{% macro f() %}" + strings.Repeat("{% if 1 %}", 5_000) + "{{ f() }}" + strings.Repeat("{% endif %}", 5_000) +
		"{% endmacro %}{{ f() }}",
	"{% macro f() %}{% if f()" + strings.Repeat("|e", 40_000) + " %}{% endif %}{% endmacro %}{{ f() }}",
	"{% set ns = namespace() %}{% macro f() %}{% if ns.g()" + strings.Repeat(".a", 40_000) +
		" %}{% endif %}{% endmacro %}{% set ns.g = f %}{{ f() }}",
	"{% for i in range(60000) %}" + strings.Repeat("text ", 10000) + "{% endfor %}",
	"{% for i in range(60000) %}" + strings.Repeat("text{# #}", 10000) + "{% endfor %}",
	"{% for i in range(60000) %}{{ messages[0].content }}{% endfor %}",
	"{% set ns = namespace(x=1) %}{% set ns.x = ns %}{{ ns }}",
	"{% set a = namespace(x=1) %}{% set b = namespace(x=a) %}{% set a.x = [b] %}{{ a == b }}",
}

// greedy are templates of which one expression can require any amount of memory.
var greedy = func() (all []string) {
	for _, expression := range []string{
		"'x' * 10**12", "('x' * 60000) * 60000", "{'x' * 1000000000000: 1}", "messages['x' * 1000000000000]",
		"[" + strings.Repeat("range(65536),", 4000) + "]",
		"'a\nb'|indent(1000000000000)", "'a\nb'|indent('1000000000000')", "'a\nb'|indent(width=10**12)",
		"messages|tojson(indent=1000000000000)", "x|replace('', x)", "x.replace('o', x)", "range(65536)|join(x)",
		"range(65536)|join(d=x)", "('{1}' * 5000).format(0, '{2}' * 5000, x)",
		"'\"'" + strings.Repeat("|tojson", 60),
		"'&'" + strings.Repeat("|e", 5_000),
		"(x" + strings.Repeat("~x", 5_000) + ")|length",
		"(l" + strings.Repeat("+l", 5_000) + ")|length",
		"[x" + strings.Repeat(",x", 5_000) + "]|string|length",
		"raise_exception([x" + strings.Repeat(",x", 5_000) + "])",
		"joiner([x" + strings.Repeat(",x", 5_000) + "])",
		"{}.get([x" + strings.Repeat(",x", 5_000) + "])",
		"{}[[x" + strings.Repeat(",x", 5_000) + "]]",
		"{[x" + strings.Repeat(",x", 5_000) + "]: 1}",
		"[l" + strings.Repeat(",l[:]", 5_000) + "]",
		"[x" + strings.Repeat(",x|list", 5_000) + "]",
		"[x" + strings.Repeat(",x.split('')", 5_000) + "]",
		"[x" + strings.Repeat(",x.split()", 5_000) + "]",
		"[l" + strings.Repeat(",l|batch(1)", 5_000) + "]",
		"[x" + strings.Repeat(",('[' ~ l|join(',[],') ~ ']')|fromjson", 2_000) + "]",
		"[1][0:10**12:2]", "[1][10**12:0:-2]", "'x'['0':'1000000000000':2]", "[1][:1:-9223372036854775807-1]",
		"__filter_indent('a\nb', 1000000000000)", "['x'.replace][0]('', x)", "1; 'x' * 1000000000000", "'x'.;center(10**10)",
		"'x'.center(10**10)", "'x'|center(10**10)", "'x'.zfill(10**10)", "'%1000000000d'|format(1)", "[1]|slice(10**10, 'x')",
		"lipsum(10**10)",
	} {
		all = append(all, "{% set x = messages[0].content %}{% set l = range(65536) %}{{ "+expression+" }}")
	}
	for _, statement := range []string{
		"{% if X %}{% endif %}", "{% if 0 %}{% elif X %}{% endif %}", "{% for c in X %}{% endfor %}",
		"{% for c in [1] if X %}{% endfor %}", "{% set\u00a0s = X %}", "{% if1 * 1 and X %}{% endif %}",
		"{%\u00a0if X %}{% endif %}", "{% set n = namespace(s=X) %}", "{% macro f(a=X) %}{% endmacro %}{{ f() }}",
		"{% macro f(a) %}{% endmacro %}{% call f(X) %}{% endcall %}", "{{ 1 if X is defined }}",
	} {
		all = append(all, strings.ReplaceAll(statement, "X", "'x' * 1000000000000"))
	}
	return append(all,
		"{% filter indent(1000000000000) %}a\nb{% endfilter %}",
		strings.Repeat("{% filter tojson %}", 60)+"\""+strings.Repeat("{% endfilter %}", 60),
		"{% set f = 'x'.replace %}{{ f('', 'y') }}",
		"{% set d = {} %}{% if d.update({'a': d}) %}{% endif %}{% if d|string %}{% endif %}",
		"{% for f in [[messages"+strings.Repeat(",messages", 5_000)+"]] %}{{ f() }}{% endfor %}",
		"{% macro f() %}{% if f(["+strings.Repeat("1,", 30_000)+"]) %}{% endif %}{% endmacro %}{{ f() }}")
}()

// Each is refused, when it is loaded or when it is rendered, before it has used much memory.
func TestGreedyTemplate(t *testing.T) {
	defer func(n int) { maxWork = n }(maxWork)
	maxWork = 8 << 20
	chat := []Message{{"user", strings.Repeat("long ", 50_000)}}
	for _, template := range greedy {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tok := &Tokenizer{}
		err := tok.compile(template)
		if err == nil {
			_, err = tok.render(chat, false)
		}
		runtime.ReadMemStats(&after)
		if err == nil || len(err.Error()) > 2000 {
			t.Errorf("%.110q: error %.2000v", template, err)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 256<<20 {
			t.Errorf("%.110q: made %d MB", template, made>>20)
		}
	}
}

func TestTemplateWithoutEnd(t *testing.T) {
	defer func(n int) { maxWork = n }(maxWork)
	maxWork = 8 << 20
	chat := []Message{{"user", strings.Repeat("long ", 50_000)}}
	for _, template := range endless {
		tok := withTemplate(t, template)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := tok.RenderChat(chat, false)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "without end") &&
			!strings.Contains(err.Error(), "assigned to itself") && !strings.Contains(err.Error(), "in each other") {
			t.Errorf("%.90s: error %v", template, err)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 512<<20 {
			t.Errorf("%.90s: made %d MB", template, made>>20)
		}
	}
}

// Sources that would exhaust the parser, change lists without being counted, or end the call that counts a value.
func TestTemplateRefused(t *testing.T) {
	for _, template := range []string{
		"{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}",
		"{{ " + strings.Repeat("[", 100_000) + "1" + strings.Repeat("]", 100_000) + " }}",
		"{% set l = [1] %}{% set x = l.append(l) %}{{ l }}",
		"{{ 1)) ~ range((5 }}",
		"{{ lidr_meter(-5) }}{{ 'unclosed }}",
	} {
		files := fstest.MapFS{"tokenizer.json": {Data: trained(t)},
			"tokenizer_config.json": {Data: []byte(`{"eos_token":"<|im_end|>"}`)},
			"chat_template.jinja":   {Data: []byte(template)}}
		if _, err := Load(files); err == nil || !strings.Contains(err.Error(), "chat template") {
			t.Errorf("%.60s: error %v", template, err)
		}
	}
	// These are accepted, and neither crash nor run without end.
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

// Rewriting does not change the output: white space is where the template has it, and texts in raw blocks and strings
// do not change.
func TestMeterIsSilent(t *testing.T) {
	for _, template := range []string{
		"  {% for i in range(2) %}\n\n  a {%- if i %} b{% endif -%}  \n c\n{% endfor %}\n",
		"{% raw %}{{ x }}{% for %}{% endraw %}{{ '}}' }}{{ \"{% for %}\" }}{# {{ #}",
		"{%- set x = {'a': 'b=c'} -%} \n {{- x['a'] -}} \n !",
		"{% set a %}\n b{% endset %}{{ a }}{{ 'x' if a == 'c' else 'y' }}",
		"{% macro m(a, b=2) %}({{ a }},{{ b }}){% endmacro %}{{ m(1) }}{{ none }}{{ u }}",
		"{{ [1, 2] | join('-') | upper }}{{ messages | length }}",
		"{{ 1 + 2 * 3 - 4 // 2 }} {{ 7 - 2 + 1 }} {{ 12 / 4 * 3 }} {{ -2 * -3 ** 2 % 5 }} {{ 2 * (3 + 4) ~ 'a' * 3 ~ [1] " +
			"+ [2] }}",
		"{{ not 1 == 2 and 'a' ~ 'b' in ['ab'] or x is not defined }} {{ 'y' if messages[0].role is in('user') else 'n' }}" +
			" {{ 3 is odd and 'A' is not lower }}",
		"{{ 'a b c'.split(' ')[::-1][1:] | join(sep, d='+') }} {{ 'abc'[-1] }} {{ {'k': [1, 2][0], 'get': 3}.k }} " +
			"{{ {'a': 1}.get('b', 'c' ~ 1) }}",
		"{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k ~ v }}{{ loop.index0 }}{{ loop.cycle('x', 'y') }}{% endfor %}" +
			"{% for i in [1, 2, 3] if i > 0 + 1 %}{{ i }}{% else %}0{% endfor %}",
		"{% macro m(a, b='x' ~ 1) %}{{ caller() if caller }}{{ a ~ b }}{% endmacro %}{% call m(1 + 1) %}c{% endcall %}" +
			"{{ m('q', b=namespace(z='w').z) }}",
		"  {% filter upper %}\n a{% endfilter %}\n{{ 'x {} {1}'.format('a', 'b') }}{{ 'a\\nb' | indent(2, true) | " +
			"replace('a', 'c') }}",
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
		if got, err := withTemplate(t, template).RenderChat([]Message{{"user", "x"}}, false); err != nil || got != want ||
			want == "" {
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

// Load refuses such an expression within a second, and takes those in use.
func TestLoadRefusesPatternsWithoutEnd(t *testing.T) {
	for _, pattern := range []string{
		`(.*)*x`, `(a+)+$`, `(b|bb)+$`, `(\w+\s?)*$`, `((q{1,1000}){1,1000}){1,1000}$`, `.*.*.*.*x`,
		strings.Repeat("(", 1<<17),
	} {
		began := time.Now()
		s, err := newSplitter(pattern, false)
		if err == nil {
			err = ends(pattern)
		}
		if err == nil || time.Since(began) > 5*time.Second || len(err.Error()) > 500 { // this machine may be busy
			t.Errorf("%.40q: %v after %v, splitter %t", pattern, err, time.Since(began), s != nil)
		}
	}
	for _, pattern := range []string{
		gpt2Pattern, QwenPattern, LlamaPattern, ``, `x*`, `(?=a)`, `a{1,1000000}`, `(ab){1,1000000}c`,
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
			`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
			`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`, // o200k_base
	} {
		if err := ends(pattern); err != nil {
			t.Error(err)
		}
	}
}

// Every template is refused or ends, and the process goes on.
func FuzzTemplate(f *testing.F) {
	defer func(n int) { maxWork = n }(maxWork)
	maxWork = 1 << 18
	for _, template := range append(endless, greedy...) {
		f.Add(template, "x")
	}
	var chats struct{ Templates map[string]string }
	if b, err := os.ReadFile("testdata/chats.json"); err == nil && json.Unmarshal(b, &chats) == nil {
		for _, template := range chats.Templates {
			f.Add(template, "Hi")
		}
	}
	f.Add("{% for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m['content']|trim }}{% if not loop.last %},{% "+
		"endif %}{% endfor %}", " a ")
	f.Add("{%- raw -%} {{ {%- endraw -%} {# -#} {{--}}{%set a.b=1%}{% filter upper %}x{% endfilter %}", "x")
	f.Fuzz(func(t *testing.T, template, text string) {
		if len(template) > 10_000 {
			return
		}
		tok := &Tokenizer{}
		if tok.compile(template) != nil {
			return
		}
		_, _ = tok.render([]Message{{"user", text}, {"assistant", text}}, true)
	})
}

// FuzzSettings: any content of tokenizer_config.json and generation_config.json is refused by name or used.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"bos_token":null,"eos_token":{"content":"<|im_end|>"},"chat_template":"{{ messages[0].content }}"}`),
		[]byte(`{"eos_token_id":[1,2]}`))
	f.Add([]byte(`{"chat_template":[{"name":"default","template":"{{ bos_token }}"}],"eos_token":"<|im_end|>"}`),
		[]byte(`{"eos_token_id":-1}`))
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
		tok.eos, tok.source, tok.template = nil, "", nil
		if err := tok.loadSettings(fstest.MapFS{"tokenizer_config.json": {Data: config},
			"generation_config.json": {Data: generation}}); err != nil {
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
