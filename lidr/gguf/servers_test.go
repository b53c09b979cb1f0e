package gguf_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/go-gota/gota/dataframe"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/gguf"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// These tests need programs that "make test-servers" gets: LIDR_OLLAMA is the binary of Ollama v0.11.4, LIDR_LLAMA_CPP
// a folder with node-llama-cpp.

const answers = 500

// A round runs through Ollama as through the local engine, and gives the same answers, with few exceptions that are
// explained.
func TestOllama(t *testing.T) {
	binary := os.Getenv("LIDR_OLLAMA")
	if binary == "" {
		t.Skip("LIDR_OLLAMA is not set; make test-servers builds Ollama and sets it")
	}
	ctx := t.Context()
	m0, err := lidr.LoadModel("miniature")
	check(t, err)
	folder := t.TempDir()
	_, err = lidr.ExportGGUF(m0, folder, "f32")
	check(t, err)
	server := startOllama(t, binary)
	// Threads that spin while they wait make so small a model up to a hundred times slower on a busy machine.
	modelfile := filepath.Join(folder, "Modelfile")
	text, err := os.ReadFile(modelfile)
	check(t, err)
	check(t, os.WriteFile(modelfile, append(text, "\nPARAMETER num_thread 1\n"...), 0o644))
	server.run("create", "miniature", "-f", modelfile)
	asked, err := remote.Open(ctx, remote.Options{Model: "miniature", Endpoints: []string{server.url}})
	check(t, err)
	served := lidr.UseModel("miniature by Ollama", asked)

	s := lidr.MiniatureSettings()
	s.Prompts.N = answers / len(s.Languages())
	s.Translate.Prefill = "" // Ollama's API has none, and M0 was not trained to follow one that is described in words
	run, err := lidr.Open(filepath.Join(t.TempDir(), "served"), s)
	check(t, err)
	prompts, err := lidr.Prompts(ctx, run, served)
	check(t, err)
	start := time.Now()
	theirs, err := lidr.Generate(ctx, run, served, prompts)
	check(t, err)
	t.Logf("Ollama: %d answers in %.1f s", theirs.Nrow(), time.Since(start).Seconds())

	here, err := lidr.Open(filepath.Join(t.TempDir(), "here"), s)
	check(t, err)
	start = time.Now()
	ours, err := lidr.Generate(ctx, here, m0, prompts)
	check(t, err)
	t.Logf("here: %d answers in %.1f s", ours.Nrow(), time.Since(start).Seconds())
	equal := compare(t, ours, theirs)
	t.Logf("%d of %d answers are equal", equal, ours.Nrow())
	if ours.Nrow() != answers || equal < answers*99/100 {
		t.Errorf("%d of %d answers are equal, expected at least 99 %% of %d", equal, ours.Nrow(), answers)
	}

	start = time.Now()
	translations, err := lidr.Translate(ctx, run, served, theirs)
	check(t, err)
	pairs, counts, err := lidr.Pairs(ctx, run, served, theirs, translations)
	check(t, err)
	t.Logf("%d translations in %.1f s, %d pairs\n%v", translations.Nrow(), time.Since(start).Seconds(), pairs.Nrow(),
		counts)
	if pairs.Nrow() < answers/2 {
		t.Errorf("%d pairs of %d candidates, expected at least half", pairs.Nrow(), answers)
	}

	// Ollama tells no probabilities, so that a judge's verdicts are words, and the scores say so. M0 knows nothing of
	// judging, but its answer to a problem about Maria begins with her name, of which the stop text leaves the M of a
	// verdict; the answers are shown only where they are shorter than any.
	settings := judge.Defaults()
	settings.System = ""
	settings.Template = "{{if gt (len .First) 9}}Maria has 3 apples. Maria buys 4 more apples. How many apples does " +
		"Maria have?{{else}}{{.Instruction}} {{.First}} {{.Second}}{{end}}"
	settings.Sampling.MaxTokens, settings.Sampling.Stop = 8, []string{"aria"}
	few := []int{0, 1, 2, 3}
	_, scores, err := judge.Compare(ctx, run, "M0-M0", served, theirs.Subset(few), ours.Subset(few), settings)
	check(t, err)
	t.Logf("the judge's scores\n%v", scores)
	if verdicts := slices.Compact(scores.Col("verdicts").Records()); !slices.Equal(verdicts, []string{"words"}) {
		t.Errorf("verdicts are %q, expected words", verdicts)
	}
}

