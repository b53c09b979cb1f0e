package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// collect runs reqs through the store, as the pipeline does, and returns the answers and which requests were saved.
func collect(t *testing.T, m *Model, store ledger.Store,
	reqs []lm.Request) (answers []lm.Completion, saved map[string]bool, err error) {
	t.Helper()
	saved = map[string]bool{}
	generate := func(done func(int) bool, save func([]int, []lm.Completion) error) error {
		return m.Generate(t.Context(), reqs, greedy, done, func(idx []int, out []lm.Completion) error {
			for _, i := range idx {
				saved[reqs[i].ID] = true
			}
			return save(idx, out)
		})
	}
	answers, err = ledger.Collect(context.Background(), store, "completions", "key", len(reqs), generate)
	return answers, saved, err
}

func checkAnswers(t *testing.T, reqs []lm.Request, answers []lm.Completion) {
	t.Helper()
	if len(answers) != len(reqs) {
		t.Fatalf("%d answers to %d requests", len(answers), len(reqs))
	}
	for i, a := range answers {
		want := lm.Completion{Text: "re: " + reqs[i].ID, FinishReason: lm.FinishStop, PromptTokens: 7, Tokens: 3}
		if a != want {
			t.Fatalf("answer %d is %+v, want %+v", i, a, want)
		}
	}
}

// misbehave fails the first attempt of each prompt in a way that depends on its number, and answers the second.
func misbehave(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
	if n > 0 {
		return false
	}
	var number int
	fmt.Sscanf(prompt, "prompt %d", &number)
	switch number % 7 {
	case 0:
		w.Header().Set("Retry-After", "0.01")
		http.Error(w, `{"error":{"message":"slow down"}}`, http.StatusTooManyRequests)
	case 1:
		http.Error(w, "<html>no json</html>", http.StatusInternalServerError)
	case 2: // drop the connection
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	case 3: // half an answer
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, completion("half", "")[:60])
	case 4: // broken JSON
		fmt.Fprint(w, completion("broken", "")[:60])
	case 5: // whole JSON without an answer
		fmt.Fprint(w, `{"choices":[]}`)
	default:
		return false
	}
	return true
}

func TestEveryPromptIsAnsweredOnceThroughFaults(t *testing.T) {
	f := newFake(t)
	f.script = misbehave
	m := open(t, Options{}, f)
	reqs, store := prompts(400), ledger.Store{Dir: t.TempDir()}
	answers, _, err := collect(t, m, store, reqs)
	if err != nil {
		t.Fatal(err)
	}
	checkAnswers(t, reqs, answers)
	for _, r := range reqs {
		if f.answered[r.ID] != 1 {
			t.Errorf("%s was answered %d times", r.ID, f.answered[r.ID])
		}
	}
	asked := f.total
	if _, _, err := collect(t, m, store, reqs); err != nil || f.total != asked {
		t.Errorf("the second run asked %d requests again, error %v", f.total-asked, err)
	}
}

// A request without an answer in time is sent again, on a new connection.
func TestHangingRequestIsAskedAgain(t *testing.T) {
	f := newFake(t)
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		if n == 0 {
			<-r.Context().Done()
		}
		return n == 0
	}
	m := open(t, Options{Attempts: 100, InFlight: 4}, f)
	m.options.Timeout = 200 * time.Millisecond // set after opening, which may take long on a busy machine
	reqs := prompts(8)
	answers, _, err := collect(t, m, ledger.Store{Dir: t.TempDir()}, reqs)
	if err != nil {
		t.Fatal(err)
	}
	checkAnswers(t, reqs, answers)
}

// A server that dies half-way and stays away ends the run; after its restart only the missing requests are sent.
func TestServerDiesAndTheNextRunAsksTheRest(t *testing.T) {
	f := newFake(t)
	var dead atomic.Bool
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		if f.count() == 150 && dead.CompareAndSwap(false, true) {
			go f.stop()
		}
		return false
	}
	m := open(t, Options{InFlight: 8, Attempts: 4}, f)
	reqs, store := prompts(400), ledger.Store{Dir: t.TempDir()}
	_, saved, err := collect(t, m, store, reqs)
	if err == nil || !strings.Contains(err.Error(), "no endpoint answers any more") {
		t.Fatalf("the run ended with %v, want one that says that no endpoint answers", err)
	}
	if len(saved) < 100 || len(saved) > 399 {
		t.Fatalf("%d answers were saved before the end", len(saved))
	}
	f.attempts = map[string]int{}
	f.start()
	answers, _, err := collect(t, m, store, reqs)
	if err != nil {
		t.Fatal(err)
	}
	checkAnswers(t, reqs, answers)
	for id := range saved {
		if f.attempts[id] > 0 {
			t.Errorf("%s was saved and asked again", id)
		}
	}
	if missing := len(reqs) - len(saved); len(f.attempts) != missing {
		t.Errorf("%d requests were asked by the second run, want the %d that were missing", len(f.attempts), missing)
	}
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}

