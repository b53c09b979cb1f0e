package hub

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func silent(done, total int64) {}

func name(t testing.TB, s string) Name {
	t.Helper()
	n, err := ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPullIsWhatTheCacheExpects(t *testing.T) {
	f := newFakeHub(t)
	f.private = true
	var last, total int64
	dir, err := Pull(t.Context(), name(t, repo), func(d, all int64) { last, total = d, all })
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(len(f.small["config.json"]) + 2 + 4 + 3000 + 1<<20); last != want || total != want {
		t.Errorf("the progress ends with %d of %d bytes, expected %d", last, total, want)
	}
	cache, _ := Cache()
	got := map[string]string{}
	err = filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(cache, path)
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			got[rel] = "-> " + target
			return err
		}
		b, err := os.ReadFile(path)
		got[rel] = largeHash(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"models--acme--tiny/refs/main": largeHash([]byte(commit1))}
	for n, b := range map[string][]byte{
		"config.json":           f.small["config.json"],
		"tokenizer_config.json": f.small["tokenizer_config.json"],
		"LICENSE":               f.small["LICENSE"],
		"tokenizer.json":        f.large["tokenizer.json"],
		"model.safetensors":     f.large["model.safetensors"],
	} {
		hash := largeHash(b)
		if _, ok := f.small[n]; ok {
			hash = gitHash(b)
		}
		want["models--acme--tiny/blobs/"+hash] = largeHash(b)
		want["models--acme--tiny/snapshots/"+commit1+"/"+n] = "-> ../../blobs/" + hash
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the cache (-expected, +is):\n%s", diff)
	}
	if found, err := Find(name(t, repo)); found != dir || err != nil {
		t.Errorf("Find gives %q, %v; expected %q", found, err, dir)
	}
	if len(f.leaked) > 0 {
		t.Errorf("the token went to the content network with %v", f.leaked)
	}
	// A second pull requests only the list.
	f.questions()
	if _, err := Pull(t.Context(), name(t, repo), silent); err != nil || len(f.questions()) > 0 {
		t.Errorf("pulled again: %v, asked %v", err, f.asked)
	}
	// A new commit shares the files that did not change, and both revisions are found.
	f.commit, f.small["config.json"] = strings.Repeat("ab", 20), []byte("{ }")
	newer, err := Pull(t.Context(), name(t, repo+"@pr/1"), silent)
	if diff := cmp.Diff([]string{"hub config.json"}, f.questions()); err != nil || diff != "" || newer == dir {
		t.Errorf("%v, folder %s, asked (-expected, +did):\n%s", err, newer, diff)
	}
	for revision, want := range map[string]string{"main": dir, "pr/1": newer, commit1: dir} {
		if got, err := Find(name(t, repo+"@"+revision)); got != want || err != nil {
			t.Errorf("revision %s: %q, %v; expected %q", revision, got, err, want)
		}
	}
}

