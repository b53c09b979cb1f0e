package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-gota/gota/dataframe"
	"github.com/spf13/cobra"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/serve"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/trial"
)

// realModel names the model of TestReal: a GGUF file or a folder.
const realModel = "LIDR_REAL_MODEL"

// realFixture is what transformers answers for a model, which testdata/real/real.py wrote.
type realFixture struct {
	File         string
	Transformers string
	Torch        string
	VocabSize    int          `json:"vocab_size"`
	HiddenSize   int          `json:"hidden_size"`
	Layers       int          `json:"num_hidden_layers"`
	MaxNewTokens int          `json:"max_new_tokens"`
	SHA256       string       `json:"sha256"`
	Answers      []realAnswer `json:"answers"`
}

type realAnswer struct {
	Lang, Prompt, Text string
	IDs                []int
	Tokens             []int
	Gap                float64 // the smallest, of the best and the second-best logit
}

// A real model goes through everything that the method does with one, as a user has it: a GGUF file, or a folder. `make
// test-real` fetches SmolLM2 for it. Its greedy answers to 16 prompts in 12 languages are those of transformers in
// float32.
func TestReal(t *testing.T) {
	path := os.Getenv(realModel)
	if path == "" {
		t.Skip("needs " + realModel + "; make test-real fetches one")
	}
	began := time.Now()
	lap := func(what string) { t.Logf("%5.1f s: %s", time.Since(began).Seconds(), what) }
	m, err := lidr.LoadModel(path)
	if err != nil {
		t.Fatal(err)
	}
	if fixture := fixtureOf(t, path, m); fixture != nil {
		sameAnswers(t, m, fixture)
		lap("greedy answers beside transformers'")
	}
	if m.Tokenizer().ChatTemplate() == "" {
		t.Log("a base model: without a chat template, there is nothing to do but to compare it")
		return
	}
	dir := t.TempDir()
	folder := path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		folder = filepath.Join(dir, "imported")
		command(t, importCommand(), path, folder)
		if m, err = lidr.LoadModel(folder); err != nil {
			t.Fatal(err)
		}
		lap("lidr import")
	}
	command(t, doctorCommand(), folder)
	lap("lidr doctor")
	pairs, run := realPairs(t, dir, m)
	lap("prompts, answers, translations and pairs")
	realTraining(t, run, m, pairs)
	lap("a step of all weights")
	s := realSettings()
	s.Train.LoRA = lidr.LoRASettings{Rank: 4, Alpha: 8}
	s.Train.LR = loraLR["paper"]
	trained := realTraining(t, openRun(t, filepath.Join(dir, "lora"), s), m, pairs)
	lap("a step of LoRA")
	scores, err := lidr.Evaluate(t.Context(), run, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("scores of %s:\n%s", m.Name(), scores)
	lap("evaluation")
	realTrial(t, folder)
	lap("a trial of four prompts: its forecast, its translations, a round and every measure")
	served(t, trained)
	lap("an answer over HTTP")
	writtenAgain(t, dir, folder, m)
	lap("lidr gguf, read back")
}

func realSettings() lidr.Settings {
	s := lidr.PaperSettings()
	s.Preset, s.Rounds, s.Trained, s.Unseen = "real", 1, []string{"es", "de"}, nil
	s.Prompts.Source, s.Prompts.N = "testdata/real/prompts", 2
	s.Evaluate.Source, s.Evaluate.N = "testdata/real/eval", 2
	s.Generate.Sampling.MaxTokens, s.Translate.Sampling.MaxTokens = 40, 60
	s.Pairs.SameLanguage, s.Pairs.DropIdentical = true, true
	s.Train.BatchPairs, s.Train.Epochs = 8, 1
	return s
}

