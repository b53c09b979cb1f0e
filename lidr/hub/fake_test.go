package hub

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	repo    = "acme/tiny"
	commit1 = "00112233445566778899aabbccddeeff00112233"
	secret  = "hf_secret"
)

// fakeHub answers as the hub does: the API of revisions and trees in pages, small files with git's SHA-1 as ETag, large
// ones by redirection to a content network on another port, whose addresses are signed and whose ETags are its own.
type fakeHub struct {
	hub, cdn *httptest.Server

	mu       sync.Mutex
	small    map[string][]byte
	large    map[string][]byte
	commit   string
	private  bool             // needs the token
	breakAt  map[string][]int // the content network cuts these answers off after so many bytes, one after the other
	busy     int              // it answers 503 or 403 this many times
	hangAt   map[string]int   // it stops sending these after so many bytes, without an end
	damaged  map[string]bool  // it serves other bytes
	noRanges bool
	// mirror, if set, may answer for a small file in place of the hub.
	mirror func(http.ResponseWriter, *http.Request, []byte) bool
	listed func(name string) string // the name of a file in the tree
	asked  []string                 // "hub NAME RANGE" or "cdn NAME RANGE"
	leaked []string                 // requests to the content network that carried the token
}

func newFakeHub(t *testing.T) *fakeHub {
	f := &fakeHub{commit: commit1, breakAt: map[string][]int{}, damaged: map[string]bool{},
		listed: func(n string) string { return n }}
	f.small = map[string][]byte{
		"config.json":           []byte(`{"model_type":"llama"}`),
		"tokenizer_config.json": []byte("{}"),
		"LICENSE":               []byte("free"),
		"modeling.py":           []byte("evil"),
		".gitattributes":        nil,
	}
	f.large = map[string][]byte{
		"tokenizer.json":           pattern(3000),
		"model.safetensors":        pattern(1 << 20),
		"pytorch_model.bin":        pattern(10),
		"consolidated.safetensors": pattern(20),
	}
	f.cdn = httptest.NewServer(http.HandlerFunc(f.serveCDN))
	f.hub = httptest.NewServer(http.HandlerFunc(f.serveHub))
	t.Cleanup(f.hub.Close)
	t.Cleanup(f.cdn.Close)
	for name, value := range map[string]string{
		"HF_ENDPOINT":    f.hub.URL,
		"HF_HUB_CACHE":   t.TempDir(),
		"HF_HOME":        t.TempDir(),
		"HF_TOKEN":       secret,
		"HF_TOKEN_PATH":  "",
		"HF_HUB_OFFLINE": "",
	} {
		t.Setenv(name, value)
	}
	wait := firstWait
	firstWait = time.Millisecond
	t.Cleanup(func() { firstWait = wait })
	return f
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*i>>8 ^ i)
	}
	return b
}

func gitHash(b []byte) string {
	return fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(b), b)))
}

func largeHash(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func (f *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	refuse := func(status int, code string) {
		w.Header().Set("X-Error-Code", code)
		http.Error(w, `{"error":"no"}`, status)
	}
	api, path := "/api/models/"+repo, r.URL.EscapedPath()
	switch {
	case f.private && r.Header.Get("Authorization") != "Bearer "+secret:
		refuse(http.StatusUnauthorized, "GatedRepo")
	case path == api+"/revision/main" || path == api+"/revision/pr%2F1" || path == api+"/revision/"+f.commit:
		fmt.Fprintf(w, `{"id":%q,"sha":%q,"siblings":[]}`, repo, f.commit)
	case strings.HasPrefix(path, api+"/revision/"):
		refuse(http.StatusNotFound, "RevisionNotFound")
	case path == api+"/tree/"+f.commit:
		f.serveTree(w, r)
	case strings.HasPrefix(path, "/"+repo+"/resolve/"+f.commit+"/"):
		name := strings.TrimPrefix(path, "/"+repo+"/resolve/"+f.commit+"/")
		f.asked = append(f.asked, strings.TrimSpace("hub "+name+" "+r.Header.Get("Range")))
		w.Header().Set("X-Repo-Commit", f.commit)
		b, ok := f.small[name]
		if ok && f.mirror != nil && f.mirror(w, r, b) {
			return
		}
		if ok {
			w.Header().Set("ETag", `"`+gitHash(b)+`"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
		} else if b, ok = f.large[name]; ok {
			w.Header().Set("X-Linked-Etag", `"`+largeHash(b)+`"`)
			w.Header().Set("X-Linked-Size", fmt.Sprint(len(b)))
			http.Redirect(w, r, f.cdn.URL+"/"+name+"?Signature=s3cr3t", http.StatusFound)
		} else {
			refuse(http.StatusNotFound, "EntryNotFound")
		}
	default:
		refuse(http.StatusUnauthorized, "RepoNotFound") // the hub does not reveal whether a private model exists
	}
}

// serveTree lists three entries a page.
func (f *fakeHub) serveTree(w http.ResponseWriter, r *http.Request) {
	entries := []string{`{"type":"directory","oid":"` + commit1 + `","size":0,"path":"original"}`}
	for _, name := range slices.Sorted(maps.Keys(f.small)) {
		entries = append(entries, fmt.Sprintf(`{"type":"file","oid":%q,"size":%d,"path":%q}`, gitHash(f.small[name]),
			len(f.small[name]), f.listed(name)))
	}
	for _, name := range slices.Sorted(maps.Keys(f.large)) {
		b := f.large[name]
		entries = append(entries,
			fmt.Sprintf(`{"type":"file","oid":%q,"size":%d,"lfs":{"oid":%q,"size":%d,"pointerSize":134},"path":%q}`, commit1,
				len(b), largeHash(b), len(b), f.listed(name)))
	}
	from := 0
	fmt.Sscan(r.URL.Query().Get("cursor"), &from)
	to := min(from+3, len(entries))
	if to < len(entries) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?cursor=%d>; rel="next"`, f.hub.URL, r.URL.Path, to))
	}
	fmt.Fprintf(w, "[%s]", strings.Join(entries[from:to], ","))
}

func (f *fakeHub) serveCDN(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	f.mu.Lock()
	f.asked = append(f.asked, strings.TrimSpace("cdn "+name+" "+r.Header.Get("Range")))
	if r.Header.Get("Authorization") != "" {
		f.leaked = append(f.leaked, name)
	}
	b, busy, cut, status := f.large[name], f.busy > 0, -1, http.StatusServiceUnavailable
	if f.busy%2 == 0 {
		status = http.StatusForbidden // the address has expired
	}
	if busy {
		f.busy--
	}
	if at := f.breakAt[name]; len(at) > 0 && !busy {
		cut, f.breakAt[name] = at[0], at[1:]
	}
	hang := f.hangAt[name]
	if f.damaged[name] {
		b = bytes.Repeat([]byte("x"), len(b))
	}
	if f.noRanges {
		r.Header.Del("Range")
	}
	f.mu.Unlock()
	if busy {
		http.Error(w, "no", status)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x-1"`, md5.Sum(b)))
	if cut >= 0 {
		w = &cutter{w, cut}
	}
	if hang > 0 {
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:hang])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// cutter drops the connection after some bytes.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) < c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	c.ResponseWriter.Write(b[:c.left])
	c.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// change sets fields while handlers of abandoned requests may still run.
func (f *fakeHub) change(set func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set()
}

// questions returns the requests so far, sorted, and clears them.
func (f *fakeHub) questions() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := slices.Sorted(slices.Values(f.asked))
	f.asked = nil
	return asked
}
