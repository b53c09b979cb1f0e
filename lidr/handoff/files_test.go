package handoff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// The files that the programs read are those of testdata/golden, byte for byte.
func TestFiles(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*lidr.Settings) Trainer{
		"llama-factory": func(*lidr.Settings) Trainer { return LlamaFactory() },
		"llama-factory-lora": func(s *lidr.Settings) Trainer {
			s.Train.LoRA = lidr.LoRASettings{Rank: 8, Alpha: 16}
			s.Train.Warmup, s.Train.Schedule = 0.1, "constant"
			return LlamaFactory()
		},
		"llama-factory-lora-nodes": func(s *lidr.Settings) Trainer {
			s.Train.LoRA = lidr.LoRASettings{Rank: 8, Alpha: 16, Targets: []string{"q_proj", "v_proj"}}
			s.Train.Objective = "dpo"
			trainer := LlamaFactory()
			s.Train.LabelSmoothing = .1
			trainer.Nodes, trainer.GPUs, trainer.Template = 2, 2, "llama3"
			return trainer
		},
		"llama-factory-sft-cpu": func(s *lidr.Settings) Trainer {
			s.Train.Objective, s.Train.NLL, s.Train.Schedule, s.Train.FinalLR = "sft", "token", "cosine", 0.1
			trainer := LlamaFactory()
			trainer.GPUs = 0
			return trainer
		},
		"trl": func(*lidr.Settings) Trainer { return TRL() },
		"llama-factory-orpo": func(s *lidr.Settings) Trainer {
			s.Train.Loss = "orpo"
			return LlamaFactory()
		},
		"trl-sft-cpu": func(s *lidr.Settings) Trainer {
			s.Train.Objective, s.Train.NLL, s.Train.FinalLR = "sft", "token", 0.1
			trainer := TRL()
			trainer.GPUs, trainer.PerDevice = 0, 2
			return trainer
		},
		"trl-nodes": func(s *lidr.Settings) Trainer {
			s.Train.Objective, s.Generate.System = "dpo", ""
			s.Train.Loss, s.Train.LabelSmoothing = "robust", .1
			trainer := TRL()
			trainer.Nodes, trainer.GPUs, trainer.Base = 2, 1, "meta-llama/Meta-Llama-3-8B-Instruct"
			trainer.ReportTo = "wandb"
			return trainer
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := expressible()
			trainer := change(&s)
			run, m0 := openRun(t, s)
			j := written(t, run, m0, trainer)
			sameFiles(t, j.path(), filepath.Join("testdata", "golden", name))
		})
	}
}

// sameFiles compares a folder with a golden one, which has no handoff.json, whose key depends on the machine, and no
// check.py, which is one file of this package.
func sameFiles(t *testing.T, dir, golden string) {
	t.Helper()
	for _, name := range []string{"handoff.json", "check.py"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	found, wanted := filesBelow(t, dir), filesBelow(t, golden)
	if len(found) != len(wanted) {
		t.Fatalf("wrote %v, want %v", found, wanted)
	}
	for i, path := range wanted {
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(found[i]); err != nil || string(got) != string(want) {
			t.Errorf("%s, error %v, is\n%s\nwant\n%s", found[i], err, got, want)
		}
	}
}

func TestYAMLValue(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		"5.0e-07": 5e-7, "1.0": 1.0, "0.999": 0.999, "1.5e-08": 1.5e-8,
		"[1.0, 0.5]": []float64{1, 0.5}, `["a","b"]`: []string{"a", "b"}, "true": true,
	} {
		if got := yamlValue(value); got != want {
			t.Errorf("yamlValue(%v) = %s, want %s", value, got, want)
		}
	}
}

func TestFindBase(t *testing.T) {
	t.Parallel()
	run, m0 := openRun(t, expressible())
	outside, err := filepath.Abs("../../datasets/miniature/m0")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path, base string // of the model, of the trainer
		seen       string
		saved      bool
	}{
		{"miniature", "", "../../M0/model", true},
		{"org/name@revision", "", "../../M0/model", true}, // the programs take no revision in a name
		{t.TempDir(), "", "../../M0/model", true},         // a folder of an adapter alone
		{"org/name", "", "org/name", false},
		{outside, "", outside, false},
		{"miniature", "../../datasets/miniature/m0", outside, false},
		{"miniature", "org/name", "org/name", false},
		{"miniature", run.Dir, "../../.", false},
	} {
		m := *m0
		m.Path = test.path
		got, err := Trainer{Base: test.base}.findBase(run, &m)
		if err != nil || got.seen != test.seen || got.saved != test.saved {
			t.Errorf("path %q, base %q: found %+v, error %v, want %q", test.path, test.base, got, err, test.seen)
		}
	}
}

