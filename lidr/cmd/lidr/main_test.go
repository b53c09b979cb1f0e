package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lidr": main})
}

// The scripts in testdata/script are sessions at a shell: commands, and what they must print.
func TestScripts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(server.Close)
	hub := httptest.NewServer(http.HandlerFunc(emptyHub))
	t.Cleanup(hub.Close)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { busy.Close() })
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SERVER", server.URL+"/v1")
			env.Setenv("HUB", hub.URL)
			env.Setenv("BUSY", busy.Addr().String())
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "race" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return raceDetector, nil
		},
	})
}

// answer is a model behind a server, which answers a conversation that speaks of NOTHING with nothing.
func answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"vllm"}]}`)
		return
	}
	content := `"Something."`
	if body, err := io.ReadAll(r.Body); err != nil || bytes.Contains(body, []byte("NOTHING")) {
		content = "null"
	}
	fmt.Fprintf(w, `{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":%s},`+
		`"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`, content)
}

// emptyHub is a hub without repositories, which nothing may be sent to.
func emptyHub(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, "something was sent", http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Error-Code", "RepoNotFound")
	http.Error(w, `{"error":"Repository not found"}`, http.StatusNotFound)
}

var raceDetector bool // set where the tests are built with it
