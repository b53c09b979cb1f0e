package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// folder writes files into a new folder: name, content, name, content, …
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each published form, two languages; the second language's file is in another order where it has IDs.
func TestLoadPrompts(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  []Prompt
	}{
		"Alpagasus": {[]string{
			"en.jsonl", `{"id": "a-0", "instruction": " Hi.\n"}` + "\n\n" + `{"id": "a-1", "instruction": "Go."}`,
			"de.jsonl", `{"id": "a-1", "instruction": "Geh."}` + "\r\n" + `{"id": "a-0", "instruction": "Hallo."}` + "\n",
		}, []Prompt{{ID: "a-0", Lang: "en", Text: " Hi.\n", Line: 1}, {ID: "a-1", Lang: "en", Text: "Go.", Line: 3},
			{ID: "a-0", Lang: "de", Text: "Hallo.", Line: 2}, {ID: "a-1", Lang: "de", Text: "Geh.", Line: 1}}},
		"GSM8K": {[]string{
			"en.jsonl", `{"id": "engsm8k_0", "instruction": "1+1?", "answer": "", "final_answer": "2"}`,
			"de.jsonl", `{"id": "degsm8k_0", "instruction": "Was ist 1+1?", "answer": "", "final_answer": "2"}`,
		}, []Prompt{{ID: "gsm8k_0", Lang: "en", Text: "1+1?", Answer: "2", Line: 1},
			{ID: "gsm8k_0", Lang: "de", Text: "Was ist 1+1?", Answer: "2", Line: 1}}},
		"MGSM": {[]string{
			"mgsm_en.jsonl", `{"query": "How many?", "response": "5,600"}`,
			"mgsm_de.jsonl", `{"query": "Wie viele?", "response": "5.600"}`,
		}, []Prompt{{ID: "mgsm-0", Lang: "en", Text: "How many?", Answer: "5,600", Line: 1},
			{ID: "mgsm-0", Lang: "de", Text: "Wie viele?", Answer: "5.600", Line: 1}}},
		"X-AlpacaEval": {[]string{
			"en.json", "\ufeff[\n {\"id\": 1, \"dataset\": \"d\",\n  \"instruction\": \"Hi.\"}\n]\n",
			"de.json", `[{"id": 1, "dataset": "d", "instruction": "Hallo."}]`,
		}, []Prompt{{ID: "x-alpacaeval-1", Lang: "en", Text: "Hi.", Line: 2},
			{ID: "x-alpacaeval-1", Lang: "de", Text: "Hallo.", Line: 1}}},
		"our own": {[]string{"prompts.jsonl", `{"id": "p", "lang": "de", "prompt": "Hallo."}
{"id": "p", "lang": "fr", "prompt": "Salut."}
{"id": "p", "lang": "en", "prompt": "Hi.", "answer": "Hi!"}`},
			[]Prompt{{ID: "p", Lang: "en", Text: "Hi.", Answer: "Hi!", Line: 3},
				{ID: "p", Lang: "de", Text: "Hallo.", Line: 1}}},
	} {
		got, err := LoadPrompts(folder(t, c.files...), []string{"en", "de"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(Prompt{}, "File")); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// What is wrong with the input, and what the one-line error must say of it.
func TestBadPrompts(t *testing.T) {
	const good = `{"id": "a", "lang": "en", "prompt": "Hi."}` + "\n"
	const a, b = `{"id":"a","instruction":"x"}`, `{"id":"b","instruction":"x"}`
	for name, c := range map[string]struct {
		files []string
		langs string
		says  []string
	}{
		"missing language file": {[]string{"en.jsonl", a}, "en de",
			[]string{`"de"`, "de.jsonl", "the folder has en.jsonl"}},
		"two files of one language": {[]string{"en.jsonl", "x", "en.json", "x"}, "en", []string{"en.jsonl and en.json"}},
		"two files of one language, one of them of all": {[]string{"prompts.jsonl", good, "en.jsonl", good}, "en",
			[]string{"en.jsonl and prompts.jsonl are all files for language \"en\""}},
		"a line in another language": {[]string{"en.jsonl", good, "de.jsonl", `{"id":"a","lang":"de","prompt":"Hallo."}` +
			"\n" + `{"id":"a","lang":"fr","prompt":"Salut."}`}, "en de", []string{"de.jsonl:2", `expected "de"`, `found "fr"`}},
		"missing language":     {[]string{"prompts.jsonl", good}, "en de", []string{"no prompts in language \"de\""}},
		"no language":          {[]string{"prompts.jsonl", good}, "", []string{"no language named"}},
		"language with a path": {[]string{"prompts.jsonl", good}, "../en", []string{"expected an ISO 639 code"}},
		"broken line": {[]string{"prompts.jsonl", good + `{"id": "b", "lang": "en", "prom`}, "en",
			[]string{"prompts.jsonl:2", "broken JSON", "does not end"}},
		"no object": {[]string{"prompts.jsonl", good + "7\n"}, "en",
			[]string{"prompts.jsonl:2", "expected a JSON object, found a number"}},
		"two objects a line": {[]string{"prompts.jsonl", `{"id": "b", "lang": "en", "prompt": "x"} {}`}, "en",
			[]string{":1", "one object a line"}},
		"unknown field": {[]string{"prompts.jsonl", `{"id": "b", "lang": "en", "prompt": "x", "promt": "x"}`},
			"en", []string{":1", "unknown field, found id, lang, prompt, promt", "id, lang, prompt, answer"}},
		"unknown form": {[]string{"prompts.jsonl", `{"text": "x"}`}, "en",
			[]string{":1", "found the fields text", "MGSM (query, response)"}},
		"change of form": {[]string{"en.jsonl", a + "\n" + `{"query": "x", "response": "1"}`}, "en",
			[]string{"en.jsonl:2", "Alpagasus", "query, response"}},
		"field twice": {[]string{"prompts.jsonl", `{"id": "b", "id": "c", "lang": "en", "prompt": "x"}`}, "en",
			[]string{`"id" appears twice`}},
		"empty prompt": {[]string{"prompts.jsonl", good + `{"id": "b", "lang": "en", "prompt": " \n"}`}, "en",
			[]string{":2", `"prompt" is empty`}},
		"a prompt that does not show": {[]string{"en.jsonl", `{"id":"a","instruction":"\u200b\ufeff "}`}, "en",
			[]string{"en.jsonl:1", `"instruction" is empty`}},
		"an input in one language alone": {[]string{"en.jsonl", `{"id":"a","instruction":"x","input":"7"}`, "de.jsonl",
			`{"id":"a","instruction":"x","input":""}`}, "en de",
			[]string{"de.jsonl:1", `prompt a has an "input" in en and none in de`}},
		"an input in another language alone": {[]string{"en.jsonl", a, "de.jsonl",
			`{"id":"a","instruction":"x","input":"7"}`}, "en de", []string{"de.jsonl:1", `an "input" in de and none in en`}},
		"a locale": {[]string{"prompts.jsonl", good}, "pt_BR", []string{`"pt_BR": expected "pt-BR", with a hyphen`}},
		"a line in a locale": {[]string{"prompts.jsonl", `{"id":"b","lang":"pt_BR","prompt":"x"}`}, "en",
			[]string{":1", `expected "pt-BR", with a hyphen`}},
		"null prompt": {[]string{"prompts.jsonl", `{"id": "b", "lang": "en", "prompt": null}`}, "en",
			[]string{":1", `"prompt": expected a string, found null`}},
		"wrong type": {[]string{"en.json", `[{"id": "1", "dataset": "d", "instruction": "x"}]`}, "en",
			[]string{":1", `"id": expected a whole number, found a string`}},
		"invalid UTF-8": {[]string{"prompts.jsonl", good + "{\"id\": \"b\", \"lang\": \"en\", \"prompt\": \"\xff\"}"}, "en",
			[]string{":2", "invalid UTF-8 at byte 38"}},
		"half a surrogate pair": {[]string{"prompts.jsonl", `{"id": "b", "lang": "en", "prompt": "\ud83d"}`}, "en",
			[]string{":1", "surrogate"}},
		"duplicate id": {[]string{"prompts.jsonl", good + good}, "en",
			[]string{":2", `"a" appears twice`, "prompts.jsonl:1"}},
		"id missing": {[]string{"en.jsonl", a + "\n" + b, "de.jsonl", b}, "en de",
			[]string{"de.jsonl", "1 of the 2 ids", "missing", ": a;"}},
		"id too many": {[]string{"en.jsonl", a, "de.jsonl", a + "\n" + b}, "en de",
			[]string{"de.jsonl:2", `"b" is not among`}},
		"GSM8K without its number": {[]string{"en.jsonl", `{"question": "1+1?", "answer": "It is 2."}`}, "en",
			[]string{"en.jsonl:1", `"answer": expected a last line with "#### "`}},
		"MGSM not parallel": {
			[]string{"mgsm_en.jsonl", `{"query":"x","response":"1"}`, "mgsm_de.jsonl", `{"query":"x","response":"2"}`},
			"en de", []string{"mgsm_de.jsonl:1", `"2" differs from "1"`}},
		"nothing": {[]string{"en.jsonl", "\n\n"}, "en", []string{"en.jsonl", "no prompts"}},
		"array without an end": {[]string{"en.json", "[{\"id\": 1, \"dataset\": \"d\", \"instruction\": \"x\"}\n"}, "en",
			[]string{"en.json:", "broken JSON"}},
		"line too long": {[]string{"en.jsonl", good + strings.Repeat("x", MaxLine+1)}, "en",
			[]string{"en.jsonl:2", "longer than 16 MiB"}},
	} {
		_, err := LoadPrompts(folder(t, c.files...), strings.Fields(c.langs))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q, expected one line with %q", name, err, s)
			}
		}
	}
}

