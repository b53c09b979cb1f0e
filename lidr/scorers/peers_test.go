package scorers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/tokenizer"
)

// TestPeersScorers compares the scorers that read a model with the papers' formulas on what transformers computes: on
// 20 samples to ten French prompts, Llama 3's published answers, one in French and one in English, beside its English
// answer. The authors' own scripts are in no package.
func TestPeersScorers(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "training", "transformers")
	data := os.Getenv("LIDR_DATA")
	if data == "" {
		t.Skip("LIDR_DATA is not set: the samples are published answers")
	}
	answers := published(t, data)
	t.Run("miniature", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "miniature")
		if err := os.CopyFS(folder, miniature.M0()); err != nil {
			t.Fatal(err)
		}
		compareScorers(t, peer, "the miniature", folder, answers)
	})
	t.Run("SmolLM2-135M", func(t *testing.T) {
		folder := "../../bin/real/smollm2/bf16"
		if _, err := os.Stat(folder); err != nil {
			t.Skipf("%v; make bench-peers makes it", err)
		}
		compareScorers(t, peer, "SmolLM2-135M", folder, answers)
	})
}

func compareScorers(t *testing.T, peer lidrtest.Peer, name, model string, published []answer) {
	t.Helper()
	s := lidr.PaperSettings()
	s.Trained, s.Unseen, s.Evaluate.Source, s.Prompts.Source = []string{"fr"}, nil, "", "miniature"
	s.Generate.Sampling.MaxTokens, s.Translate.Sampling.MaxTokens = 512, 512
	run, err := lidr.Open(filepath.Join(t.TempDir(), "run"), s)
	if err != nil {
		t.Fatal(err)
	}
	m, err := lidr.LoadModel(model)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Messages  []tokenizer.Message `json:"messages"`
		Answer    string              `json:"answer"`
		Translate []tokenizer.Message `json:"translate"`
	}
	type prompt struct {
		English []row `json:"english"`
		Samples []row `json:"samples"`
	}
	var asked []prompt
	var samples []datasets.Response
	for i, a := range published {
		p := prompt{}
		for _, of := range []datasets.Response{
			{Lang: "en", Prompt: a.prompt, Response: a.english},
			{Lang: "fr", Prompt: a.french, Response: a.translated},
			{Lang: "fr", Prompt: a.french, Response: a.english, Sample: 1},
		} {
			of.ID, of.FinishReason = fmt.Sprint(i), "stop"
			samples = append(samples, of)
			r := row{Answer: of.Response}
			if r.Messages, err = s.Generate.Messages(of.Prompt, of.Lang); err != nil {
				t.Fatal(err)
			}
			if of.Lang == "en" {
				p.English = append(p.English, r)
				continue
			}
			if r.Translate, err = s.Translate.Messages(of.Response, "fr", "en"); err != nil {
				t.Fatal(err)
			}
			p.Samples = append(p.Samples, r)
		}
		asked = append(asked, p)
	}
	path := filepath.Join(t.TempDir(), "case.json")
	if err := ledger.WriteJSON(path, map[string]any{"prompts": asked, "prefill": s.Translate.Prefill}); err != nil {
		t.Fatal(err)
	}
	var theirs []map[string]float64
	if err := json.Unmarshal(peer.Run(t, "testdata/peers/scorers.py", model, path), &theirs); err != nil {
		t.Fatal(err)
	}
	compare := func(scorer lidr.Scorer, parts map[string]string) {
		t.Helper()
		scores, err := scorer.Score(t.Context(), run, m, samples)
		if err != nil {
			t.Fatal(err)
		}
		worst, n := 0.0, 0
		for i, of := range samples {
			if of.Lang == "en" {
				continue
			}
			for part, name := range parts {
				got := scores[i].Score
				if part != "" {
					got = scores[i].Part(part)
				}
				want := theirs[n][name]
				worst = math.Max(worst, math.Abs(got-want)/math.Max(1, math.Abs(want)))
			}
			n++
		}
		peer.Within(t, fmt.Sprintf("scorer %s of %s on %d answers of Llama 3, beside its formula", scorer.Name(), name, n),
			worst, 1e-4)
	}
	compare(Hidden{}, map[string]string{"": "hidden", "similarity": "similarity", "gap": "gap"})
	compare(MAPO{Translator: m}, map[string]string{"": "mapo"})
	if len(theirs) != 20 {
		t.Errorf("%d samples were compared, expected 20", len(theirs))
	}
}

// answer is a published answer in English and its translation, to a prompt in both languages.
type answer struct{ prompt, french, english, translated string }

func published(t *testing.T, data string) (answers []answer) {
	t.Helper()
	type line struct {
		ID, Instruction, Prompt, Response string
		French                            string `json:"en2fr_reponse"`
	}
	read := func(path ...string) (lines []line) {
		content, err := os.ReadFile(filepath.Join(append([]string{data}, path...)...))
		if err != nil {
			t.Skip(err)
		}
		for dec := json.NewDecoder(bytes.NewReader(content)); dec.More(); {
			var l line
			if err := dec.Decode(&l); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			lines = append(lines, l)
		}
		return lines
	}
	french := map[string]string{}
	for _, l := range read("alpagasus", "id_0_1000", "fr.jsonl") {
		french[l.ID] = l.Instruction
	}
	for _, l := range read("llama3-m0", "en.to_fr.jsonl") {
		if n := len(l.Response) + len(l.French); l.French != "" && n > 200 && n < 420 && french[l.ID] != "" {
			answers = append(answers, answer{l.Prompt, french[l.ID], l.Response, l.French})
		}
		if len(answers) == 10 {
			return answers
		}
	}
	t.Fatalf("%s has %d answers of the lengths, expected 10", data, len(answers))
	return nil
}
