package lidr

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lidrlab/datasets/miniature"
)

// The embedded model, published on a hub, is pulled and loaded by its name, and is the same model.
func TestPulledModelIsTheModel(t *testing.T) {
	const commit = "0123456789012345678901234567890123456789"
	files := map[string][]byte{}
	entries, err := fs.ReadDir(miniature.M0(), ".")
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		Type string `json:"type"`
		Path string `json:"path"`
		OID  string `json:"oid"`
		Size int    `json:"size"`
	}
	var tree []entry
	for _, e := range entries {
		b, err := fs.ReadFile(miniature.M0(), e.Name())
		if err != nil {
			t.Fatal(err)
		}
		sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(b), b))
		files[e.Name()] = b
		tree = append(tree, entry{"file", e.Name(), hex.EncodeToString(sum[:]), len(b)})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch file, isFile := strings.CutPrefix(r.URL.Path, "/acme/m0/resolve/"+commit+"/"); {
		case isFile:
			w.Write(files[file])
		case r.URL.Path == "/api/models/acme/m0/revision/v1":
			fmt.Fprintf(w, `{"sha":%q}`, commit)
		case r.URL.Path == "/api/models/acme/m0/tree/"+commit:
			json.NewEncoder(w).Encode(tree)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	t.Setenv("HF_ENDPOINT", server.URL)
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	t.Setenv("HF_TOKEN", "none")
	if _, err := LoadModel("acme/m0@v1"); err == nil ||
		!strings.Contains(err.Error(), "`lidr pull acme/m0@v1` downloads it") {
		t.Errorf("before it is pulled: %v", err)
	}
	var last Event
	if _, err := Pull(t.Context(), "acme/m0@v1", func(e Event) { last = e }); err != nil {
		t.Fatal(err)
	}
	if last.Done != last.Total || last.Total < 4_000_000 || last.Unit != "bytes" {
		t.Errorf("the progress ends with %+v", last)
	}
	pulled, err := LoadModel("acme/m0@v1")
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	if pulled.Fingerprint() != embedded.Fingerprint() || pulled.Path != "acme/m0@v1" {
		t.Errorf("%s has the fingerprint %s, the embedded model %s", pulled.Path, pulled.Fingerprint(),
			embedded.Fingerprint())
	}
}
