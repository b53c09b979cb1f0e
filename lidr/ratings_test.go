package lidr

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/lm/remote"
)

// ratingServer rates the answer "worth N" with N, says nothing usable of any other, and counts what it is asked.
func ratingServer(t *testing.T) (url string, asked map[string]int) {
	asked = map[string]int{}
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/models" {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"judge","object":"model","created":1,"owned_by":"test"}]}`)
			return
		}
		var body struct{ Messages []struct{ Content string } }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		text := body.Messages[len(body.Messages)-1].Content
		mu.Lock()
		asked[text]++
		mu.Unlock()
		verdict := "I would rather not say."
		if _, after, found := strings.Cut(text, "<answer>\nworth "); found {
			number, _, _ := strings.Cut(after, " ")
			verdict = "It is what it is. [[" + number + "]]"
		}
		fmt.Fprintf(w, `{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":%q}}],"usage":{"prompt_tokens":100,"completion_tokens":9}}`, verdict)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func TestRatings(t *testing.T) {
	pair := func(id, lang, source, chosen, rejected string) Pair {
		return Pair{ID: id, Lang: lang, Source: source, Prompt: "question " + id + " in " + lang, Chosen: chosen, Rejected: rejected}
	}
	pairs := []Pair{
		pair("1", "de", "en>de", "worth 8 a", "worth 4 b"),
		pair("2", "de", "en>de", "worth 6 a", "worth 6 b"),
		pair("3", "de", "en>de", "worth 3 a", "worth 5 b"),
		pair("4", "de", "en>de", "worth 9 a", "mute"),
		pair("1", "en", "de>en", "worth 10 a", "worth 7.5 b"),
		pair("2", "en", "de>en", "worth 8 a", "worth 8 b"),
		pair("1", "fr", "en", "worth 7 a", "worth 2 b"), // the same answer is chosen twice
		pair("1", "fr", "en", "worth 7 a", "worth 4 b"),
		pair("1", "ru", "mine", "mute", "mute too"),
	}
	url, asked := ratingServer(t)
	dir := filepath.Join(t.TempDir(), "run")
	rate := func() []ratingRow {
		t.Helper()
		run, err := Open(dir, Miniature())
		if err != nil {
			t.Fatal(err)
		}
		server, err := remote.Open(context.Background(), remote.Options{Model: "judge", Endpoints: []string{url}, InFlight: 4})
		if err != nil {
			t.Fatal(err)
		}
		ratings, scores, err := Ratings(context.Background(), run, &Model{Name: "M0"}, UseModel("judge", server), datasets.Frame(pairs), DefaultRatings())
		if err != nil {
			t.Fatal(err)
		}
		if ratings.Nrow() != len(pairs) {
			t.Errorf("%d ratings of %d pairs", ratings.Nrow(), len(pairs))
		}
		rows, err := rowsOf[ratingRow](scores, "scores")
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	rows := rate()

	// By hand: de's chosen sides 8 6 3 9 have variance 21/3, its rejected ones 4 6 5 variance 1, and its pairs count 1, ½ and 0.
	none := math.NaN()
	want := map[string]struct {
		value, se       float64
		n, ties, failed int
	}{
		"de chosen":                 {6.5, math.Sqrt(7.0 / 4), 4, 0, 0},
		"de rejected":               {5, math.Sqrt(1.0 / 3), 3, 0, 1},
		"de self_translation":       {6.5, math.Sqrt(7.0 / 4), 4, 0, 0},
		"de self_generation":        {5, math.Sqrt(1.0 / 3), 3, 0, 1},
		"de judged_reward_accuracy": {0.5, 0.5 / math.Sqrt(3), 3, 1, 1},
		"en chosen":                 {9, 1, 2, 0, 0},
		"en rejected":               {7.75, 0.25, 2, 0, 0},
		"en self_translation":       {7.75, 0.25, 2, 0, 0}, // in the dominant language the rejected side is the translated one
		"en self_generation":        {9, 1, 2, 0, 0},
		"en judged_reward_accuracy": {0.75, 0.25, 2, 1, 0},
		"fr chosen":                 {7, 0, 2, 0, 0},
		"fr rejected":               {3, 1, 2, 0, 0},
		"fr self_generation":        {3, 1, 2, 0, 0}, // an untranslated English answer is neither
		"fr judged_reward_accuracy": {1, 0, 2, 0, 0},
		"ru chosen":                 {none, none, 0, 0, 1},
		"ru rejected":               {none, none, 0, 0, 1},
		"ru judged_reward_accuracy": {none, none, 0, 0, 1},
	}
	same := func(got rating, want float64) bool {
		return math.Abs(float64(got)-want) < 1e-12 || math.IsNaN(float64(got)) && math.IsNaN(want)
	}
	for _, row := range rows {
		w, ok := want[row.Lang+" "+row.Metric]
		if !ok || !same(row.Value, w.value) || !same(row.SE, w.se) || row.N != w.n || row.Ties != w.ties || row.Failed != w.failed || row.Model != "M0" || row.Judge != "judge" {
			t.Errorf("%+v, want %+v", row, w)
		}
		if !strings.Contains(row.Warning, "items") || strings.Contains(row.Warning, "the judge failed") != (row.Failed > 0) {
			t.Errorf("%s in %s has the warning %q", row.Metric, row.Lang, row.Warning)
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows, want %d", len(rows), len(want))
	}

	type line struct {
		Chosen, Rejected *float64
		RejectedVerdict  string `json:"rejected_verdict"`
	}
	lines := readFile(t, dir, "M0", "pairs.ratings.jsonl")
	var fourth line
	if err := json.Unmarshal([]byte(strings.Split(lines, "\n")[3]), &fourth); err != nil || *fourth.Chosen != 9 || fourth.Rejected != nil || fourth.RejectedVerdict != "I would rather not say." {
		t.Errorf("the fourth pair's line is %+v, %v", fourth, err)
	}
	table := readFile(t, dir, "M0", "pairs.ratings.json")

	// Again: the same, and nothing is asked twice.
	if again := rate(); fmt.Sprint(again) != fmt.Sprint(rows) || readFile(t, dir, "M0", "pairs.ratings.jsonl") != lines || readFile(t, dir, "M0", "pairs.ratings.json") != table {
		t.Errorf("the second time: %v", again)
	}
	german := 0
	for text, n := range asked {
		if n != 1 {
			t.Errorf("asked %d times: %s", n, text)
		}
		german += strings.Count(text, "the language of the instruction, German,")
	}
	if len(asked) != 17 || german != 8 { // 18 sides, one of them twice
		t.Errorf("%d questions were asked, %d about German, want 17 and 8", len(asked), german)
	}

	s := DefaultRatings()
	s.Template = "{{.Second}}"
	run, err := Reopen(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Ratings(context.Background(), run, &Model{Name: "M0"}, nil, datasets.Frame(pairs), s); err == nil || !strings.Contains(err.Error(), "field ratings.template") {
		t.Errorf("a template of unknown fields: error %v, want one that names it", err)
	}
}

func readFile(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParseRating(t *testing.T) {
	for verdict, want := range map[string]float64{
		"[[7]]": 7, "Good, but short.\n\nRating: [[7.5]].": 7.5, "[[0]]": 0, "[[10]]": 10, "**[[10.0]]**": 10,
	} {
		if got := parseRating(verdict); float64(got) != want {
			t.Errorf("%q is read as %v, want %v", verdict, got, want)
		}
	}
	for _, verdict := range []string{
		"", "7", "[7]", "[[11]]", "[[10.5]]", "[[-1]]", "[[7/10]]", "[[ 7 ]]", "[[seven]]", "[[7", "[[7,5]]", "[[1e1]]", "[[NaN]]", "[[.5]]", "[[٧]]",
		"It says of itself [[10]]; I say [[3]].", "[[3]] [[3]]", "[[rating]]: [[3]]",
	} {
		if got := parseRating(verdict); !math.IsNaN(float64(got)) {
			t.Errorf("%q is read as %v, want a failed judge", verdict, got)
		}
	}
}

func FuzzParseRating(f *testing.F) {
	for _, seed := range []string{"[[7]]", "[[7.5]] and", "[[[[8]]]]", "[[10]][[", "[[99999999999999999999]]", "\xff[[3]]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, verdict string) {
		r := float64(parseRating(verdict))
		if !math.IsNaN(r) && (r < 0 || r > 10 || strings.Count(verdict, "[[") == 0) {
			t.Errorf("%q is read as %v", verdict, r)
		}
	})
}