func openRun(t *testing.T, dir string, s lidr.Settings) *lidr.Run {
	t.Helper()
	run, err := lidr.Open(dir, s, lidr.WithProgress(lidr.ProgressLines(stdout)))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// realPairs returns the model's own pairs, or where the filters leave none, eight of a file.
func realPairs(t *testing.T, dir string, m *lidr.Model) (dataframe.DataFrame, *lidr.Run) {
	t.Helper()
	run, ctx := openRun(t, filepath.Join(dir, "full"), realSettings()), t.Context()
	prompts, err := lidr.Prompts(ctx, run, m)
	if err != nil {
		t.Fatal(err)
	}
	responses, err := lidr.Generate(ctx, run, m, prompts)
	if err != nil {
		t.Fatal(err)
	}
	translations, err := lidr.Translate(ctx, run, m, responses)
	if err != nil {
		t.Fatal(err)
	}
	pairs, counts, err := lidr.Pairs(ctx, run, m, responses, translations)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("pairs:\n%s", counts)
	if pairs.Nrow() > 0 {
		t.Logf("training takes %d pairs of the model's own", pairs.Nrow())
		return pairs, run
	}
	const file = "testdata/real/pairs.jsonl"
	t.Logf("none of the model's own translations passed the filters: training takes the eight pairs of %s", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rows []lidr.Pair
	for lines := json.NewDecoder(bytes.NewReader(data)); lines.More(); {
		var row lidr.Pair
		if err := lines.Decode(&row); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		rows = append(rows, row)
	}
	return datasets.Frame(rows), run
}

// realTraining trains one step.
func realTraining(t *testing.T, run *lidr.Run, m *lidr.Model, pairs dataframe.DataFrame) *lidr.Model {
	t.Helper()
	next, steps, err := lidr.Train(t.Context(), run, m, pairs)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("training:\n%s", steps)
	if steps.Nrow() != 1 || next.Fingerprint() == m.Fingerprint() {
		t.Errorf("%d steps were taken, expected one that changes the model", steps.Nrow())
	}
	return next
}

// realTrial is scripts/real_small at -n 4, of instructions and sums that it writes: a probe, the model's translations,
// a round, and every measure before and after it.
func realTrial(t *testing.T, model string) {
	t.Helper()
	data := t.TempDir()
	for lang, sum := range map[string]string{"en": "How much is", "es": "¿Cuánto es"} {
		for _, folder := range []string{"alpagasus", "gsm8k", "mgsm"} {
			var lines strings.Builder
			for i := range 12 {
				answer := ""
				if folder != "alpagasus" {
					answer = fmt.Sprintf(`, "answer": "%d"`, i+2)
				}
				fmt.Fprintf(&lines, `{"id": "%s-%d", "lang": %q, "prompt": "%s %d + 2?"%s}`+"\n", folder, i, lang, sum, i, answer)
			}
			if err := os.MkdirAll(filepath.Join(data, folder), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(data, folder, lang+".jsonl"), []byte(lines.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := trial.Defaults()
	s.Model, s.Data, s.Trained, s.Unseen = model, data, []string{"es"}, nil
	s.N, s.EvalN, s.FreeN, s.Rounds, s.Tokens, s.LoRA = 4, 2, 2, 1, 16, 4
	tr, err := trial.Open(filepath.Join(t.TempDir(), "trial"), s, stdout)
	if err != nil {
		t.Fatal(err)
	}
	cells := []trial.Cell{{Arm: "gold-template", Seed: 1}} // whose pairs need no answer that is whole
	forecast, err := tr.Forecast(t.Context(), cells)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("it will take %s", forecast)
	translations, err := tr.Translations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("translations: %+v", translations)
	if err := tr.Run(t.Context(), cells[0]); err != nil {
		t.Fatal(err)
	}
	results, err := tr.Results()
	if err != nil {
		t.Fatal(err)
	}
	if forecast.Total() <= 0 || len(translations) != 2 || len(results.Parts()) != 1 {
		t.Errorf("forecast %v; translations %+v; results %+v", forecast, translations, results)
	}
}

// served asks the model one question over HTTP.
func served(t *testing.T, m *lidr.Model) {
	t.Helper()
	l, err := serve.Listen(t.Context(), "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := load(m.Path, "", serve.Options{Name: "real", MaxBatch: 2, MaxQueue: 2})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go s.Serve(ctx, l)
	const question = `{"model":"real","max_tokens":16,"temperature":0,` +
		`"messages":[{"role":"user","content":"¿Qué es el pan?"}]}`
	response, err := http.Post(fmt.Sprintf("http://%s/v1/chat/completions", l.Addr()), "application/json",
		strings.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	var answer struct {
		Choices []struct{ Message struct{ Content string } }
	}
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	if err != nil || response.StatusCode != http.StatusOK || len(answer.Choices) != 1 ||
		answer.Choices[0].Message.Content == "" {
		t.Errorf("the server answers %s with %s (%v)", response.Status, body, err)
	}
}

// writtenAgain writes the folder's model as GGUF: read back, it answers the same.
func writtenAgain(t *testing.T, dir, folder string, m *lidr.Model) {
	t.Helper()
	out := filepath.Join(dir, "gguf")
	command(t, ggufCommand(), folder, "--out", out, "--type", "bf16")
	files, err := filepath.Glob(filepath.Join(out, "*.gguf"))
	if err != nil || len(files) != 1 {
		t.Fatalf("lidr gguf wrote %v (%v)", files, err)
	}
	again, err := lidr.LoadModel(files[0])
	if err != nil {
		t.Fatal(err)
	}
	ids, err := m.Tokenizer().EncodeChat([]tokenizer.Message{{Role: "user", Content: "¿Qué es el pan?"}}, true, "")
	if err != nil {
		t.Fatal(err)
	}
	answers := [2][]int{}
	for i, model := range []*lidr.Model{m, again} {
		answers[i] = greedy(t, model, [][]int{ids}, 16)[0]
	}
	if !slices.Equal(answers[0], answers[1]) {
		t.Errorf("the model says %d, and read back from GGUF %d", answers[0], answers[1])
	}
}

// fixtureOf returns the fixture of the model, nil if there is none.
func fixtureOf(t *testing.T, path string, m *lidr.Model) *realFixture {
	t.Helper()
	names, err := filepath.Glob("testdata/real/*.json")
	if err != nil {
		t.Fatal(err)
	}
	c, sum := m.Checkpoint().Config, ""
	if strings.HasSuffix(path, ".gguf") {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		hash := sha256.New()
		if _, err := io.Copy(hash, file); err != nil {
			t.Fatal(err)
		}
		sum = hex.EncodeToString(hash.Sum(nil))
	} else if c.TorchDType != "float32" {
		t.Logf("%s holds %s, and the fixtures are of float32: nothing to compare", path, c.TorchDType)
		return nil
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f realFixture
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sizes := f.VocabSize == c.VocabSize && f.HiddenSize == c.HiddenSize && f.Layers == c.NumHiddenLayers
		if sum == f.SHA256 || sum == "" && sizes {
			return &f
		}
	}
	t.Logf("no fixture is of %s: nothing to compare", path)
	return nil
}

// sameAnswers compares the tokens of prompts, and the greedy ones of answers.
func sameAnswers(t *testing.T, m *lidr.Model, f *realFixture) {
	t.Helper()
	var prompts [][]int
	for _, a := range f.Answers {
		prompts = append(prompts, a.IDs)
		ids := m.Tokenizer().EncodeDocument(a.Prompt)
		if m.Tokenizer().ChatTemplate() != "" {
			var err error
			ids, err = m.Tokenizer().EncodeChat([]tokenizer.Message{{Role: "user", Content: a.Prompt}}, true, "")
			if err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(ids, a.IDs) {
			t.Errorf("%s: %q is %d, by transformers %d", a.Lang, a.Prompt, ids, a.IDs)
		}
	}
	equal, tokens := 0, 0
	for i, got := range greedy(t, m, prompts, f.MaxNewTokens) {
		a := f.Answers[i]
		tokens += len(a.Tokens)
		if slices.Equal(got, a.Tokens) {
			equal++
			continue
		}
		t.Errorf("%s: %q is answered\n%q, by transformers\n%q; its closest choice had a gap of %g", a.Lang, a.Prompt,
			m.Tokenizer().Decode(got), m.Tokenizer().Decode(a.Tokens), a.Gap)
	}
	t.Logf("%d of %d greedy answers, %d tokens, are those of transformers %s with torch %s in float32", equal,
		len(f.Answers), tokens, f.Transformers, f.Torch)
}

// greedy returns the likeliest tokens after each prompt, the one that ends the answer among them.
func greedy(t *testing.T, m *lidr.Model, prompts [][]int, most int) [][]int {
	t.Helper()
	b := local.New(m.Engine(), m.Weights(), m.Tokenizer()).NewBatcher(len(prompts), 1<<33, local.PromptPiece)
	defer b.Close()
	var streams []*local.Stream
	for _, ids := range prompts {
		s, err := b.Submit(t.Context(), local.Query{Prompt: ids, Sampling: lm.Sampling{MaxTokens: most}})
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	answers := make([][]int, len(prompts))
	for i, s := range streams {
		for {
			piece, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			for _, token := range piece.Tokens {
				answers[i] = append(answers[i], token.ID)
			}
			if piece.Finish != "" {
				break
			}
		}
	}
	return answers
}

// command runs a command of lidr in this process.
func command(t *testing.T, cmd *cobra.Command, args ...string) {
	t.Helper()
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("lidr %s %q: %v", cmd.Name(), args, err)
	}
}
