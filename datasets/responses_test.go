package datasets

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines writes rows as JSON lines.
func lines[T any](t *testing.T, rows []T) string {
	t.Helper()
	var out strings.Builder
	for _, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	return out.String()
}

// What the structs' json tags write, the loaders read back.
func TestOwnFormsRoundTrip(t *testing.T) {
	responses := []Response{
		{ID: "a", Lang: "de", Prompt: "p", Response: "", FinishReason: "length", Tokens: 7},
		{ID: "b", Lang: "de", Prompt: "p", Response: "x", FinishReason: "stop", Tokens: 1},
		{ID: "c", Lang: "de", Prompt: "p", FinishReason: "failed", Fault: "request refused", Reason: "status 400: too long"},
	}
	translations := []Translation{
		{ID: "a", From: "en", To: "de", Source: "s", Completion: "t</translated>", Text: "t", OK: true},
		{ID: "b", From: "en", To: "de", Source: "s", Completion: "t", Reason: "no closing </translated>"},
		{ID: "c", From: "en", To: "de", Source: "s", Reason: "request refused", Fault: "request refused"},
	}
	dir := folder(t, "r.jsonl", lines(t, responses), "t.jsonl", lines(t, translations))
	gotR, err := LoadResponses(filepath.Join(dir, "r.jsonl"), "de")
	if diff := cmp.Diff(responses, gotR); diff != "" || err != nil {
		t.Errorf("responses: %v\n%s", err, diff)
	}
	gotT, err := LoadTranslations(filepath.Join(dir, "t.jsonl"), "en", "de")
	if diff := cmp.Diff(translations, gotT); diff != "" || err != nil {
		t.Errorf("translations: %v\n%s", err, diff)
	}
}

func TestBadAnswers(t *testing.T) {
	for name, c := range map[string]struct{ content, says string }{
		"another language": {`{"id":"a","lang":"fr","prompt":"p","response":"x","finish_reason":"stop","tokens":1}`,
			`x.jsonl:1: field "lang": expected "en", found "fr"`},
		"no response": {`{"id":"a","prompt":"p"}`, `x.jsonl:1: field "response" is missing, found id, prompt`},
		"duplicate": {`{"id":"a","prompt":"p","response":""}` + "\n" + `{"id":"a","prompt":"p","response":""}`,
			`x.jsonl:2: id "a" appears twice, first on line 1`},
		"fraction of token": {`{"id":"a","lang":"en","prompt":"p","response":"x","finish_reason":"stop","tokens":1.5}`,
			`field "tokens": expected a whole number`},
		"empty": {"", "no responses"},
	} {
		got, err := LoadResponses(filepath.Join(folder(t, "x.jsonl", c.content), "x.jsonl"), "en")
		if err == nil || !strings.Contains(err.Error(), c.says) || got != nil {
			t.Errorf("%s: %v, expected an error with %q", name, err, c.says)
		}
	}
	for name, c := range map[string]struct{ content, says string }{
		"another pair": {`{"id":"a","response":"x","en2es_reponse":"y"}`,
			`field "en2fr_reponse" is missing, found en2es_reponse, id, response`},
		"contradiction": {`{"id":"a","from":"en","to":"fr","source":"","completion":"","text":"x","ok":false,"reason":"r"}`,
			"contradict"},
	} {
		got, err := LoadTranslations(filepath.Join(folder(t, "x.jsonl", c.content), "x.jsonl"), "en", "fr")
		if err == nil || !strings.Contains(err.Error(), c.says) || got != nil {
			t.Errorf("%s: %v, expected an error with %q", name, err, c.says)
		}
	}
}

// Twenty answers of our own making, of whose translations three are "Translation Error".
func TestExcerptsOfAnswers(t *testing.T) { checkAnswers(t, excerpts, 20, 3) }

// The 1,000 published answers of Llama-3-8B-Instruct and their translations, of which 78 failed.
func TestPublishedAnswers(t *testing.T) { checkAnswers(t, dataFolder(t), 1000, 78) }

func checkAnswers(t *testing.T, data string, n, failures int) {
	t.Helper()
	responses, err := LoadResponses(filepath.Join(data, "llama3-m0", "en.jsonl"), "en")
	if err != nil {
		t.Fatal(err)
	}
	translations, err := LoadTranslations(filepath.Join(data, "llama3-m0", "en.to_fr.jsonl"), "en", "fr")
	if err != nil {
		t.Fatal(err)
	}
	if len(responses) != n || len(translations) != n {
		t.Fatalf("%d answers, %d translations, expected %d of each", len(responses), len(translations), n)
	}
	failed := 0
	for i, tr := range translations {
		if tr.ID != responses[i].ID || tr.Source != responses[i].Response {
			t.Fatalf("translation %d is of %s, not of the answer %s", i, tr.ID, responses[i].ID)
		}
		if !tr.OK {
			failed++
			if tr.Text != "" || tr.Reason == "" {
				t.Errorf("%s: failed with text %.20q, reason %q", tr.ID, tr.Text, tr.Reason)
			}
		}
	}
	if failed != failures {
		t.Errorf("%d translations failed, expected %d", failed, failures)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"id":"a","lang":"en","prompt":"p","response":"x","finish_reason":"stop","tokens":1}`))
	f.Add([]byte(`{"id":"a","prompt":"p","response":"x","en2fr_reponse":"<translated>y</translated>"}`))
	f.Add([]byte(`{"id":"a","from":"en","to":"fr","source":"s","completion":"c","text":"t","ok":true,"reason":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "x.jsonl")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		responses, err := LoadResponses(path, "en")
		if (err == nil) == (responses == nil) {
			t.Fatalf("responses %v with error %v", responses, err)
		}
		translations, err := LoadTranslations(path, "en", "fr")
		if (err == nil) == (translations == nil) {
			t.Fatalf("translations %v with error %v", translations, err)
		}
		for _, tr := range translations {
			if tr.OK == (tr.Text == "") || tr.OK == (tr.Reason != "") {
				t.Fatalf("neither a translation nor a failure: %+v", tr)
			}
		}
	})
}