// llama.cpp, which node-llama-cpp contains, tokenizes texts equally and continues them greedily with the same tokens,
// for a model of each family.
func TestLlamaCpp(t *testing.T) {
	modules := os.Getenv("LIDR_LLAMA_CPP")
	if modules == "" {
		t.Skip("LIDR_LLAMA_CPP is not set; make test-servers installs node-llama-cpp and sets it, where node is there")
	}
	type job struct {
		File    string   `json:"file"`
		Tokens  int      `json:"tokens"`
		Prompts []string `json:"prompts"`
	}
	type continuation struct{ IDs, Next []int }
	const tokens = 24
	folder := t.TempDir()
	var jobs []job
	var want [][]continuation
	for _, family := range families(t) {
		file := filepath.Join(folder, family.name+".gguf")
		var b bytes.Buffer
		check(t, gguf.Write(&b, family.ck, family.tok, family.name, "f32"))
		check(t, os.WriteFile(file, b.Bytes(), 0o644))
		after := newLogits(t, family.ck)
		j := job{File: file, Tokens: tokens}
		var continuations []continuation
		for _, content := range []string{"Tom has 3 apples and buys 42 more. How many apples does he have?",
			"  Wie viele Äpfel hat er?\n\n\tDie Antwort ist 1000000.", "Сколько яблок у него теперь? 🍏",
			"it's THEY'RE  1234567, 你好 नमस्ते"} {
			text, err := family.tok.RenderChat([]tokenizer.Message{{Role: "user", Content: content}}, true)
			check(t, err)
			c := continuation{IDs: family.tok.Encode(text)}
			for ids := c.IDs; len(c.Next) < tokens && (len(c.Next) == 0 || ids[len(ids)-1] != family.tok.EOS()[0]); {
				next := likeliest(after(ids))
				ids, c.Next = append(ids[:len(ids):len(ids)], next), append(c.Next, next)
			}
			j.Prompts, continuations = append(j.Prompts, text), append(continuations, c)
		}
		jobs, want = append(jobs, j), append(want, continuations)
	}
	list, err := json.Marshal(jobs)
	check(t, err)
	file := filepath.Join(folder, "jobs.json")
	check(t, os.WriteFile(file, list, 0o644))
	node := exec.Command("node", "testdata/llamacpp.mjs", modules, file)
	node.Stderr = os.Stderr
	out, err := node.Output()
	check(t, err)
	var got [][]continuation
	check(t, json.Unmarshal(out, &got))
	for f, j := range jobs {
		for i, text := range j.Prompts {
			if !slices.Equal(got[f][i].IDs, want[f][i].IDs) {
				t.Errorf("%s: %q has tokens\n%v there\n%v here", filepath.Base(j.File), text, got[f][i].IDs, want[f][i].IDs)
			} else if !slices.Equal(got[f][i].Next, want[f][i].Next) {
				t.Errorf("%s: %q goes on with\n%v there\n%v here", filepath.Base(j.File), text, got[f][i].Next, want[f][i].Next)
			}
		}
	}
}

type family struct {
	name string
	ck   *checkpoint.Checkpoint
	tok  *tokenizer.Tokenizer
}

