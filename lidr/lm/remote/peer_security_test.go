package remote

import (
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"lidrlab/lidr/lm"
)

// A server controls neither how much memory a request takes, nor where the key is sent.
func TestHostileServer(t *testing.T) {
	const secret = "sk-secret-0123456789"
	t.Setenv("LIDR_TEST_KEY", secret)
	var followed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	zeros := make([]byte, 1<<20)
	for want, script := range map[string]func(w http.ResponseWriter, r *http.Request){
		"more than 16777216 bytes": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		},
		"the response has more than": func(w http.ResponseWriter, r *http.Request) { // 4 GB in 4 MB
			w.Header().Set("Content-Encoding", "gzip")
			pack := gzip.NewWriter(w)
			for range 4 << 10 {
				if _, err := pack.Write(zeros); err != nil {
					return
				}
			}
			_ = pack.Close()
		},
		"headers exceeded": func(w http.ResponseWriter, r *http.Request) {
			for i := range 200 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 100_000))
			}
		},
		"it redirects elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/v1/chat/completions", http.StatusTemporaryRedirect)
		},
		"exceeded max depth": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Repeat(`{"choices":[`, 100_000))
		},
		`status 400: \x1b]0;title\x07\u202e`: func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "\x1b]0;title\a\u202e", http.StatusBadRequest)
		},
		"status 500": func(w http.ResponseWriter, r *http.Request) { // endless, and an error
			w.WriteHeader(http.StatusInternalServerError)
			for r.Context().Err() == nil {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		},
	} {
		f := newFake(t)
		f.script = func(w http.ResponseWriter, r *http.Request, _ string, _ int) bool { script(w, r); return true }
		m := open(t, Options{KeyEnv: "LIDR_TEST_KEY", Attempts: 1}, f)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := m.Generate(t.Context(), prompts(1), greedy, nil,
			func([]int, []lm.Completion) error { return errors.New("an answer was taken") })
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) ||
			len(err.Error()) > 2000 {
			t.Errorf("error %v, expected %q", err, want)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 256<<20 {
			t.Errorf("%s: %d MB were allocated", want, made>>20)
		}
	}
	if followed.Load() > 0 {
		t.Error("the key went to where a server redirected")
	}
}
