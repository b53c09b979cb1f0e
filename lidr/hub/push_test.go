package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func agreed(Plan) error { return nil }

// A push makes a private repository that holds the files; pushed again nothing is sent, and of changed files those.
func TestPushIsWhatTheFolderHolds(t *testing.T) {
	f, u := newPushHub(t), modelFolder(t)
	var plan Plan
	var done, total int64
	pushed, err := Push(t.Context(), u, func(p Plan) error { plan = p; return nil },
		func(d, all int64) { done, total = d, all })
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, "models/acme/tiny", u)
	if want := (Plan{f.hub.URL + "/acme/tiny", true, true, 7, total}); plan != want || done != total || total < 905_000 {
		t.Errorf("agreed to %+v, sent %d of %d bytes, expected %+v", plan, done, total, want)
	}
	if len(pushed.Files) != 7 || len(pushed.Warnings) != 1 ||
		pushed.Commit != strings.Repeat("0", 39)+"1" || pushed.URL != plan.URL {
		t.Errorf("pushed %+v", pushed)
	}
	want := map[string]int{
		"GET /api/models/acme/tiny": 1, "POST /api/repos/create": 1, "POST /api/models/acme/tiny/preupload/main": 1,
		"POST /api/validate-yaml": 1, "POST /acme/tiny.git/info/lfs/objects/batch": 1,
		"POST /api/models/acme/tiny/commit/main": 1,
		"PUT storage /object/tokenizer.json":     1, "POST /verify/tokenizer.json": 1,
		"PUT storage /object/model-00001-of-00002.safetensors": 1, "POST /verify/model-00001-of-00002.safetensors": 1,
		"PUT storage /part/model-00002-of-00002.safetensors/1": 1,
		"PUT storage /part/model-00002-of-00002.safetensors/2": 1,
		"PUT storage /part/model-00002-of-00002.safetensors/3": 1, "POST /complete/model-00002-of-00002.safetensors": 1,
	}
	if diff := cmp.Diff(want, f.requests(u)); diff != "" {
		t.Errorf("requests (-expected, +sent):\n%s", diff)
	}
	again, err := Push(t.Context(), u, agreed, silent)
	look := map[string]int{"GET /api/models/acme/tiny": 1, "POST /api/validate-yaml": 1,
		"POST /api/models/acme/tiny/preupload/main": 1}
	if diff := cmp.Diff(look, f.requests(u)); diff != "" || err != nil || again.Commit != "" || len(again.Files) > 0 {
		t.Errorf("pushed again: %+v, %v, requests (-expected, +sent):\n%s", again, err, diff)
	}
	if err := os.WriteFile(u.Files[0].File, []byte("other terms"), 0o644); err != nil {
		t.Fatal(err)
	}
	look["POST /api/models/acme/tiny/commit/main"] = 1
	third, err := Push(t.Context(), u, agreed, silent)
	if diff := cmp.Diff(look, f.requests(u)); diff != "" || err != nil || len(third.Files) != 1 {
		t.Errorf("one file changed: %+v, %v, requests (-expected, +sent):\n%s", third, err, diff)
	}
	f.holds(t, "models/acme/tiny", u)
}

// Data sets and pages have addresses and kinds of their own, and are public only where that is asked for.
func TestPushKinds(t *testing.T) {
	f := newPushHub(t)
	for kind, folder := range map[string]string{"dataset": "datasets/", "space": "spaces/"} {
		u := modelFolder(t)
		u.Kind, u.Public = kind, true
		pushed, err := Push(t.Context(), u, agreed, silent)
		if err != nil || pushed.URL != f.hub.URL+"/"+folder+"acme/tiny" || f.repos[folder+"acme/tiny"].private {
			t.Fatalf("%s: %+v, %v", kind, pushed, err)
		}
		f.holds(t, folder+"acme/tiny", u)
		u.Public = false
		_, err = Push(t.Context(), u, agreed, silent)
		if err == nil || !strings.Contains(err.Error(), "is there and public") {
			t.Errorf("%s: a private push to what is public: %v", kind, err)
		}
	}
}

// pushChild is what the test binary does in place of its tests, for TestPushKilled.
func pushChild(dir string) {
	u := Upload{Name: Name{"acme/tiny", "main"}, Kind: "model", Summary: "Upload M1"}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		u.Files = append(u.Files, Source{e.Name(), dir + "/" + e.Name()})
	}
	if err == nil {
		_, err = Push(context.Background(), u, agreed, silent)
	}
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

