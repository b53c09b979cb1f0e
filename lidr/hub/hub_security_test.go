package hub

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A hub, or a server in its place, controls neither how much memory a pull takes nor where the token is sent.
func TestHostileHub(t *testing.T) {
	var told atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || strings.Contains(r.URL.String(), secret) {
			told.Add(1)
		}
		http.Error(w, "no", http.StatusNotFound)
	}))
	defer elsewhere.Close()
	bytes := []byte(strings.Repeat(" ", 1<<20))
	for want, answer := range map[string]http.HandlerFunc{
		"longer than 16777216 bytes": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes); err != nil {
					return
				}
			}
		},
		"headers exceeded": func(w http.ResponseWriter, r *http.Request) {
			for i := range 200 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 100_000))
			}
		},
		`answers "404`: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/x", http.StatusTemporaryRedirect)
		},
		"more than 10 redirections": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		},
		"exceeded max depth": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Repeat(`{"sha":[`, 100_000)+strings.Repeat("]}", 100_000))
		},
		"at another host": func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/tree/") {
				w.Header().Set("Link", "<"+elsewhere.URL+`/x>; rel="next"`)
				fmt.Fprint(w, "[]")
				return
			}
			fmt.Fprintf(w, `{"sha":%q}`, commit1)
		},
		"more files than a model": func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/tree/") {
				w.Header().Set("Link", `<?again>; rel="next"`)
				fmt.Fprint(w, "[]")
				return
			}
			fmt.Fprintf(w, `{"sha":%q}`, commit1)
		},
	} {
		f := newFakeHub(t)
		f.hub.Config.Handler = answer
		_, err := Pull(t.Context(), name(t, repo), silent)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
	if told.Load() > 0 {
		t.Error("the token went to another host")
	}
}

// The token goes over https, or stays on this machine.
func TestTokenIsNotSentUnencrypted(t *testing.T) {
	t.Setenv("HF_TOKEN", secret)
	for endpoint, ok := range map[string]bool{
		"http://192.0.2.2:18400": false, "http://hub.example": false, "HTTP://localhost.example": false,
		"http://localhost:1": true, "http://127.0.0.2": true, "http://[::1]:1": true, "https://hub.example": true,
	} {
		t.Setenv("HF_ENDPOINT", endpoint)
		_, err := newClient()
		if ok != (err == nil) || err != nil && (!strings.Contains(err.Error(), "unencrypted; use https") ||
			strings.Contains(err.Error(), secret)) {
			t.Errorf("%s: %v, expected that it is accepted: %t", endpoint, err, ok)
		}
	}
	t.Setenv("HF_TOKEN", "")
	t.Setenv("HF_TOKEN_PATH", filepath.Join(t.TempDir(), "none"))
	t.Setenv("HF_ENDPOINT", "http://hub.example")
	c, err := newClient()
	if err != nil {
		t.Fatalf("without a token: %v", err)
	}
	// Nor does any later step of a redirection leave https, where the first was http.
	step := func(address string) *http.Request { return httptest.NewRequest("GET", address, nil) }
	steps := []*http.Request{step("http://hub.example"), step("https://cdn.example/signed")}
	if err := c.http.CheckRedirect(step("http://cdn.example/signed"), steps); err == nil {
		t.Error("redirected from https to http")
	}
}

// Whatever a Link header says, the list of files continues on the hub itself.
func FuzzNextPage(f *testing.F) {
	f.Add(`<http://hub.example/api?cursor=2>; rel="next"`)
	f.Add(`<//evil.example/x>; rel=next`)
	f.Add(`<\\evil.example\x>; rel="next", <http:hub.example>; rel="next"`)
	f.Fuzz(func(t *testing.T, link string) {
		endpoint, err := url.Parse("http://hub.example")
		if err != nil {
			t.Fatal(err)
		}
		c := &client{endpoint: endpoint}
		request := httptest.NewRequest("GET", "http://hub.example/api/models/a/b/tree/x", nil)
		next, err := c.nextPage(Name{"a/b", "main"}, &http.Response{Header: http.Header{"Link": {link}}, Request: request})
		if err == nil && next != "" && !strings.HasPrefix(next, "http://hub.example/") &&
			!strings.HasPrefix(next, "http://hub.example?") && next != "http://hub.example" {
			t.Errorf("%q leads to %q", link, next)
		}
	})
}
