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
	"regexp"
	"strings"
	"sync"
	"testing"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm/remote"
)

// chat is what a server is asked.
type chat struct {
	Temperature float64
	Messages    []struct{ Role, Content string }
}

// scripted answers chats by reply, counts them, and refuses every refuse-th of them.
type scripted struct {
	*httptest.Server
	name   string
	reply  func(chat) string
	refuse int

	mu       sync.Mutex
	requests int
	asked    map[string]int // how often each chat was answered, by its messages and temperature
}

func newScripted(t *testing.T, name string, refuse int, reply func(chat) string) *scripted {
	s := &scripted{name: name, reply: reply, refuse: refuse, asked: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/models" {
		fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model","created":1,"owned_by":"test"}]}`, s.name)
		return
	}
	var body chat
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests++
	refused := s.refuse > 0 && s.requests%s.refuse == 0
	if !refused {
		s.asked[fmt.Sprint(body)]++
	}
	s.mu.Unlock()
	if refused {
		http.Error(w, `{"error":{"message":"not now"}}`, http.StatusBadRequest)
		return
	}
	content, _ := json.Marshal(s.reply(body))
	fmt.Fprintf(w, `{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":%s}}],"usage":{"prompt_tokens":10,"completion_tokens":3}}`, content)
}

func (s *scripted) model(t *testing.T, name string) *Model {
	t.Helper()
	server, err := remote.Open(context.Background(), remote.Options{Model: s.name, Endpoints: []string{s.URL}, InFlight: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := UseModel(s.name, server)
	m.Name = name
	return m
}

// mtWrite tells in its answer what it was asked, and by how many messages at which temperature.
func mtWrite(c chat) string {
	said := c.Messages[len(c.Messages)-1].Content
	if len(c.Messages) == 3 {
		said = c.Messages[1].Content + " then " + said
	}
	return fmt.Sprintf("said %s at %g;", said, c.Temperature)
}

var graded = regexp.MustCompile(`grade=(\S+)`)

// mtGrade gives the last grade=… of its prompt, which the answer to be graded has of its question.
func mtGrade(c chat) string {
	found := graded.FindAllStringSubmatch(c.Messages[len(c.Messages)-1].Content, -1)
	return "Good enough. Rating: " + found[len(found)-1][1]
}

// mtBench writes four German questions and two French ones, each with the rating that its answers will get.
func mtBench(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for file, lines := range map[string]string{
		"de.jsonl": `{"question_id": 81, "category": "writing", "turns": ["w1 grade=[[7]]", "w1b grade=[[8]]"], "reference": ["unused", "unused"]}
{"question_id": 82, "category": "writing", "turns": ["w2 grade=[[5]]", "w2b grade=[[8]]"]}
{"question_id": 111, "category": "math", "turns": ["m1 grade=[[10]]", "m1b grade=[[1]]"], "reference": ["is three", "5pi"]}
{"question_id": 112, "category": "math", "turns": ["m2 grade=[[4.5]]", "m2b grade=[[0.5]]"], "reference": ["is four", ""]}
`,
		"fr.jsonl": `{"question_id": 81, "category": "stem", "turns": ["s1 grade=[[6]]", "s1b grade=[[6]]"]}
{"question_id": 82, "category": "other", "turns": ["o1 grade=[[8]]", "o1b grade=[[10]]"]}
`} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mtScores(t *testing.T, run *Run, writer, grader *scripted, folder string) ([]mtScore, error) {
	t.Helper()
	frame, err := MTBench(context.Background(), run, writer.model(t, "M1"), grader.model(t, "judge"), folder, DefaultMTBench())
	if err != nil {
		return nil, err
	}
	return rowsOf[mtScore](frame, "scores")
}

// The means and errors are worked out by hand from the ratings in mtBench.
func TestMTBench(t *testing.T) {
	run, _ := openTest(t, Miniature())
	writer, grader := newScripted(t, "writer", 0, mtWrite), newScripted(t, "grader", 0, mtGrade)
	scores, err := mtScores(t, run, writer, grader, mtBench(t))
	if err != nil {
		t.Fatal(err)
	}
	none := rating(math.NaN())
	want := []mtScore{
		{"M1", "writing", 1, "de", 6, 1, 2, 0, ""},
		{"M1", "writing", 2, "de", 8, 0, 2, 0, ""},
		{"M1", "writing", 0, "de", 7, 0.5, 2, 0, ""},
		{"M1", "math", 1, "de", 7.25, 2.75, 2, 0, ""},
		{"M1", "math", 2, "de", 1, none, 1, 1, "the judge failed on 1 of 2; 1 of 2 graded without"},
		{"M1", "math", 0, "de", 5.5, none, 1, 1, "the judge failed on 1 of 2; 1 of 2 graded without"},
		{"M1", "all", 1, "de", 6.625, rating(math.Sqrt(18.6875 / 12)), 4, 0, ""},
		{"M1", "all", 2, "de", 17.0 / 3, 7.0 / 3, 3, 1, "the judge failed on 1 of 4; 1 of 4 graded without"},
		{"M1", "all", 0, "de", 6.5, rating(1 / math.Sqrt(3)), 3, 1, "the judge failed on 1 of 4; 1 of 4 graded without"},
		{"M1", "stem", 1, "fr", 6, none, 1, 0, ""},
		{"M1", "stem", 2, "fr", 6, none, 1, 0, ""},
		{"M1", "stem", 0, "fr", 6, none, 1, 0, ""},
		{"M1", "other", 1, "fr", 8, none, 1, 0, ""},
		{"M1", "other", 2, "fr", 10, none, 1, 0, ""},
		{"M1", "other", 0, "fr", 9, none, 1, 0, ""},
		{"M1", "all", 1, "fr", 7, 1, 2, 0, ""},
		{"M1", "all", 2, "fr", 8, 2, 2, 0, ""},
		{"M1", "all", 0, "fr", 7.5, 1.5, 2, 0, ""},
	}
	if len(scores) != len(want) {
		t.Fatalf("%d scores, want %d: %+v", len(scores), len(want), scores)
	}
	same := func(x, y rating) bool { return math.Abs(float64(x-y)) < 1e-12 || x != x && y != y }
	for i, w := range want {
		s := scores[i]
		warned := strings.Contains(s.Warning, "only ") && (w.Warning != "" || !strings.Contains(s.Warning, ";"))
		for _, part := range strings.Split(w.Warning, "; ") {
			warned = warned && strings.Contains(s.Warning, part)
		}
		if !same(s.Value, w.Value) || !same(s.SE, w.SE) || !warned {
			t.Errorf("row %d: %+v, want %+v", i, s, w)
		}
		s.Value, s.SE, s.Warning, w.Value, w.SE, w.Warning = 0, 0, "", 0, 0, ""
		if s != w {
			t.Errorf("row %d: %+v, want %+v", i, s, w)
		}
	}
	rows, err := ledger.ReadLines[mtRow](run.path("M1", "eval", "mtbench", "de.jsonl"))
	if err != nil || len(rows) != 8 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	// The second request holds the first answer, at the temperature of the category.
	if r := rows[1]; r.QuestionID != "81" || r.Turn != 2 || r.Answer != "said said w1 grade=[[7]] at 0.7; then w1b grade=[[8]] at 0.7;" || r.Rating != 8 || r.Verdict != "Good enough. Rating: [[8]]" {
		t.Errorf("%+v", r)
	}
	if r := rows[7]; r.Turn != 2 || r.Verdict != "Good enough. Rating: [[0.5]]" || !strings.HasSuffix(r.Answer, "at 0;") {
		t.Errorf("%+v", r)
	}
	for file, want := range map[string]string{"mtbench/de.jsonl": `Rating: [[0.5]]","rating":null`, "mtbench/fr.jsonl": `Rating: [[10]]","rating":10`, "mtbench.json": `"se": null`} {
		if data, err := os.ReadFile(run.path("M1", "eval", file)); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, expected %s in\n%s", file, err, want, data)
		}
	}
	// The first turn is judged alone, and references stand where the category has them.
	if len(grader.asked) != 12 || len(writer.asked) != 12 {
		t.Errorf("%d answers and %d verdicts were asked for, want 12 of each", len(writer.asked), len(grader.asked))
	}
	for prompt := range grader.asked {
		for text, want := range map[string]bool{
			"unused": false, "w1b": strings.Contains(prompt, "then w1b"),
			"is three": strings.Contains(prompt, "said m1"), "5pi": strings.Contains(prompt, "then m1b"),
			"is four": strings.Contains(prompt, "said m2") && !strings.Contains(prompt, "then m2b"),
			"French":  strings.Contains(prompt, "said s1") || strings.Contains(prompt, "said o1"),
		} {
			if strings.Contains(prompt, text) != want {
				t.Errorf("%q stands in a judge's prompt: %t, want %t\n%s", text, !want, want, prompt)
			}
		}
	}
	bad := DefaultMTBench()
	bad.MultiTurn = "{{.Question"
	if _, err := MTBench(context.Background(), run, nil, nil, mtBench(t), bad); err == nil || !strings.Contains(err.Error(), "field mtbench.multi_turn:") {
		t.Errorf("a broken template: %v", err)
	}
	if _, err := mtScores(t, run, writer, grader, t.TempDir()); err == nil || !strings.Contains(err.Error(), "has none of the run's languages") {
		t.Errorf("an empty folder: %v", err)
	}
}

// A measurement whose servers refuse a request every now and then ends, when it is repeated, with the bytes of one that
// was left alone, and nothing that was answered is asked again.
func TestMTBenchResumes(t *testing.T) {
	folder := mtBench(t)
	straight, _ := openTest(t, Miniature())
	if _, err := mtScores(t, straight, newScripted(t, "writer", 0, mtWrite), newScripted(t, "grader", 0, mtGrade), folder); err != nil {
		t.Fatal(err)
	}
	broken, _ := openTest(t, Miniature())
	writer, grader := newScripted(t, "writer", 4, mtWrite), newScripted(t, "grader", 3, mtGrade)
	stops := 0
	for {
		_, err := mtScores(t, broken, writer, grader, folder)
		if err == nil {
			break
		}
		if stops++; !strings.Contains(err.Error(), "not now") || stops > 20 {
			t.Fatalf("after %d stops: %v", stops, err)
		}
	}
	if stops < 3 {
		t.Errorf("the measurement was stopped %d times, want at least 3", stops)
	}
	got := hashes(t, broken.Dir)
	for path, hash := range hashes(t, straight.Dir) {
		if got[path] != hash {
			t.Errorf("%s differs after %d stops", path, stops)
		}
		delete(got, path)
	}
	for path := range got {
		t.Errorf("%s was left behind", path)
	}
	if _, err := mtScores(t, broken, writer, grader, folder); err != nil { // asks nothing
		t.Error(err)
	}
	for _, s := range []*scripted{writer, grader} {
		for text, n := range s.asked {
			if n != 1 || len(s.asked) != 12 {
				t.Errorf("%s answered %d chats, this one %d times, want 12, once each: %s", s.name, len(s.asked), n, text)
			}
		}
	}
}
