package hub

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// pushHub takes pushes as the hub does: repositories with one branch, a storage at another port whose addresses are
// signed, objects of more than multipartFrom bytes in parts of multipartFrom, and what was sent and not committed kept.
// Files of more than 1,000 bytes, and .safetensors, are large.
type pushHub struct {
	hub, storage *httptest.Server

	mu      sync.Mutex
	repos   map[string]*fakeRepo // "models/acme/tiny"
	objects map[string][]byte    // by their SHA-256
	parts   map[string][]byte    // "SHA-256/number"
	asked   []asked
	// fault may answer in place of the hub, of the request "METHOD /path", and says so.
	fault func(w http.ResponseWriter, r *http.Request) bool
	after func(request string) // is called when a request was answered
}

type fakeRepo struct {
	private bool
	files   map[string]string // to git's SHA-1, or SHA-256 of an object
	content map[string][]byte // of small ones
	commits []string
}

// asked is a request of the API: lines of JSON, or one value.
type asked struct {
	Request string
	Body    []any
}

const multipartFrom = 300_000

func newPushHub(t *testing.T) *pushHub {
	f := &pushHub{repos: map[string]*fakeRepo{}, objects: map[string][]byte{}, parts: map[string][]byte{}}
	f.hub = httptest.NewServer(http.HandlerFunc(f.serveHub))
	f.storage = httptest.NewServer(http.HandlerFunc(f.serveStorage))
	t.Cleanup(f.hub.Close)
	t.Cleanup(f.storage.Close)
	for name, value := range map[string]string{
		"HF_ENDPOINT": f.hub.URL, "HF_TOKEN": secret, "HF_TOKEN_PATH": "", "HF_HOME": t.TempDir(), "HF_HUB_OFFLINE": "",
	} {
		t.Setenv(name, value)
	}
	wait := firstWait
	firstWait = time.Millisecond
	t.Cleanup(func() { firstWait = wait })
	return f
}

func (f *pushHub) refuse(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("X-Error-Code", code)
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q}`, text)
}

// interrupted lets the test answer.
func (f *pushHub) interrupted(w http.ResponseWriter, r *http.Request) bool {
	f.mu.Lock()
	fault := f.fault
	f.mu.Unlock()
	return fault != nil && fault(w, r)
}

func (f *pushHub) answered(r *http.Request) {
	f.mu.Lock()
	after := f.after
	f.mu.Unlock()
	if after != nil {
		after(r.Method + " " + r.URL.Path)
	}
}

func (f *pushHub) serveHub(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	request := asked{Request: r.Method + " " + r.URL.Path}
	for lines := json.NewDecoder(bytes.NewReader(body)); lines.More(); {
		var line any
		if lines.Decode(&line) != nil {
			break
		}
		request.Body = append(request.Body, line)
	}
	f.mu.Lock()
	f.asked = append(f.asked, request)
	f.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+secret && !strings.HasPrefix(r.URL.Path, "/complete/") {
		f.refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
		return
	}
	if f.interrupted(w, r) {
		return
	}
	f.mu.Lock()
	f.serveAPI(w, r, body)
	f.mu.Unlock()
	f.answered(r)
}

func (f *pushHub) serveAPI(w http.ResponseWriter, r *http.Request, body []byte) {
	switch path := strings.TrimPrefix(r.URL.Path, "/"); {
	case path == "api/repos/create":
		var made struct{ Name, Organization, Type, Visibility string }
		_ = json.Unmarshal(body, &made)
		name := made.Type + "s/" + made.Organization + "/" + made.Name
		if f.repos[name] != nil {
			f.refuse(w, http.StatusConflict, "", "You already created this model repo")
			return
		}
		f.repos[name] = &fakeRepo{made.Visibility == "private", map[string]string{}, map[string][]byte{}, []string{commit1}}
		fmt.Fprintf(w, `{"url":"%s/%s"}`, f.hub.URL, name)
	case path == "api/validate-yaml":
		var card struct{ Content string }
		_ = json.Unmarshal(body, &card)
		if strings.Contains(card.Content, "license: mine") {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"errors":[{"message":"\"license\" must be one of these"}],"warnings":[]}`)
			return
		}
		fmt.Fprint(w, `{"errors":[],"warnings":[{"message":"a warning"}]}`)
	case strings.HasSuffix(path, lfsBatch):
		f.serveBatch(w, body)
	case strings.HasPrefix(path, "verify/"):
		sha := strings.TrimPrefix(path, "verify/")
		if f.objects[sha] == nil {
			f.refuse(w, http.StatusNotFound, "", "no object")
		}
	case strings.HasPrefix(path, "complete/"):
		sha := strings.TrimPrefix(path, "complete/")
		var done struct {
			OID   string
			Parts []struct {
				PartNumber int
				ETag       string
			}
		}
		_ = json.Unmarshal(body, &done)
		var whole []byte
		for i, part := range done.Parts {
			if part.PartNumber != i+1 || part.ETag != fmt.Sprintf(`"%s-%d"`, sha[:4], i+1) {
				f.refuse(w, http.StatusBadRequest, "", "parts")
				return
			}
			whole = append(whole, f.parts[fmt.Sprint(sha, "/", i+1)]...)
		}
		f.store(w, sha, whole)
	case strings.HasPrefix(path, "api/"):
		f.serveRepo(w, strings.TrimPrefix(path, "api/"), body)
	default:
		f.refuse(w, http.StatusNotFound, "EntryNotFound", "not here")
	}
}

