package choices

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/lidrtest"
)

// harnessItem is what lm-eval says of an item: log-likelihood and greediness of each choice, and its metrics.
type harnessItem struct {
	Choices [][2]any
	Metrics map[string]float64
}

func (h harnessItem) loglik(k int) float64 { return h.Choices[k][0].(float64) }

// lm-eval's own tasks on the same files: what its model hf computes, and what it computes over lidr serve, and what Ask
// computes, are the same log-likelihoods and verdicts. The last question of m_arc does not fit into the context.
func TestPeersHarness(t *testing.T) {
	peer := lidrtest.OpenPeer(t, "training", "lm_eval")
	folder := okapi(t)
	edit := func(path string, change func(text string) string) {
		t.Helper()
		path = filepath.Join(folder, path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(change(string(text))), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	edit("m_arc/de_test.jsonl", func(text string) string {
		long := strings.Repeat("Anna hat Äpfel. ", 700)
		return strings.ReplaceAll(text, `"option_d": null`, `"option_d": null, "option_e": null`) + // it must be there
			`{"id": "long", "instruction": "` + long + `", "option_a": "eine Zahl", "option_b": "ein Apfel", "option_c": ` +
			`"Anna", "option_d": "zwölf Äpfel und noch einer", "option_e": null, "answer": "A"}` + "\n"
	})
	edit("m_hellaswag/de_validation.jsonl", func(text string) string { // an empty choice of the first question stops it
		return `{"ind": 9, "activity_label": "Kaufen", "ctx_a": "Tom [title] hat  Äpfel.", "ctx_b": "er", "endings": ` +
			`["isst.", "[header] geht.", "schläft", "Haus"], "label": "0"}` + "\n" + text
	})
	texts := ""
	for i, p := range miniature.Problems("eval", 8, 2) {
		line, err := json.Marshal(map[string]string{
			"text": strings.Repeat(p.Prompt("de")+" "+p.Answer("en")+"\n", 1+9*(i%3)),
		})
		if err != nil {
			t.Fatal(err)
		}
		texts += string(line) + "\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "texts.jsonl"), []byte(texts), 0o666); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(t.TempDir(), "miniature")
	if err := os.CopyFS(model, miniature.M0()); err != nil {
		t.Fatal(err)
	}
	harness := func(kind string, arguments map[string]any) (out map[string][]harnessItem) {
		t.Helper()
		args, err := json.Marshal(arguments)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(peer.Run(t, "testdata/peers/harness.py", folder, kind, string(args)), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}

	run, m0 := open(t)
	if _, err := Ask(t.Context(), run, m0, folder, Settings{MMLUShots: 2}); err != nil {
		t.Fatal(err)
	}
	address, _ := serveModel(t, m0)
	hf := harness("hf", map[string]any{"pretrained": model, "dtype": "float32"})
	over := harness("local-completions", map[string]any{"model": "miniature", "base_url": address + "/v1/completions",
		"tokenizer": model, "num_concurrent": 4, "max_length": 2048})

	ours := map[string][]harnessItem{}
	for _, suite := range []string{"m_mmlu", "m_hellaswag", "m_arc", "m_truthfulqa"} { // of which harness.py has tasks
		answers, err := readAnswers(run, "M0", suite)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			if a.Lang != "de" {
				continue
			}
			if suite == "m_truthfulqa" {
				ours["mc1"] = append(ours["mc1"], said(a.Logprobs, map[string]float64{"acc": a.Scores["mc1"]}))
				ours["mc2"] = append(ours["mc2"], said(a.MC2Logprobs, map[string]float64{"acc": a.Scores["mc2"]}))
				continue
			}
			ours[suite] = append(ours[suite], said(a.Logprobs, a.Scores))
		}
	}

	for what, other := range map[string]map[string][]harnessItem{
		"its model local-completions over lidr serve beside its model hf": over, "choices.Ask beside its model hf": ours,
	} {
		var loglik, verdicts, greedy, long float64
		for name, items := range other {
			if len(items) != len(hf[name]) || len(items) < 4 {
				t.Fatalf("%s: %d items, and %d of hf", name, len(items), len(hf[name]))
			}
			if name == "perplexity" {
				continue
			}
			for i, item := range items {
				difference := 0.0
				for k, choice := range item.Choices {
					difference = max(difference, math.Abs(item.loglik(k)-hf[name][i].loglik(k)))
					if choice[1] != nil && choice[1] != hf[name][i].Choices[k][1] {
						greedy++
					}
				}
				for metric, value := range item.Metrics {
					if !(math.Abs(value-hf[name][i].Metrics[metric]) <= 1e-4) {
						t.Logf("%s, question %d: %s %v, and %v by hf", name, i, metric, value, hf[name][i].Metrics[metric])
						verdicts++
					}
				}
				if name == "m_arc" && i == len(items)-1 {
					long = difference
				} else {
					loglik = max(loglik, difference)
				}
			}
		}
		peer.Within(t, what+": log-likelihoods of the choices of m_mmlu (2 shots), m_hellaswag, m_arc, mc1 and mc2", loglik,
			1e-4)
		peer.Within(t, what+": verdicts of these items, mc2's to 1e-4", verdicts, 0)
		peer.Differs(t, what+": the same of a question longer than the context of 2,048 tokens", long,
			"hf keeps the last 2,049 tokens of question and choice, local-completions the last 2,047, and Ask cuts the "+
				"question at one place for all its choices, so that the longest has 2,048")
		if what[:3] == "its" {
			peer.Within(t, what+": choices that are the greedy ones", greedy, 0)
		}
	}
	perplexity := 0.0
	last := len(hf["perplexity"]) - 1
	for metric, value := range hf["perplexity"][last].Metrics {
		perplexity = max(perplexity, math.Abs(over["perplexity"][last].Metrics[metric]/value-1))
	}
	for i, text := range hf["perplexity"][:last] {
		perplexity = max(perplexity, math.Abs(over["perplexity"][i].loglik(0)/text.loglik(0)-1))
	}
	peer.Within(t, "its model local-completions over lidr serve beside its model hf: perplexities by word and byte, and "+
		"the log-likelihoods of 8 texts, relative", perplexity, 1e-4)
}

// said is an item of ours in the harness's form; whether a choice is the greedy one is not asked.
func said(logprobs []float64, scores map[string]float64) harnessItem {
	item := harnessItem{Metrics: scores}
	for _, p := range logprobs {
		item.Choices = append(item.Choices, [2]any{p, nil})
	}
	return item
}