// TestMain lets TestResume and TestPushKilled kill a process of their own.
func TestMain(m *testing.M) {
	if os.Getenv("LIDR_PUSH") != "" {
		pushChild(os.Getenv("LIDR_PUSH"))
	}
	if os.Getenv("LIDR_PULL") != "" {
		n, _ := ParseName(os.Getenv("LIDR_PULL"))
		_, err := Pull(context.Background(), n, silent)
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

// A download whose process is killed requests only the rest, in a new process as after a dropped connection.
func TestResume(t *testing.T) {
	f := newFakeHub(t)
	f.hangAt = map[string]int{"model.safetensors": 600_000}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), "LIDR_PULL="+repo)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	cache, _ := Cache()
	part := filepath.Join(cache, "models--acme--tiny/blobs", largeHash(f.large["model.safetensors"])+".incomplete")
	exited := make(chan error, 1)
	go func() { exited <- child.Wait() }()
	for !hasSize(part, 600_000) {
		select {
		case err := <-exited:
			t.Fatalf("the other process ended by itself: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-exited
	if _, err := Find(name(t, repo)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a model is found: %v", err)
	}
	f.questions()
	f.change(func() { f.hangAt = nil })
	f.change(func() { f.breakAt["model.safetensors"], f.busy = []int{50_000, 0, 70_000}, 2 })
	dir, err := Pull(t.Context(), name(t, repo), silent)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil || !bytes.Equal(b, f.large["model.safetensors"]) {
		t.Errorf("the file differs (%v)", err)
	}
	ranges := map[string]bool{}
	for _, q := range f.questions() {
		if after, ok := strings.CutPrefix(q, "cdn model.safetensors"); ok {
			ranges[strings.TrimSpace(after)] = true
		}
	}
	for _, start := range []int64{600_000, 650_000, 720_000} {
		if r := "bytes=" + itoa(start) + "-"; !ranges[r] {
			t.Errorf("nothing was asked from byte %d on: %v", start, ranges)
		}
	}
	if len(ranges) != 3 || len(f.leaked) > 0 {
		t.Errorf("asked for %v, the token leaked with %v", ranges, f.leaked)
	}
}

func itoa(n int64) string { b, _ := json.Marshal(n); return string(b) }

// Bytes that differ from the listed ones never become a file of the cache, and bytes from an earlier process are not
// trusted.
func TestChecksum(t *testing.T) {
	f := newFakeHub(t)
	f.damaged["tokenizer.json"] = true
	if _, err := Pull(t.Context(), name(t, repo), silent); err == nil ||
		!strings.Contains(err.Error(), "tokenizer.json: the content that arrived has the hash") {
		t.Errorf("error %v; expected one about the hash", err)
	}
	if _, err := Find(name(t, repo)); err == nil {
		t.Error("a damaged model is found")
	}
	f.change(func() { f.damaged, f.noRanges = nil, true })
	cache, _ := Cache()
	blobs := filepath.Join(cache, "models--acme--tiny/blobs")
	for file, left := range map[string][]byte{
		"tokenizer.json":    []byte("rubbish"),
		"model.safetensors": make([]byte, 2<<20),
	} {
		if err := os.WriteFile(filepath.Join(blobs, largeHash(f.large[file])+".incomplete"), left, 0o644); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(blobs, largeHash(f.large[file])))
	}
	dir, err := Pull(t.Context(), name(t, repo), silent)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range f.large {
		if got, err := os.ReadFile(filepath.Join(dir, n)); err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s differs", n)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(blobs, "*.incomplete")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A mirror may have ETags of its own, compress unasked, or not know ranges: contents of the right hash are taken, and
// others are not.
func TestMirrors(t *testing.T) {
	zipped := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
		return out.Bytes()
	}
	asked := func(r *http.Request) bool { return r.Header.Get("Range") != "" }
	for mirror, answer := range map[string]func(http.ResponseWriter, *http.Request, []byte) bool{
		"ETag of its own": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			w.Header().Set("ETag", `"65f-nginx"`)
			w.Write(b)
			return true
		},
		"weak ETag": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			w.Header().Set("ETag", `W/"`+gitHash(b)+`"`)
			w.Write(b)
			return true
		},
		"gzip": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			w.Header().Set("ETag", `"`+gitHash(b)+`-gzip"`)
			w.Header().Set("Content-Encoding", "gzip")
			if asked(r) {
				w.WriteHeader(http.StatusPartialContent)
			}
			w.Write(zipped(b))
			return true
		},
		"416": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			if asked(r) {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(b)))
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			}
			return asked(r)
		},
		"another part": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			if asked(r) {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(b)-1, len(b)))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(b)
			}
			return asked(r)
		},
		"part without a place": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			if asked(r) {
				w.WriteHeader(http.StatusPartialContent)
				w.Write(b[5:])
			}
			return asked(r)
		},
		"part of the rest": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			var from int
			if asked(r) {
				fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/*", from, from))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(b[from : from+1])
			}
			return asked(r)
		},
	} {
		t.Run(mirror, func(t *testing.T) {
			f := newFakeHub(t)
			f.mirror = answer
			config := f.small["config.json"]
			cache, _ := Cache()
			blob := filepath.Join(cache, "models--acme--tiny/blobs", gitHash(config))
			if err := os.MkdirAll(filepath.Dir(blob), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(blob+".incomplete", config[:5], 0o644); err != nil {
				t.Fatal(err)
			}
			dir, err := Pull(t.Context(), name(t, repo), silent)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "config.json")); err != nil || !bytes.Equal(got, config) {
				t.Errorf("config.json is %q, %v", got, err)
			}
		})
	}
	for want, answer := range map[string]func(http.ResponseWriter, *http.Request, []byte) bool{
		"the content that arrived has the hash": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped(bytes.Repeat([]byte("x"), len(b))))
			return true
		},
		"the server sends 1 bytes; expected": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped([]byte("x")))
			return true
		},
		`compresses its answers as "br"`: func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			w.Header().Set("Content-Encoding", "br")
			w.Write(b)
			return true
		},
	} {
		f := newFakeHub(t)
		f.mirror = answer
		if _, err := Pull(t.Context(), name(t, repo), silent); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}

func TestShardsWithoutLinks(t *testing.T) {
	f := newFakeHub(t)
	delete(f.large, "model.safetensors")
	f.large["model-1.safetensors"], f.large["model-2.safetensors"] = pattern(5000), pattern(5000)
	f.small["model.safetensors.index.json"] = []byte(`{"weight_map":{"a":"model-1.safetensors",` +
		`"b":"model-2.safetensors"}}`)
	refuse := func(string, string) error { return errors.ErrUnsupported }
	oldSymlink, oldLink := symlink, link
	defer func() { symlink, link = oldSymlink, oldLink }()
	symlink, link = refuse, os.Link
	dir, err := Pull(t.Context(), name(t, repo), silent)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !e.Type().IsRegular() {
			t.Errorf("%s is no plain file", e.Name())
		}
		names = append(names, e.Name())
	}
	if want := []string{"LICENSE", "config.json", "model-1.safetensors", "model-2.safetensors",
		"model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json"}; !slices.Equal(names, want) {
		t.Errorf("the snapshot has %v, expected %v", names, want)
	}
	link = refuse
	f.commit = strings.Repeat("cd", 20)
	delete(f.large, "model-2.safetensors")
	f.small["model.safetensors.index.json"] = []byte(`{"weight_map":{"a":"model-1.safetensors"}}`)
	if _, err := Pull(t.Context(), name(t, repo), silent); err != nil {
		t.Fatal(err)
	}
	f.questions()
	if _, err := Pull(t.Context(), name(t, repo), silent); err != nil || len(f.questions()) > 0 {
		t.Errorf("plain files are fetched again (%v)", err)
	}
}

func TestPullRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		name string
		set  func(f *fakeHub)
	}{
		"acme/other: the hub answers \"401": {"acme/other", nil},
		"there is no revision \"v9\"":       {repo + "@v9", nil},
		"is gated: accept its conditions":   {repo, func(f *fakeHub) { f.private = true; os.Unsetenv("HF_TOKEN") }},
		"HF_HUB_OFFLINE":                    {repo, func(f *fakeHub) { os.Setenv("HF_HUB_OFFLINE", "1") }},
		"../../evil.safetensors":            {repo, func(f *fakeHub) { f.listed = hostile("../../evil.safetensors") }},
		`..\\evil.safetensors`:              {repo, func(f *fakeHub) { f.listed = hostile(`..\evil.safetensors`) }},
		"model has no model.safetensors":    {repo, func(f *fakeHub) { delete(f.large, "model.safetensors") }},
		"no tokenizer.json":                 {repo, func(f *fakeHub) { delete(f.large, "tokenizer.json") }},
		"has no ../x.safetensors":           {repo, func(f *fakeHub) { f.index(`{"weight_map":{"a":"../x.safetensors"}}`) }},
		"model.safetensors.index.json: ":    {repo, func(f *fakeHub) { f.index(`[`) }},
		"names the commit":                  {repo, func(f *fakeHub) { f.commit = "../../../../etc" }},
		"tried 6 times":                     {repo, func(f *fakeHub) { f.busy = 1000 }},
		"does not speak the hub's API":      {repo, func(f *fakeHub) { f.commit = "\x01" }},
		"127.0.0.1:1":                       {repo, func(f *fakeHub) { os.Setenv("HF_ENDPOINT", "http://127.0.0.1:1") }},
		"HF_ENDPOINT is no address":         {repo, func(f *fakeHub) { os.Setenv("HF_ENDPOINT", "hub") }},
	} {
		t.Run(want, func(t *testing.T) {
			f := newFakeHub(t)
			if c.set != nil {
				c.set(f)
			}
			_, err := Pull(t.Context(), name(t, c.name), silent)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v; expected one line with %q", err, want)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "s3cr3t")) {
				t.Errorf("a secret in %q", err)
			}
			if _, err := Find(name(t, repo)); !errors.Is(err, fs.ErrNotExist) ||
				!strings.Contains(err.Error(), "lidr pull acme/tiny") {
				t.Errorf("Find: %v", err)
			}
		})
	}
}

func hostile(as string) func(string) string {
	return func(name string) string {
		if name == "model.safetensors" {
			return as
		}
		return name
	}
}

func (f *fakeHub) index(content string) {
	delete(f.large, "model.safetensors")
	f.small["model.safetensors.index.json"] = []byte(content)
}

func TestNames(t *testing.T) {
	for _, bad := range []string{"", "name", "a/b/c", "../x/y", "a/..", "a--b/c", "a/b@", "a/b@../x", "a/b@x?y", "-a/b",
		"a b/c", "/a/b", `a\b/c`} {
		if n, err := ParseName(bad); err == nil {
			t.Errorf("%q was read as %v", bad, n)
		}
	}
	if n := name(t, "meta-llama/Llama-3.2-1B@refs/pr/2"); n != (Name{"meta-llama/Llama-3.2-1B", "refs/pr/2"}) ||
		n.String() != "meta-llama/Llama-3.2-1B@refs/pr/2" {
		t.Errorf("%+v", n)
	}
	for _, c := range []struct{ hub, home, xdg, want string }{
		{"/h", "/x", "/y", "/h"},
		{"", "/x", "/y", "/x/hub"},
		{"", "", "/y", "/y/huggingface/hub"},
	} {
		t.Setenv("HF_HUB_CACHE", c.hub)
		t.Setenv("HF_HOME", c.home)
		t.Setenv("XDG_CACHE_HOME", c.xdg)
		if got, err := Cache(); got != c.want || err != nil {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

// Whatever a server lists, the paths of accepted names and hashes stay in their folder.
func FuzzTree(f *testing.F) {
	f.Add(`{"type":"file","oid":"0123456789012345678901234567890123456789","size":3,"path":"config.json"}`)
	f.Add(`{"type":"file","oid":"","size":3,"lfs":{"oid":"../../x","size":-1},"path":"..\\x"}`)
	f.Add(`{"type":"file","oid":"0123456789012345678901234567890123456789","path":"."}`)
	f.Fuzz(func(t *testing.T, text string) {
		var e treeEntry
		if json.Unmarshal([]byte(text), &e) != nil {
			return
		}
		accepted, err := e.file()
		if err != nil {
			return
		}
		for _, part := range []string{accepted.name, accepted.hash} {
			if !filepath.IsLocal(part) || part == "." || filepath.Base(part) != part || strings.ContainsAny(part, "\\:\x00\n") {
				t.Errorf("%q was accepted", part)
			}
		}
	})
}