func (f *pushHub) store(w http.ResponseWriter, sha string, content []byte) {
	if largeHash(content) != sha {
		http.Error(w, "checksum", http.StatusBadRequest)
		return
	}
	f.objects[sha] = content
}

func (f *pushHub) serveRepo(w http.ResponseWriter, path string, body []byte) {
	parts := strings.Split(path, "/") // models acme tiny [preupload main]
	repo := f.repos[strings.Join(parts[:min(3, len(parts))], "/")]
	switch {
	case repo == nil:
		f.refuse(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
	case len(parts) == 3 || parts[3] == "revision":
		fmt.Fprintf(w, `{"id":"x/y","private":%t,"sha":%q,"siblings":[]}`, repo.private, repo.commits[len(repo.commits)-1])
	case parts[4] != "main":
		f.refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id")
	case parts[3] == "preupload":
		var asked struct {
			Files []struct {
				Path   string
				Sample *string
				Size   int
			}
		}
		_ = json.Unmarshal(body, &asked)
		var out []string
		for _, file := range asked.Files {
			if file.Sample == nil {
				f.refuse(w, http.StatusBadRequest, "", "files[].sample: expected a string")
				return
			}
			mode := "regular"
			if file.Size > 1000 || strings.HasSuffix(file.Path, ".safetensors") {
				mode = "lfs"
			}
			known := "null"
			if oid := repo.files[file.Path]; oid != "" {
				known = `"` + oid + `"`
			}
			out = append(out, fmt.Sprintf(`{"path":%q,"uploadMode":%q,"shouldIgnore":%t,"oid":%s}`, file.Path, mode,
				file.Path == "ignored.txt", known))
		}
		fmt.Fprintf(w, `{"files":[%s]}`, strings.Join(out, ","))
	case parts[3] == "commit":
		f.serveCommit(w, repo, strings.TrimPrefix(strings.Join(parts[:3], "/"), "models/"), body)
	}
}

func (f *pushHub) serveCommit(w http.ResponseWriter, repo *fakeRepo, name string, body []byte) {
	for line := range bytes.Lines(body) {
		var op struct {
			Key   string
			Value struct {
				Path, Content, OID string
				Size               int
			}
		}
		_ = json.Unmarshal(line, &op)
		switch v := op.Value; op.Key {
		case "file":
			content, _ := base64.StdEncoding.DecodeString(v.Content)
			repo.files[v.Path], repo.content[v.Path] = gitHash(content), content
		case "lfsFile":
			if len(f.objects[v.OID]) != v.Size {
				f.refuse(w, http.StatusBadRequest, "", "LFS object is missing")
				return
			}
			repo.files[v.Path] = v.OID
		}
	}
	repo.commits = append(repo.commits, fmt.Sprintf("%040x", len(repo.commits)))
	commit := repo.commits[len(repo.commits)-1]
	fmt.Fprintf(w, `{"commitUrl":"%s/%s/commit/%s","commitOid":%q,"pullRequestUrl":null}`, f.hub.URL, name, commit, commit)
}

func (f *pushHub) serveBatch(w http.ResponseWriter, body []byte) {
	var asked struct {
		Objects []struct {
			OID  string
			Size int
		}
	}
	_ = json.Unmarshal(body, &asked)
	var out []string
	for _, o := range asked.Objects {
		action := ""
		if _, known := f.objects[o.OID]; !known && o.Size > multipartFrom {
			header := fmt.Sprintf(`"chunk_size":"%d"`, multipartFrom)
			for n := 1; (n-1)*multipartFrom < o.Size; n++ {
				header += fmt.Sprintf(`,"%05d":"%s/part/%s/%d?Signature=s3cr3t"`, n, f.storage.URL, o.OID, n)
			}
			action = fmt.Sprintf(`,"actions":{"upload":{"href":"%s/complete/%s","header":{%s}}}`, f.hub.URL, o.OID, header)
		} else if !known {
			action = fmt.Sprintf(`,"actions":{"upload":{"href":"%s/object/%s?Signature=s3cr3t"},"verify":{"href":`+
				`"%s/verify/%s"}}`, f.storage.URL, o.OID, f.hub.URL, o.OID)
		}
		out = append(out, fmt.Sprintf(`{"oid":%q,"size":%d,"authenticated":true%s}`, o.OID, o.Size, action))
	}
	fmt.Fprintf(w, `{"transfer":"basic","objects":[%s]}`, strings.Join(out, ","))
}

func (f *pushHub) serveStorage(w http.ResponseWriter, r *http.Request) {
	request := asked{Request: r.Method + " storage " + r.URL.Path}
	if r.Header.Get("Authorization") != "" {
		request.Request += " with the token"
	}
	f.mu.Lock()
	f.asked = append(f.asked, request)
	f.mu.Unlock()
	if f.interrupted(w, r) {
		return
	}
	content, err := io.ReadAll(r.Body)
	if err != nil || int64(len(content)) != r.ContentLength {
		return // it was broken off: storage keeps nothing of it
	}
	f.mu.Lock()
	if sha, ok := strings.CutPrefix(r.URL.Path, "/object/"); ok {
		f.store(w, sha, content)
	} else {
		key := strings.TrimPrefix(r.URL.Path, "/part/")
		f.parts[key] = content
		_, number, _ := strings.Cut(key, "/")
		w.Header().Set("ETag", fmt.Sprintf(`"%s-%s"`, key[:4], number))
	}
	f.mu.Unlock()
	f.answered(r)
}

// requests returns how often each was sent since the last call, large files by their names.
func (f *pushHub) requests(u Upload) map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := []string{}
	for _, s := range u.Files {
		if b, err := os.ReadFile(s.File); err == nil {
			names = append(names, largeHash(b), s.Path)
		}
	}
	count := map[string]int{}
	for _, a := range f.asked {
		count[strings.NewReplacer(names...).Replace(a.Request)]++
	}
	f.asked = nil
	return count
}