// families are the miniature and a small random model of each kind, norms and biases included.
func families(t *testing.T) []family {
	t.Helper()
	ck, err := checkpoint.Load(miniature.M0())
	check(t, err)
	tok, err := tokenizer.Load(miniature.M0())
	check(t, err)
	out := []family{{"miniature", ck, tok}}
	scaling := &checkpoint.RopeScaling{RopeType: "llama3", Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4,
		OriginalMaxPositionEmbeddings: 64}
	for i, f := range []struct {
		name, folder string
		config       checkpoint.Config
	}{
		{"llama3", "llama3", checkpoint.Config{ModelType: "llama", RopeTheta: 500000, RopeScaling: scaling,
			NumKeyValueHeads: 2}},
		{"biased-llama", "llama3", checkpoint.Config{ModelType: "llama", RopeTheta: 10000, AttentionBias: true,
			NumKeyValueHeads: 4}},
		{"qwen2", "qwen2", checkpoint.Config{ModelType: "qwen2", RopeTheta: 1000000, TieWordEmbeddings: true,
			NumKeyValueHeads: 1}},
		{"qwen3", "qwen2", checkpoint.Config{ModelType: "qwen3", RopeTheta: 1000000, NumKeyValueHeads: 2}},
		{"mistral", "mistral", checkpoint.Config{ModelType: "mistral", RopeTheta: 10000, NumKeyValueHeads: 2}},
		{"llama2", "llama2", checkpoint.Config{ModelType: "llama", RopeTheta: 10000, NumKeyValueHeads: 4}},
		{"gemma2", "qwen2", parsed(t, `"model_type":"gemma2","architectures":["Gemma2ForCausalLM"],"sliding_window":16,
			"query_pre_attn_scalar":16`)},
		{"gemma3", "qwen2", parsed(t, `"model_type":"gemma3_text","architectures":["Gemma3ForCausalLM"],"sliding_window":16,
			"query_pre_attn_scalar":16,"rope_local_base_freq":10000,"rope_scaling":{"rope_type":"linear","factor":8.0}`)},
		{"smollm3", "llama3", parsed(t, `"model_type":"smollm3","architectures":["SmolLM3ForCausalLM"]`)},
		{"granite", "llama3", parsed(t, `"model_type":"granite","architectures":["GraniteForCausalLM"],
			"attention_multiplier":0.125,"embedding_multiplier":12.0,"residual_multiplier":0.22,"logits_scaling":8.0`)},
		{"olmo2", "qwen2", parsed(t, `"model_type":"olmo2","architectures":["Olmo2ForCausalLM"]`)},
		{"command-r", "qwen2", parsed(t, `"model_type":"cohere","architectures":["CohereForCausalLM"],"logit_scale":0.0625`)},
		{"cohere2", "qwen2", parsed(t, `"model_type":"cohere2","architectures":["Cohere2ForCausalLM"],"logit_scale":0.25,
			"sliding_window":16`)},
		// A name with "phi3" would make llama.cpp look for the tokens of Phi-3's own vocabulary.
		{"phi-longrope", "qwen2", parsed(t, `"model_type":"phi3","architectures":["Phi3ForCausalLM"],"sliding_window":null,
			"partial_rotary_factor":0.75,"original_max_position_embeddings":512,"max_position_embeddings":4096,
			"rope_scaling":{"type":"longrope","short_factor":[1,1.05,1.1,1.2,1.3,1.4],"long_factor":[1,1.5,2.25,3,4.5,7]}`)},
	} {
		c := f.config
		if c.HiddenSize == 0 {
			c.HiddenSize, c.NumHiddenLayers, c.NumAttentionHeads, c.HeadDim, c.IntermediateSize = 64, 2, 4, 16, 96
			c.VocabSize, c.MaxPositionEmbeddings, c.RMSNormEps, c.BOSTokenID = 1024, 512, 1e-5, -1
		}
		ck, err := transformer.Init(c, int64(i)).Checkpoint()
		check(t, err)
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for _, tensor := range ck.Tensors {
			if len(tensor.Shape) == 1 {
				values, err := tensor.Float32s() // its own memory
				check(t, err)
				for k := range values {
					values[k] += float32(r.NormFloat64()) / 4
				}
			}
		}
		files := fstest.MapFS{}
		for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
			ck.Files[name], err = os.ReadFile(filepath.Join("..", "tokenizer", "testdata", f.folder, name))
			check(t, err)
			if name == "tokenizer.json" && strings.Contains(string(ck.Files[name]), `"byte_fallback":true`) {
				ck.Files[name] = complete(t, ck.Files[name])
			}
			files[name] = &fstest.MapFile{Data: ck.Files[name]}
		}
		tok, err := tokenizer.Load(files)
		check(t, err)
		out = append(out, family{f.name, ck, tok})
	}
	return out
}

// parsed reads the rest of a config.json, which is small.
func parsed(t *testing.T, keys string) checkpoint.Config {
	t.Helper()
	eps := `"rms_norm_eps":1e-5`
	if strings.Contains(keys, "Cohere") {
		eps = `"layer_norm_eps":1e-5`
	}
	if !strings.Contains(keys, "max_position_embeddings") {
		eps += `,"max_position_embeddings":512`
	}
	c, err := checkpoint.ParseConfig([]byte(`{"hidden_size":64,"num_hidden_layers":8,"num_attention_heads":4,
		"num_key_value_heads":2,"head_dim":16,"intermediate_size":96,"vocab_size":1024,"rope_theta":10000,
		"pad_token_id":null,"bos_token_id":null,"eos_token_id":null,` + eps + "," + keys + "}"))
	check(t, err)
	return c
}

// complete adds the missing merges of each token, since lists that were converted from SentencePiece have them all.
func complete(t *testing.T, file []byte) []byte {
	t.Helper()
	var all, parts map[string]json.RawMessage
	var vocabulary map[string]int
	var merges []any // "a b", or two strings
	var out [][2]string
	check(t, json.Unmarshal(file, &all))
	check(t, json.Unmarshal(all["model"], &parts))
	check(t, json.Unmarshal(parts["vocab"], &vocabulary))
	check(t, json.Unmarshal(parts["merges"], &merges))
	seen := map[string]bool{}
	for _, m := range merges {
		var text string
		switch m := m.(type) {
		case string:
			text = strings.Replace(m, " ", "", 1)
		case []any:
			text = m[0].(string) + m[1].(string)
		}
		if seen[text] {
			continue
		}
		seen[text] = true
		for i := range text {
			_, left := vocabulary[text[:i]]
			_, right := vocabulary[text[i:]]
			if left && right {
				out = append(out, [2]string{text[:i], text[i:]})
			}
		}
	}
	var err error
	parts["merges"], err = json.Marshal(out)
	check(t, err)
	all["model"], err = json.Marshal(parts)
	check(t, err)
	file, err = json.Marshal(all)
	check(t, err)
	return file
}