// A server that comes back while the run waits is used again.
func TestServerRestartsDuringTheRun(t *testing.T) {
	f := newFake(t)
	var dead atomic.Bool
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		if f.count() == 150 && dead.CompareAndSwap(false, true) {
			go func() {
				f.stop()
				time.Sleep(50 * time.Millisecond)
				f.start()
			}()
		}
		return false
	}
	reqs := prompts(400)
	answers, _, err := collect(t, open(t, Options{InFlight: 8}, f), ledger.Store{Dir: t.TempDir()}, reqs)
	if err != nil || !dead.Load() {
		t.Fatal(err)
	}
	checkAnswers(t, reqs, answers)
}

func TestEndpointsShareTheWorkAndOneMayDie(t *testing.T) {
	a, b := newFake(t), newFake(t)
	slow := func(http.ResponseWriter, *http.Request, string, int) bool { time.Sleep(time.Millisecond); return false }
	a.script = slow
	b.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		if b.count() == 50 {
			go b.stop()
		}
		return slow(w, r, prompt, n)
	}
	reqs := prompts(400)
	answers, _, err := collect(t, open(t, Options{InFlight: 8, Attempts: 4}, a, b), ledger.Store{Dir: t.TempDir()}, reqs)
	if err != nil {
		t.Fatal(err)
	}
	checkAnswers(t, reqs, answers)
	if len(b.answered) < 40 {
		t.Errorf("the second endpoint answered %d requests before it died after 50", len(b.answered))
	}
}

func TestOneBadRequestDoesNotHoldUpTheOthers(t *testing.T) {
	f := newFake(t)
	healed := false
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		if prompt != "prompt 3" || healed {
			return false
		}
		http.Error(w, `{"error":"out of memory"}`, http.StatusInternalServerError)
		return true
	}
	m := open(t, Options{Attempts: 3}, f)
	reqs, store := prompts(50), ledger.Store{Dir: t.TempDir()}
	_, _, err := collect(t, m, store, reqs)
	var incomplete *lm.IncompleteError
	if !errors.As(err, &incomplete) || len(incomplete.Failed) != 1 || incomplete.Failed[0].Index != 3 ||
		!strings.Contains(err.Error(), "1 of 50 requests failed") || !strings.Contains(err.Error(), "out of memory") {
		t.Fatalf("error %v, want an IncompleteError about request 3", err)
	}
	if f.attempts["prompt 3"] != 3 {
		t.Errorf("the failing request was tried %d times, want 3", f.attempts["prompt 3"])
	}
	healed, f.total = true, 0
	answers, _, err := collect(t, m, store, reqs)
	if err != nil || f.total != 1 {
		t.Fatalf("the second run asked %d requests with error %v, want only the failed one", f.total, err)
	}
	checkAnswers(t, reqs, answers)
}

func TestErrorsThatAnotherAttemptWouldRepeatEndTheRun(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   []string
	}{
		{400, `{"error":{"message":"max_tokens is too large"}}`, []string{"max_tokens is too large", "prompt "}},
		{401, `{"error":{"message":"Incorrect key sk-secret-0123456789"}}`,
			[]string{"LIDR_TEST_KEY", "Incorrect key [API key]"}},
		{403, `{"detail":"not for you"}`, []string{"LIDR_TEST_KEY", "not for you"}},
		{429, `{"error":{"code":"insufficient_quota","message":"You exceeded your quota"}}`, []string{"out of credit"}},
		{307, ``, []string{"redirects"}},
	} {
		t.Setenv("LIDR_TEST_KEY", "sk-secret-0123456789")
		f := newFake(t)
		f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
			if r.Header.Get("Authorization") != "Bearer sk-secret-0123456789" {
				t.Errorf("the key was not sent")
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
			return true
		}
		m := open(t, Options{KeyEnv: "LIDR_TEST_KEY", InFlight: 4}, f)
		err := m.Generate(t.Context(), prompts(200), greedy, nil, func([]int, []lm.Completion) error { return nil })
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("status %d: error %v, want %q in it", c.status, err, want)
			}
		}
		if shown := fmt.Sprintf("%v %+v %#v", err, *m, m.options); strings.Contains(shown, "sk-secret") {
			t.Errorf("status %d: the key is shown: %s", c.status, shown)
		}
		if f.total > 8 {
			t.Errorf("status %d: %d requests were sent before the run ended", c.status, f.total)
		}
	}
}

func TestCancelEndsARequestInFlight(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		if f.count() < 10 {
			return false
		}
		cancel()
		<-r.Context().Done()
		return true
	}
	saved := 0
	m := open(t, Options{InFlight: 1}, f)
	err := m.Generate(ctx, prompts(20), greedy, nil, func(idx []int, _ []lm.Completion) error {
		saved += len(idx)
		return nil
	})
	if !errors.Is(err, context.Canceled) || saved < 8 || saved > 9 { // the last may be cancelled while it is read
		t.Errorf("%d answers saved, error %v; want those before the request that hangs, and context.Canceled", saved, err)
	}
}

func TestErrorOfSaveEndsTheRun(t *testing.T) {
	full := errors.New("disk full")
	err := open(t, Options{InFlight: 2}, newFake(t)).Generate(t.Context(), prompts(50), greedy, nil,
		func([]int, []lm.Completion) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("error %v, want the one of save", err)
	}
}