// holds compares what a repository has with the files that were to be sent.
func (f *pushHub) holds(t *testing.T, name string, u Upload) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[name]
	if repo == nil || len(repo.files) != len(u.Files) {
		t.Fatalf("%s holds %v, expected %d files", name, repo, len(u.Files))
	}
	for _, s := range u.Files {
		want, err := os.ReadFile(s.File)
		if err != nil {
			t.Fatal(err)
		}
		got, small := repo.content[s.Path]
		if !small || len(repo.files[s.Path]) == 64 {
			got = f.objects[repo.files[s.Path]]
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s of %s has %d bytes, expected those of the file, %d", s.Path, name, len(got), len(want))
		}
	}
}

// modelFolder writes a model of seven files and returns it as an upload.
func modelFolder(t testing.TB) Upload {
	t.Helper()
	dir := t.TempDir()
	u := Upload{Name: Name{"acme/tiny", "main"}, Kind: "model", Summary: "Upload M1"}
	for name, content := range map[string][]byte{
		"config.json": []byte(`{"model_type":"llama"}`), "README.md": []byte("---\nlanguage: [en]\n---\n<b>M1</b> & more\n"),
		"tokenizer.json": pattern(5000), "model-00001-of-00002.safetensors": pattern(200_000),
		"model-00002-of-00002.safetensors": pattern(700_000), "LICENSE": nil, "empty.safetensors": {},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		u.Files = append(u.Files, Source{name, path})
	}
	slices.SortFunc(u.Files, func(a, b Source) int { return strings.Compare(a.Path, b.Path) })
	return u
}