// A process that is killed at any request of a push, before it is answered or after, leaves a push that the same
// command completes: no large file that arrived is sent again, and there is one commit.
func TestPushKilled(t *testing.T) {
	kill := []string{
		"POST /api/validate-yaml", "POST /api/repos/create", "POST /api/models/acme/tiny/preupload/main",
		"POST /acme/tiny.git/info/lfs/objects/batch", "PUT /object/", "PUT /part/", "POST /complete/", "POST /verify/",
		"POST /api/models/acme/tiny/commit/main",
	}
	for _, at := range kill {
		for _, answered := range []bool{false, true} {
			f, u := newPushHub(t), modelFolder(t)
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), "LIDR_PUSH="+strings.TrimSuffix(u.Files[0].File, "/"+u.Files[0].Path))
			var once sync.Once
			end := func() { once.Do(func() { _ = child.Process.Kill() }) }
			f.mu.Lock()
			if answered {
				f.after = func(request string) {
					if strings.HasPrefix(request, at) {
						end()
					}
				}
			} else {
				f.fault = func(_ http.ResponseWriter, r *http.Request) bool {
					if !strings.HasPrefix(r.Method+" "+r.URL.Path, at) {
						return false
					}
					_, _ = io.Copy(io.Discard, r.Body) // the server notices only then that the client is gone
					end()
					<-r.Context().Done()
					return true
				}
			}
			f.mu.Unlock()
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait() // killed, or done a moment before
			f.mu.Lock()
			f.fault, f.after, f.asked = nil, nil, nil
			there := map[string]bool{}
			for sha := range f.objects {
				there[sha] = true
			}
			f.mu.Unlock()
			if _, err := Push(t.Context(), u, agreed, silent); err != nil {
				t.Fatalf("killed at %s, answered %t: %v", at, answered, err)
			}
			f.mu.Lock()
			for _, a := range f.asked {
				sha := strings.TrimPrefix(strings.TrimPrefix(a.Request, "PUT storage /object/"), "PUT storage /part/")
				if sha, _, _ = strings.Cut(sha, "/"); there[sha] {
					t.Errorf("killed at %s, answered %t: sent again: %s", at, answered, a.Request)
				}
			}
			if commits := f.repos["models/acme/tiny"].commits; len(commits) != 2 {
				t.Errorf("killed at %s, answered %t: commits %v", at, answered, commits)
			}
			f.mu.Unlock()
			f.holds(t, "models/acme/tiny", u)
		}
	}
}

// A push outlives what passes: broken connections, answers that are lost, busy servers, expired addresses, conflicts.
func TestPushGoesOn(t *testing.T) {
	broken := func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil {
			_, _ = r.Body.Read(make([]byte, 1000))
		}
		panic(http.ErrAbortHandler)
	}
	status := func(code int, header ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			http.Error(w, `{"error":"no"}`, code)
		}
	}
	for name, test := range map[string]struct {
		at     string
		answer func(http.ResponseWriter, *http.Request)
		most   map[string]int // of requests
	}{
		"broken part": {"PUT /part/", broken, map[string]int{"PUT storage /object/tokenizer.json": 1,
			"POST /acme/tiny.git/info/lfs/objects/batch": 1}},
		"broken object":  {"PUT /object/", broken, nil},
		"broken batch":   {"POST /acme/tiny.git", broken, nil},
		"expired object": {"PUT /object/", status(http.StatusForbidden), nil},
		"expired part":   {"PUT /part/", status(http.StatusForbidden), nil},
		"busy storage":   {"PUT /part/", status(http.StatusServiceUnavailable), nil},
		"busy hub":       {"POST /api/models/acme/tiny/preupload", status(http.StatusBadGateway), nil},
		"too many":       {"POST /api/models/acme/tiny/commit", status(429, "RateLimit", `"api";r=0;t=1`), nil},
		"too many, too":  {"POST /api/repos/create", status(429, "Retry-After", "1"), nil},
		"conflict":       {"POST /api/models/acme/tiny/commit", status(http.StatusConflict), nil},
		"precondition":   {"POST /api/models/acme/tiny/commit", status(http.StatusPreconditionFailed), nil},
		"broken create":  {"POST /api/repos/create", broken, nil},
	} {
		f, u := newPushHub(t), modelFolder(t)
		var left atomic.Int64
		left.Store(2)
		if strings.HasPrefix(name, "too many") {
			left.Store(1) // of a second each
		}
		f.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.Method+" "+r.URL.Path, test.at) || left.Add(-1) < 0 {
				return false
			}
			test.answer(w, r)
			return true
		}
		var done, total int64
		if _, err := Push(t.Context(), u, agreed, func(d, all int64) { done, total = d, all }); err != nil || done != total {
			t.Errorf("%s: %v, %d of %d bytes", name, err, done, total)
			continue
		}
		f.holds(t, "models/acme/tiny", u)
		sent := f.requests(u)
		for request, most := range test.most {
			if sent[request] > most {
				t.Errorf("%s: %s was sent %d times", name, request, sent[request])
			}
		}
		if commits := f.repos["models/acme/tiny"].commits; len(commits) != 2 {
			t.Errorf("%s: commits %v", name, commits)
		}
	}
}

