package lidr

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"lidrlab/lidr/lm/remote"
)

// moody is a server that refuses the third problem in German whenever it is asked, and answers some others with what is
// no answer; it counts the requests.
func moody(asked *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"other"}]}`)
			return
		}
		var body struct {
			Messages []struct {
				Content string `json:"content"`
			} `json:"messages"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body) // what is no request speaks of no problem
		asked.Add(1)
		said := body.Messages[len(body.Messages)-1].Content
		message, finish := `"content":"Anna has seven apples in her basket. The answer is 7."`, "stop"
		switch {
		case strings.Contains(said, "Translate"):
			message = `"content":"<translated>Anna hat sieben Äpfel im Korb. Die Antwort ist 7.</translated>"`
		case strings.Contains(said, "Problem 3 in de"):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":{"message":"maximum context length is 4096 tokens","code":"context_length_exceeded"}}`)
			return
		case strings.Contains(said, "Problem 4 in de"):
			message = `"content":null,"reasoning_content":"Anna has"`
		case strings.Contains(said, "Problem 5 in de"):
			message = `"content":null,"refusal":"I cannot."`
		case strings.Contains(said, "Problem 6 in en"):
			message, finish = `"content":"Anna"`, "content_filter"
		case strings.Contains(said, "Problem 7 in en"):
			message, finish = `"content":"Anna has seven"`, "length"
		case strings.Contains(said, "Problem 8 in en"):
			message = `"content":[{"type":"text","text":"Anna has seven apples. "},{"type":"text","text":"The answer is 7."}]`
		}
		fmt.Fprintf(w, `{"model":"m","choices":[{"index":0,"message":{"role":"assistant",%s},"finish_reason":%q}],`+
			`"usage":{"prompt_tokens":1,"completion_tokens":1}}`, message, finish)
	})
}

// A run by a server that does not answer everything is a run of the other answers; again, from the store, it asks
// nothing and has the same bytes.
func TestRunByMoodyServer(t *testing.T) {
	ctx := context.Background()
	var asked atomic.Int64
	server := httptest.NewServer(moody(&asked))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	round := func(name string) map[string]string {
		var notes []string
		run := doubtfulRun(t, dir, func(s *Settings) { s.Generate.Sampling.RepetitionPenalty = 0 }, &notes)
		model, err := remote.Open(ctx, remote.Options{Endpoints: []string{server.URL + "/v1"}, Attempts: 2})
		if err != nil {
			t.Fatal(err)
		}
		m := UseModel("a moody server", model)
		pairs, err := roundPairs(ctx, run, m)
		if err != nil || len(pairs) != 30 {
			t.Fatalf("%d pairs, expected those of 15 whole prompts; %v", len(pairs), err)
		}
		if _, err := evaluate(ctx, run, m); err != nil {
			t.Fatal(err)
		}
		if _, err := Report(ctx, run); err != nil {
			t.Fatal(err)
		}
		for _, fault := range []string{"de 1 of 20 refusal, 1 of 20 request refused, 1 of 20 thought without an answer",
			"en 1 of 20 cut by its length, 1 of 20 withheld by a filter", "maximum context length is 4096"} {
			if !strings.Contains(strings.Join(notes, "\n"), fault) {
				t.Errorf("the notes do not say %q: %q", fault, notes)
			}
		}
		files := map[string]string{}
		for _, file := range []string{"M0/responses/de.jsonl", "M0/responses/en.jsonl", "M0/translations/en-de.jsonl",
			"M0/pairs.jsonl", "M0/pairs.stats.json", "M0/eval/scores.json", "M0/measures/faults-generate.json"} {
			data, err := os.ReadFile(run.Path(filepath.FromSlash(file)))
			if err != nil {
				t.Fatal(err)
			}
			files[file] = string(data)
		}
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(run.Dir, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return files
	}
	first := round("first")
	requests := asked.Load()
	again := round("again")
	for file, data := range first {
		if again[file] != data {
			t.Errorf("%s differs: %s\nand\n%s", file, data, again[file])
		}
	}
	if asked.Load() != requests {
		t.Errorf("%d requests were sent again", asked.Load()-requests)
	}
}

// The report says once what is wrong with a step's answers in many languages, and names only those with much of it.
func TestOneWarningAFault(t *testing.T) {
	var notes []string
	run := doubtfulRun(t, t.TempDir(), nil, &notes)
	c := newFaultCount("M0 generate")
	for i := range 40 {
		for lang, cut := range map[string]int{"en": 1, "es": 40, "de": 3} {
			fault := ""
			if i < cut {
				fault = "cut by its length"
			}
			c.add(lang, "p", fault, "")
		}
	}
	c.langs = []string{"en", "es", "de"}
	if err := run.measureFaults(c); err != nil {
		t.Fatal(err)
	}
	files, err := measureFiles(run)
	if err != nil {
		t.Fatal(err)
	}
	measured, err := modelMeasures(run, "M0", files["M0"])
	if err != nil {
		t.Fatal(err)
	}
	const want = "M0 generate: 40 of 40 answers in es, 3 of 40 answers in de are no whole answers of the model " +
		"(cut by its length); raise max_tokens (generate.sampling.max_tokens in the settings)"
	if got := faultWarnings(measured); len(got) != 1 || got[0].Text != want || got[0].Where != "" {
		t.Errorf("warnings %+v, expected only %q", got, want)
	}
}

// A model that is trained on what cut answers left says so, once, and so does the report of an evaluation of them.
func TestTrainedOnFewAnswers(t *testing.T) {
	ctx := context.Background()
	s := MiniatureSettings().Tiny()
	s.Rounds, s.Unseen = 1, nil
	s.Generate.Sampling.MaxTokens = 44
	run, err := Open(filepath.Join(t.TempDir(), "run"), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Close() })
	m0, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := iterate(ctx, run, m0); err != nil {
		t.Fatal(err)
	}
	const says = "are no whole answers of the model (cut by its length); raise max_tokens"
	warnings, err := run.Warnings("M1")
	if err != nil || !strings.Contains(strings.Join(warnings, "\n"), "M0 generate: ") ||
		!strings.Contains(strings.Join(warnings, "\n"), says) ||
		strings.Contains(strings.Join(warnings, "\n"), "M0 evaluate") {
		t.Errorf("warnings %q, %v", warnings, err)
	}
	data, err := ReportData(run)
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, warning := range data.Health {
		times[warning.Text]++
		step, _, _ := strings.Cut(warning.Text, ":")
		times[step]++
		if times[warning.Text] > 1 {
			t.Errorf("the report says twice: %s", warning.Text)
		}
	}
	if times["M0 generate"] == 0 || times["M0 evaluate"] == 0 || times["M1 evaluate"] == 0 {
		t.Errorf("the report's warnings are %+v", data.Health)
	}
}