// A single file is in the language that is asked for, or that its name says.
func TestOneFile(t *testing.T) {
	dir := folder(t, "mgsm_de.jsonl", `{"query":"x","response":"1"}`, "some name.jsonl", `{"query":"x","response":"1"}`)
	for _, name := range []string{"mgsm_de.jsonl", "some name.jsonl"} {
		if p, err := LoadPrompts(filepath.Join(dir, name), []string{"de"}); err != nil || p[0].Lang != "de" {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := LoadPrompts(filepath.Join(dir, "some name.jsonl"), []string{"de", "en"}); err == nil {
		t.Error("a file whose language nothing says was taken")
	}
}

// excerpts is a folder laid out like that of the published files, with texts of our own making: see its README.md.
const excerpts = "testdata/excerpts"

// promptSet is what a folder of prompts must hold: n prompts in each language, and which comes first.
type promptSet struct {
	langs string
	n     int
	first Prompt
}

// Two sums of the first problem by hand: 24 + 18 - 35 = 7 rolls (mgsm) and 15 + 8 + 24 = 47 stamps (gsm8k).
func TestExcerptsOfPrompts(t *testing.T) {
	checkPrompts(t, excerpts, map[string]promptSet{
		"alpagasus/id_0_20": {"en es ru de fr", 20, Prompt{ID: "alpagasus-0", Lang: "en", Text: "the sea is salty"}},
		"mgsm":              {"en es ru de fr", 20, Prompt{ID: "mgsm-0", Lang: "en", Answer: "7"}},
		"gsm8k":             {"de es fr ru", 20, Prompt{ID: "gsm8k_0", Lang: "de", Answer: "47"}},
		"x-alpacaeval":      {"en de ru", 20, Prompt{ID: "x-alpacaeval-1", Lang: "en"}},
	})
}

func TestPublishedPrompts(t *testing.T) {
	first := Prompt{ID: "alpagasus-0", Lang: "en", Text: "Give three tips for staying healthy."}
	checkPrompts(t, dataFolder(t), map[string]promptSet{
		"alpagasus/id_0_1000":    {"en es ru de fr", 1000, first},
		"alpagasus/id_1000_2000": {"de en", 1000, Prompt{ID: "alpagasus-1000", Lang: "de"}},
		"mgsm":                   {"en es ru de fr", 250, Prompt{ID: "mgsm-0", Lang: "en", Answer: "18"}},
		"gsm8k":                  {"de es fr ru", 300, Prompt{ID: "gsm8k_0", Lang: "de", Answer: "72"}},
		"x-alpacaeval":           {"en de ru", 805, Prompt{ID: "x-alpacaeval-1", Lang: "en"}},
	})
}

func checkPrompts(t *testing.T, data string, sets map[string]promptSet) {
	t.Helper()
	for name, c := range sets {
		langs := strings.Fields(c.langs)
		prompts, err := LoadPrompts(filepath.Join(data, name), langs)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p := prompts[0]
		if len(prompts) != c.n*len(langs) || prompts[c.n].ID != p.ID || p.ID != c.first.ID || p.Lang != c.first.Lang ||
			p.Answer != c.first.Answer || !strings.Contains(p.Text, c.first.Text) {
			t.Errorf("%s: %d prompts, first %+v; expected %d in each of %d languages, first %+v",
				name, len(prompts), p, c.n, len(langs), c.first)
		}
	}
}

// dataFolder returns the folder of published files, and skips the test where there is none.
func dataFolder(t *testing.T) string {
	t.Helper()
	data := os.Getenv("LIDR_DATA")
	if data == "" {
		t.Skip("LIDR_DATA names no folder of published data")
	}
	return data
}

// FuzzPrompts: whatever a file holds, the reader returns whole prompts or a one-line error that names the file.
func FuzzPrompts(f *testing.F) {
	f.Add([]byte(`{"id": "a", "lang": "en", "prompt": "Hi.", "answer": "x"}`))
	f.Add([]byte(`{"id": "a", "instruction": "Hi."}`))
	f.Add([]byte(`{"id": "engsm8k_0", "instruction": "1+1?", "answer": "", "final_answer": "2"}`))
	f.Add([]byte(`{"query": "How many?", "response": "5,600"}`))
	for _, line := range []string{arenaLine, polyLine, `{"m_query": "How many?", "response": "145.0"}`} {
		f.Add([]byte(line))
	}
	f.Add([]byte("[\n{\"id\": 1, \"dataset\": \"d\", \"instruction\": \"Hi.\"}\n]"))
	f.Add([]byte("{\"id\": \"\\ud83d\", \"query\": null}\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "en.jsonl")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		prompts, err := LoadPrompts(path, []string{"en"})
		if err != nil {
			if !strings.Contains(err.Error(), "en.jsonl") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q, expected one line that names the file", err)
			}
			return
		}
		for _, p := range prompts {
			if p.ID == "" || p.Lang != "en" || strings.TrimSpace(p.Text) == "" || p.Line < 1 {
				t.Fatalf("half a prompt: %+v", p)
			}
		}
	})
}