// A commit, or a repository, whose answer is lost is not made twice.
func TestPushLostAnswer(t *testing.T) {
	for _, at := range []string{"POST /api/models/acme/tiny/commit/main", "POST /api/repos/create"} {
		f, u := newPushHub(t), modelFolder(t)
		var once sync.Once
		f.after = func(request string) {
			if request == at {
				once.Do(func() { panic(http.ErrAbortHandler) })
			}
		}
		if _, err := Push(t.Context(), u, agreed, silent); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		f.holds(t, "models/acme/tiny", u)
		if repo := f.repos["models/acme/tiny"]; len(repo.commits) != 2 || !repo.private {
			t.Errorf("%s: %+v", at, repo)
		}
	}
}

// A file that changes while it is sent is not published, whether the change shows in its size, its time or its bytes.
func TestPushChangedFile(t *testing.T) {
	for _, at := range []string{"PUT /part/", "PUT /object/", "POST /api/models/acme/tiny/preupload/main"} {
		for _, hidden := range []bool{false, true} {
			f, u := newPushHub(t), modelFolder(t)
			var once sync.Once
			f.fault = func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.Method+" "+r.URL.Path, at) {
					once.Do(func() { change(t, u.Files, hidden) })
				}
				return false
			}
			_, err := Push(t.Context(), u, agreed, silent)
			if !errors.Is(err, errChanged) && !hidden {
				t.Errorf("changed at %s: %v", at, err)
			}
			if repo := f.repos["models/acme/tiny"]; err != nil && len(repo.commits) != 1 {
				t.Errorf("changed at %s, hidden %t: the commit was made", at, hidden)
			}
			f.change(func() { f.fault = nil })
			once.Do(func() {}) // which waits: a push can end before all files are changed
			if _, err := Push(t.Context(), u, agreed, silent); err != nil {
				t.Errorf("changed at %s, hidden %t, pushed again: %v", at, hidden, err)
			}
			if !hidden {
				f.holds(t, "models/acme/tiny", u)
			}
			for sha, object := range f.objects {
				if largeHash(object) != sha {
					t.Errorf("changed at %s, hidden %t: storage holds other bytes under a name", at, hidden)
				}
			}
		}
	}
}

func (f *pushHub) change(set func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set()
}

