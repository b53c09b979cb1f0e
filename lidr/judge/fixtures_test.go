package judge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/judge/judgetest"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/report"
)

// TestMain lets the test binary stand in for a program that judges, so that a test can kill it: with LIDR_TEST_RUN and
// LIDR_TEST_JUDGE set it only compares in that folder.
func TestMain(m *testing.M) {
	dir, url := os.Getenv("LIDR_TEST_RUN"), os.Getenv("LIDR_TEST_JUDGE")
	if dir == "" || url == "" {
		os.Exit(m.Run())
	}
	if _, err := compareStars(dir, url, bothOrders, lm.Prices{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// openRun opens a run of the miniature's settings that ends with the test.
func openRun(t *testing.T, dir string) *lidr.Run {
	t.Helper()
	run, err := lidr.Open(dir, lidr.MiniatureSettings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	return run
}

func newRun(t *testing.T) *lidr.Run {
	t.Helper()
	return openRun(t, filepath.Join(t.TempDir(), "run"))
}

// startJudge serves a judge until the test ends.
func startJudge(t *testing.T, weighted bool) (*judgetest.Judge, string) {
	j := &judgetest.Judge{Weighted: weighted}
	server := httptest.NewServer(j)
	t.Cleanup(server.Close)
	return j, server.URL
}

// served is a model behind a server.
func served(t *testing.T, o remote.Options) *lidr.Model {
	t.Helper()
	server, err := remote.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return lidr.UseModel(o.Model, server)
}

// rows reads a frame of rows of one type.
func rows[T any](t *testing.T, frame dataframe.DataFrame) []T {
	t.Helper()
	var out []T
	if err := datasets.Rows(frame, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func readFile(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// measureOf reads a measure of a model back as the report does.
func measureOf(t *testing.T, run *lidr.Run, model, key string) report.Measure {
	t.Helper()
	m, err := report.ParseMeasure([]byte(readFile(t, run.Path(model, "measures", key+".json"))))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// cell is the text of a measure's value: "62.0 ± 5.0, n = 40".
func cell(t *testing.T, m report.Measure, row, column string) string {
	t.Helper()
	for _, r := range m.Rows {
		for k, name := range m.Columns {
			if r.Name == row && name == column {
				v := r.Values[k]
				return fmt.Sprintf("%.*f ± %.*f, %s", m.Digits, v.Value, m.Digits, v.SE, v.Note)
			}
		}
	}
	t.Errorf("measure %s has no row %q with a column %q: %+v", m.Key, row, column, m.Grid)
	return ""
}

// chat is what a server is asked.
type chat struct {
	Temperature float64
	Messages    []struct{ Role, Content string }
}

func (c chat) last() string { return c.Messages[len(c.Messages)-1].Content }

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
		http.Error(w, `{"error":{"message":"not now"}}`, http.StatusServiceUnavailable)
		return
	}
	content, _ := json.Marshal(s.reply(body))
	const form = `{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":%s}}],` +
		`"usage":{"prompt_tokens":10,"completion_tokens":3}}`
	fmt.Fprintf(w, form, content)
}

func (s *scripted) model(t *testing.T) *lidr.Model {
	t.Helper()
	return served(t, remote.Options{Model: s.name, Endpoints: []string{s.URL}, InFlight: 1, Attempts: 1})
}

func bothOrders(s *judge.Settings) { s.BothOrders = true }