func TestTemplateByName(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"meta-llama/Meta-Llama-3-8B-Instruct": "llama3", "meta-llama/Llama-3.1-8B-Instruct": "llama3",
		"meta-llama/Llama-2-7b-chat-hf": "llama2", "Qwen/Qwen2-7B-Instruct": "qwen", "Qwen/Qwen2.5-7B-Instruct": "qwen",
		"Qwen/Qwen3-8B": "qwen3", "Qwen/Qwen3-4B-Instruct-2507": "qwen3_nothink",
		"CohereForAI/aya-23-8B": "cohere", "mistralai/Mistral-7B-Instruct-v0.3": "mistral",
		"CohereForAI/aya-expanse-8b": "cohere", "CohereLabs/c4ai-command-r7b-12-2024": "",
		"google/gemma-2-2b-it": "gemma", "google/gemma-3-1b-it": "gemma", "google/gemma-4-26B-A4B-it": "",
		"HuggingFaceTB/SmolLM-135M-Instruct": "smollm", "HuggingFaceTB/SmolLM2-135M-Instruct": "smollm2",
		"HuggingFaceTB/SmolLM3-3B": "", "ibm-granite/granite-3.3-2b-instruct": "granite3",
		"ibm-granite/granite-4.0-tiny-preview": "granite4", "microsoft/Phi-3-mini-4k-instruct": "phi",
		"microsoft/Phi-4-mini-instruct": "phi4_mini", "microsoft/phi-4": "phi4", "allenai/OLMo-2-0425-1B-Instruct": "",
		"Qwen/Qwen3.5-4B": "", "org/unknown": "",
	} {
		got, err := LlamaFactory().chatTemplate(base{path: model}, nil)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("template of %s is %q, error %v, want %q", model, got, err, want)
		}
	}
}

// A model whose chat template asks whether it is to think is trained by both programs as it was asked: with the empty
// thought before the answer, unless it is to think.
func TestThinkingAsGenerated(t *testing.T) {
	t.Parallel()
	const template = "{%- for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
		"{%- if add_generation_prompt %}<|im_start|>assistant\n" +
		"{%- if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
	folder := templated(t, template)
	for thinking, want := range map[bool]string{false: `assistant<think>\n\n</think>\n\n"`, true: `assistant"`} {
		s := expressible()
		s.Generate.Thinking = thinking
		run, _ := openRun(t, s)
		m0, err := lidr.LoadModel(folder)
		if err != nil {
			t.Fatal(err)
		}
		llamaFactory := LlamaFactory()
		llamaFactory.Template = "qwen3"
		for file, trainer := range map[string]Trainer{"data/train.jsonl": TRL(), "dpo.yaml": llamaFactory} {
			j := written(t, run, m0, trainer)
			text, err := os.ReadFile(j.path(file))
			says := want
			if trainer.Program == programLlamaFactory {
				says = "enable_thinking: false"
				if thinking {
					says = "enable_thinking: true"
				}
			}
			if err != nil || !strings.Contains(string(text), says) {
				t.Errorf("thinking %t: %s holds\n%.300s\nexpected %s; %v", thinking, file, text, says, err)
			}
		}
		tokens, err := lidr.TokenPairs(m0, s, somePairs()[:1])
		if err != nil {
			t.Fatal(err)
		}
		messages, err := s.Generate.Messages(somePairs()[0].Prompt, "de")
		if err != nil {
			t.Fatal(err)
		}
		asked, err := m0.LM().CountTokens(lm.Request{Messages: messages, Thinking: thinking})
		if err != nil || asked != len(tokens[0].Prompt) {
			t.Errorf("thinking %t: trained with %d prompt tokens, generated with %d; %v", thinking, len(tokens[0].Prompt), asked,
				err)
		}
	}
}

// thinker returns a folder of the miniature with a chat template that writes the empty thought before every answer, as
// Qwen3's does, and before one to come only if it is not to think.
func thinker(t *testing.T) string {
	t.Helper()
	const template = "{%- set thought = '<think>\\n\\n</think>\\n\\n' %}" +
		"{%- for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}" +
		"{%- if m.role == 'assistant' %}{{ thought }}{%- endif %}" +
		"{{ m.content + '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}" +
		"{%- if enable_thinking is defined and enable_thinking is false %}{{ thought }}{%- endif %}{%- endif %}"
	return templated(t, template)
}

// templated returns a folder of the miniature with another chat template.
func templated(t *testing.T, template string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "templated")
	if err := os.CopyFS(folder, os.DirFS("../../datasets/miniature/m0")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "chat_template.jinja"), []byte(template), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

// written returns the job of some pairs with its files written.
func written(t *testing.T, run *lidr.Run, m *lidr.Model, trainer Trainer) *job {
	t.Helper()
	j, err := newJob(run, m, trainer)
	if err == nil {
		err = j.take(somePairs())
	}
	if err == nil {
		err = j.write()
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TRL is told not to think where its template can be, and counts no empty thought as part of an answer.
func TestThinkingAsksTRL(t *testing.T) {
	t.Parallel()
	folder := thinker(t)
	for thinking, want := range map[bool]string{
		false: `"chat_template_kwargs":{"enable_thinking":false}`, true: `assistant\n","chosen":"Zwei`,
	} {
		s := expressible()
		s.Generate.Thinking = thinking
		run, _ := openRun(t, s)
		m0, err := lidr.LoadModel(folder)
		if err != nil {
			t.Fatal(err)
		}
		j := written(t, run, m0, TRL())
		text, err := os.ReadFile(j.path("data", "train.jsonl"))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("thinking %t: %v, the data are\n%.400s\nexpected %s", thinking, err, text, want)
		}
	}
}