// change writes other bytes into all files: of the same length and time, if it is to be hidden.
func change(t *testing.T, files []Source, hidden bool) {
	for _, s := range files {
		b, err := os.ReadFile(s.File)
		if err != nil {
			t.Error(err)
			return
		}
		info, err := os.Stat(s.File)
		if err != nil {
			t.Error(err)
			return
		}
		for i := range b {
			b[i] ^= 1
		}
		if !hidden {
			b = append(b, "more"...)
		}
		if err := os.WriteFile(s.File, b, 0o644); err != nil {
			t.Error(err)
		}
		if hidden {
			err = os.Chtimes(s.File, time.Time{}, info.ModTime())
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// Nothing is sent unasked, without a token or with one that may not; the errors say what to do, and never the token.
func TestPushRefuses(t *testing.T) {
	status := func(code int, errorCode, text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Error-Code", errorCode)
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
		}
	}
	no := errors.New("no")
	for want, test := range map[string]struct {
		at     string
		answer func(http.ResponseWriter, *http.Request)
		env    map[string]string
		agree  func(Plan) error
		change func(*Upload)
	}{
		"unasked": {},
		"no":      {agree: func(Plan) error { return no }},
		"without a token of the hub: set HF_TOKEN to one that may write": {
			env: map[string]string{"HF_TOKEN": ""}, agree: agreed},
		"HF_HUB_OFFLINE forbids the network": {env: map[string]string{"HF_HUB_OFFLINE": "1"}, agree: agreed},
		"the hub does not know the token":    {env: map[string]string{"HF_TOKEN": "hf_other"}, agree: agreed},
		`README.md: acme/tiny: the hub answers "400 Bad Request" (it says: "license" must be one of these)`: {
			agree: agreed, change: func(u *Upload) {
				i := slices.IndexFunc(u.Files, func(s Source) bool { return s.Path == "README.md" })
				if err := os.WriteFile(u.Files[i].File, []byte("---\nlicense: mine\n---\n"), 0o644); err != nil {
					t.Error(err)
				}
			}},
		"the token may not write there (403 Forbidden) (it says: you hold … only)": {"POST /api/repos/create",
			status(403, "", "you hold "+secret+"\x1b[31m only"), nil, agreed, nil},
		"the token may not write there": {"POST /api/models/acme/tiny/commit", status(403, "", "no"), nil, agreed, nil},
		"there is no such repository": {"POST /api/models/acme/tiny/preupload",
			status(404, "RepoNotFound", ""), nil, agreed, nil},
		`the hub answers "400 Bad Request" (it says: "license" must be one of)`: {"POST /api/models/acme/tiny/commit",
			status(400, "", `"license" must be one of`), nil, agreed, nil},
		`has no branch "v2"`: {agree: agreed, change: func(u *Upload) { u.Name.Revision = "v2" }},
		"the .gitignore of the repository leaves ignored.txt out": {agree: agreed, change: func(u *Upload) {
			u.Files[0].Path = "ignored.txt"
		}},
		"is not the path of a file in a repository": {agree: agreed, change: func(u *Upload) { u.Files[0].Path = "a/../b" }},
		"expected model, dataset or space":          {agree: agreed, change: func(u *Upload) { u.Kind = "bucket" }},
		"expected files":                            {agree: agreed, change: func(u *Upload) { u.Files = nil }},
		"no such file":                              {agree: agreed, change: func(u *Upload) { u.Files[0].File += ".gone" }},
		"tried 6 times":                             {"POST /api/repos/create", status(502, "", ""), nil, agreed, nil},
	} {
		t.Run(want, func(t *testing.T) {
			f, u := newPushHub(t), modelFolder(t)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			if test.at != "" {
				f.fault = func(w http.ResponseWriter, r *http.Request) bool {
					if strings.HasPrefix(r.Method+" "+r.URL.Path, test.at) {
						test.answer(w, r)
						return true
					}
					return false
				}
			}
			if test.change != nil {
				test.change(&u)
			}
			_, err := Push(t.Context(), u, test.agree, silent)
			text := fmt.Sprint(err)
			if err == nil || !strings.Contains(strings.ReplaceAll(text, " [31m", ""), want) || strings.Contains(text, secret) ||
				strings.Contains(text, "s3cr3t") || strings.Contains(text, "\x1b") {
				t.Errorf("error %q, expected %q", text, want)
			}
			if repo := f.repos["models/acme/tiny"]; repo != nil && len(repo.commits) > 1 {
				t.Error("a commit was made")
			}
			if asked := len(f.asked); asked > 1 && test.at == "" && test.change == nil {
				t.Errorf("%d requests were sent", asked)
			}
		})
	}
}

// The token and the files go to no address that the hub may not name: storage gets no token, and none is unencrypted
// where the hub is not.
func TestPushTargets(t *testing.T) {
	f, u := newPushHub(t), modelFolder(t)
	if _, err := Push(t.Context(), u, agreed, silent); err != nil {
		t.Fatal(err)
	}
	for request := range f.requests(u) {
		if strings.Contains(request, "with the token") {
			t.Errorf("%s", request)
		}
	}
	t.Setenv("HF_ENDPOINT", "https://hub.example")
	c, err := newClient()
	if err != nil {
		t.Fatal(err)
	}
	p := &pusher{client: c}
	for href, want := range map[string]string{
		"https://huggingface.co/api/complete": "https://hub.example/api/complete", // of a mirror
		"https://s3.example/x?y":              "https://s3.example/x?y",
		"http://s3.example/x":                 "", "file:///etc/passwd": "", "/x": "", "": "", "https://": "",
	} {
		if got, err := p.target(href); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v, expected %q", href, got, err, want)
		}
	}
}