// compare counts equal answers and explains each different one by the local engine's logits where the two diverge.
func compare(t *testing.T, ours, theirs dataframe.DataFrame) (equal int) {
	t.Helper()
	ck, err := checkpoint.Load(miniature.M0())
	check(t, err)
	tok, err := tokenizer.Load(miniature.M0())
	check(t, err)
	after := newLogits(t, ck)
	our, their := ours.Col("response").Records(), theirs.Col("response").Records()
	for i, prompt := range ours.Col("prompt").Records() {
		if our[i] == their[i] {
			equal++
			continue
		}
		ids, err := tok.EncodeChat([]tokenizer.Message{{Role: "user", Content: prompt}}, true, "")
		check(t, err)
		t.Logf("%s in %s: %s\nhere:  %q\nthere: %q", ours.Col("id").Records()[i], ours.Col("lang").Records()[i],
			parting(tok, after, ids, their[i]), our[i], their[i])
	}
	return equal
}

// parting follows the local engine from the prompt ids to the first token in which the other answer differs, and
// returns both tokens with their logits.
func parting(tok *tokenizer.Tokenizer, after func(ids []int) []float32, ids []int, other string) string {
	for n := 1; ; n++ {
		logits := after(ids)
		next := likeliest(logits)
		rest, ok := strings.CutPrefix(other, string(tok.DecodeBytes([]int{next})))
		if ok && next != tok.EOS()[0] {
			other, ids = rest, append(ids, next)
			continue
		}
		spelled, note := tok.DecodeBytes([]int{next}), ""
		if !utf8.Valid(spelled) {
			note = "; it is half a character, which Ollama drops with the text that it came with"
		}
		instead := append(tok.EncodeContent(other), tok.EOS()[0])[0]
		return fmt.Sprintf("token %d is %q here (logit %.4f) and %q there (%.4f), gap %.4f%s", n,
			spelled, logits[next], tok.DecodeBytes([]int{instead}), logits[instead], logits[next]-logits[instead], note)
	}
}

// newLogits returns the local engine's logits of the token after ids.
func newLogits(t *testing.T, ck *checkpoint.Checkpoint) func(ids []int) []float32 {
	t.Helper()
	weights, err := transformer.New(ck)
	check(t, err)
	engine, err := backend.Open("")
	check(t, err)
	exec := model.MustNewExec(engine, weights.Store, func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		h := weights.Hidden(scope, in[0])
		row := graph.Gather(graph.Squeeze(h, 0), graph.Reshape(in[1], 1, 1))
		return []*graph.Node{weights.Head(scope, row)}
	}).SetMaxCache(-1)
	return func(ids []int) []float32 {
		row := make([]int32, (len(ids)+63)/64*64) // few shapes, and so few graphs
		for i, id := range ids {
			row[i] = int32(id)
		}
		out, err := exec.Call([][]int32{row}, int32(len(ids)-1))
		check(t, err)
		logits, err := tensors.CopyFlatData[float32](out[0])
		check(t, err)
		return logits
	}
}

func likeliest(logits []float32) int { return slices.Index(logits, slices.Max(logits)) }

// ollama is a server that ends with the test.
type ollama struct {
	url string
	run func(arguments ...string)
}

func startOllama(t *testing.T, binary string) ollama {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	address := listener.Addr().String()
	check(t, listener.Close())
	folder := t.TempDir()
	environment := append(os.Environ(), "OLLAMA_HOST="+address, "OLLAMA_MODELS="+filepath.Join(folder, "models"),
		"HOME="+folder,
		"OLLAMA_NUM_PARALLEL=1", "OLLAMA_NEW_ENGINE=false")
	log, err := os.Create(filepath.Join(folder, "server.log"))
	check(t, err)
	serve := exec.Command(binary, "serve")
	serve.Env, serve.Stdout, serve.Stderr = environment, log, log
	check(t, serve.Start())
	t.Cleanup(func() {
		serve.Process.Signal(os.Interrupt)
		serve.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the server's last words:\n%s", text[max(0, len(text)-4000):])
		}
		log.Close()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if response, err := http.Get("http://" + address + "/api/version"); err == nil {
			response.Body.Close()
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("Ollama does not answer: %v", err)
		}
	}
	return ollama{"http://" + address, func(arguments ...string) {
		t.Helper()
		command := exec.Command(binary, arguments...)
		command.Env = environment
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("ollama %s: %v\n%s", strings.Join(arguments, " "), err, out)
		}
	}}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
