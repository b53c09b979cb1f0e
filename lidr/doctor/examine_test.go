package doctor

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/transformer"
)

// family saves a tiny random model of a family, with that family's kind of tokenizer and template, to dir.
func family(t *testing.T, dir, kind, architecture, more string, change func(ck *checkpoint.Checkpoint)) {
	t.Helper()
	var tok struct {
		Model struct{ Vocab map[string]int }
		Added []struct{ ID int } `json:"added_tokens"`
	}
	files := map[string][]byte{}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		data, err := os.ReadFile(filepath.Join("../tokenizer/testdata", kind, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	if err := json.Unmarshal(files["tokenizer.json"], &tok); err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, id := range tok.Model.Vocab {
		size = max(size, id+1)
	}
	for _, a := range tok.Added {
		size = max(size, a.ID+1)
	}
	modelType := strings.ToLower(strings.TrimSuffix(architecture, "ForCausalLM"))
	config, err := checkpoint.ParseConfig(fmt.Appendf(nil, `{"architectures":[%q],"model_type":%q,"hidden_size":32,
		"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":8,"intermediate_size":48,
		"vocab_size":%d,"max_position_embeddings":512,"sliding_window":null%s}`, architecture, modelType, size, more))
	if err != nil {
		t.Fatal(err)
	}
	ck, err := transformer.Init(config, 1).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	ck.Files = files
	if change != nil {
		change(ck)
	}
	if err := checkpoint.Save(dir, ck, "F32"); err != nil {
		t.Fatal(err)
	}
}

func examine(t *testing.T, dir string) *Diagnosis {
	t.Helper()
	m, err := lidr.LoadModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Examine(t.Context(), m, lidr.MiniatureSettings(), SamplePair())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s:\n%s", dir, d)
	return d
}

func TestEveryFamily(t *testing.T) {
	t.Parallel()
	const scaled = `,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,` +
		`"original_max_position_embeddings":64}`
	const llama3Prompt = "⟦<|begin_of_text|>⟧⟦<|start_header_id|>⟧user⟦<|end_header_id|>⟧↵↵Anna·has·3"
	const llama2End, mistralEnd = "Anna·has·7·apples.·⟦</s>⟧", "Anna·has·7·apples.⟦</s>⟧"
	const qwenEnd = "Anna·has·7·apples.⟦<|im_end|>⟧↵"
	for kind, c := range map[string]struct{ architecture, more, bos, prompt, chosen string }{
		"llama3": {
			"LlamaForCausalLM", scaled, "once, at the beginning", llama3Prompt, "Anna·has·7·apples.⟦<|eot_id|>⟧",
		},
		"llama2": {
			"LlamaForCausalLM", "", "once, at the beginning", "⟦<s>⟧·[INST]·Anna·has·3", llama2End,
		},
		"mistral": {
			"MistralForCausalLM", "", "once, at the beginning", "⟦<s>⟧[INST]·Anna·has·3", mistralEnd,
		},
		"qwen2":   {"Qwen2ForCausalLM", "", "none", "⟦<|im_start|>⟧system↵You·are", qwenEnd},
		"trained": {"Qwen3ForCausalLM", "", "none", "⟦<|im_start|>⟧user↵Anna·has·3", qwenEnd},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), kind)
			family(t, dir, kind, c.architecture, c.more, nil)
			d := examine(t, dir)
			if len(d.Problems) > 0 {
				t.Errorf("problems: %q", d.Problems)
			}
			if prompt := strings.Join(d.Pair[0].Pieces, ""); !strings.HasPrefix(prompt, c.prompt) {
				t.Errorf("the prompt is %q, expected to begin with %q", prompt, c.prompt)
			}
			if chosen := strings.Join(d.Pair[1].Pieces, ""); !strings.HasSuffix(chosen, c.chosen) {
				t.Errorf("the chosen side is %q, expected to end with %q", chosen, c.chosen)
			}
			if text := d.String(); !strings.Contains(text, c.bos) || !strings.Contains(text, systemTurns[kind]) {
				t.Errorf("expected %q and %q in\n%s", c.bos, systemTurns[kind], text)
			}
		})
	}
}

// systemTurns are what the templates of the test's tokenizers make of a system turn.
var systemTurns = map[string]string{
	"llama3":  "system turn    a turn of its own\n",
	"llama2":  "written by the template into the user's turn",
	"mistral": "refused by the chat template",
	"qwen2":   `a turn of its own; without one the template writes "You·are·a·helpful·assistant."`,
	"trained": "system turn    a turn of its own\n",
}

// A BOS that begins every turn, as SmolLM2's <|im_start|> does, is not doubled.
func TestTurnsBeginWithBOS(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "model")
	family(t, dir, "qwen2", "Qwen2ForCausalLM", "", func(ck *checkpoint.Checkpoint) {
		const none = `"bos_token":null`
		text := string(ck.Files["tokenizer_config.json"])
		if !strings.Contains(text, none) {
			t.Fatalf("no %s", none)
		}
		ck.Files["tokenizer_config.json"] = []byte(strings.Replace(text, none, `"bos_token":"<|im_start|>"`, 1))
	})
	if d := examine(t, dir); len(d.Problems) > 0 || !strings.Contains(d.String(), "begins every turn") {
		t.Errorf("problems %q, expected none, and that BOS begins every turn", d.Problems)
	}
}

// What is wrong is said in words, and nothing hides it.
func TestWhatIsFound(t *testing.T) {
	t.Parallel()
	type change = func(ck *checkpoint.Checkpoint)
	template := func(old, new string) change {
		return func(ck *checkpoint.Checkpoint) {
			text := string(ck.Files["tokenizer_config.json"])
			if !strings.Contains(text, old) {
				t.Fatalf("no %q in the template", old)
			}
			ck.Files["tokenizer_config.json"] = []byte(strings.Replace(text, old, new, 1))
		}
	}
	weight := func(tensor, i int, value float64) change {
		return func(ck *checkpoint.Checkpoint) { lidrtest.Values(t, ck.Tensors[tensor])[i] = float32(value) }
	}
	tokens := func(n int) change {
		return func(ck *checkpoint.Checkpoint) { resize(t, ck, n) }
	}
	context := func(n int) change {
		return func(ck *checkpoint.Checkpoint) { ck.Config.MaxPositionEmbeddings = n }
	}
	ends := func(ck *checkpoint.Checkpoint) {
		ck.Config.EOSTokenIDs = []int{5}
		ck.Files["generation_config.json"] = []byte(`{"eos_token_id":6}`)
	}
	const begin = "bos_token + content"
	for want, c := range map[string]struct {
		kind    string
		change  change
		warning bool
	}{
		"BOS is doubled":     {"llama3", template(begin, "bos_token + bos_token + content"), false},
		"BOS does not begin": {"llama3", template(begin, "'x' + bos_token + content"), false},
		"leaves it out":      {"llama3", template(begin, "content"), true},
		"leaves a system turn out": {
			"llama3", template("in loop_messages %}", "in loop_messages if message['role'] != 'system' %}"), true,
		},
		"no chat template":                    {"llama3", template(`"chat_template"`, `"another"`), false},
		"tokens of the form of Llama 3":       {"llama3", template(`"chat_template"`, `"another"`), false},
		"set max_tokens to":                   {"qwen2", context(150), true},
		"cannot be encoded":                   {"llama3", template("{{ content }}", "{{ raise_exception('no') }}"), false},
		"ends an answer without EOS":          {"llama3", template("| trim + '\\u003c|eot_id|\\u003e'", "| trim"), true},
		"holds NaN at index 5":                {"qwen2", weight(2, 5, math.NaN()), false},
		"holds +Inf at index 0":               {"qwen2", weight(0, 0, math.Inf(1)), false},
		"do not belong together":              {"qwen2", tokens(700), false},
		"do they belong together":             {"qwen2", tokens(4000), true},
		"but generation_config.json does not": {"qwen2", ends, true},
		"had not ended":                       {"llama2", nil, true},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "model")
			architecture := "LlamaForCausalLM"
			if c.kind == "qwen2" {
				architecture = "Qwen2ForCausalLM"
			}
			family(t, dir, c.kind, architecture, "", c.change)
			d := examine(t, dir)
			found := d.Problems
			if c.warning {
				found = d.Warnings
			}
			if !strings.Contains(strings.Join(found, "\n"), want) {
				t.Errorf("problems %q, warnings %q; expected %q", d.Problems, d.Warnings, want)
			}
			if c.warning && len(d.Problems) > 0 {
				t.Errorf("problems %q; expected a warning only", d.Problems)
			}
		})
	}
}

// A vocabulary without a token for some byte loads, and the diagnosis says which.
func TestMissingBytes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "model")
	family(t, dir, "qwen2", "Qwen2ForCausalLM", "", func(ck *checkpoint.Checkpoint) {
		const byte4 = `"Ą":` // as GPT-2 writes it
		text := string(ck.Files["tokenizer.json"])
		if strings.Count(text, byte4) != 1 {
			t.Fatalf("no %s in the vocabulary", byte4)
		}
		ck.Files["tokenizer.json"] = []byte(strings.Replace(text, byte4, `"€€":`, 1))
	})
	if text := examine(t, dir).String(); !strings.Contains(text, "missing bytes  04: no token spells these 1") {
		t.Errorf("the diagnosis does not name byte 04:\n%s", text)
	}
}

// A system turn that the template refuses is told.
func TestSystemTurn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "model")
	family(t, dir, "mistral", "MistralForCausalLM", "", nil)
	if text := examine(t, dir).String(); !strings.Contains(text, "system turn    refused by the chat template") {
		t.Errorf("the diagnosis says nothing of the system turn:\n%s", text)
	}
}

// resize gives the model another number of tokens.
func resize(t *testing.T, ck *checkpoint.Checkpoint, size int) {
	ck.Config.VocabSize, ck.Config.EOSTokenIDs = size, nil
	for _, name := range []string{"lm_head.weight", "model.embed_tokens.weight"} {
		if w := ck.Tensor(name); w != nil {
			values := append(lidrtest.Values(t, *w), make([]float32, size*w.Shape[1])...)[:size*w.Shape[1]]
			*w = checkpoint.NewTensor(name, []int{size, w.Shape[1]}, values)
		}
	}
}

// A model behind a server has no weights to examine.
func TestWithoutWeights(t *testing.T) {
	t.Parallel()
	m := lidr.UseModel("gpt-4.1", lm.Model(nil))
	_, err := Examine(t.Context(), m, lidr.MiniatureSettings(), SamplePair())
	if err == nil || !strings.Contains(err.Error(), "gpt-4.1 are not here") {
		t.Errorf("the error is %v, want one that names the model", err)
	}
}

// One text in every language that the project's suites have, and English first, to which the others are compared.
func TestLanguagesCostTokens(t *testing.T) {
	m, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Examine(t.Context(), m, lidr.MiniatureSettings(), SamplePair())
	if err != nil {
		t.Fatal(err)
	}
	cost := map[string]LanguageCost{}
	for _, c := range d.Languages {
		cost[c.Lang] = c
		if c.Tokens == 0 || c.PerCharacter <= 0 {
			t.Errorf("%+v", c)
		}
	}
	for _, lang := range strings.Fields("ar bn ca da de es eu fr gu hi hr hu hy id it ja kn ko ml mr ne nl pt ro ru sk " +
		"sr sv sw ta te th tr uk vi zh") {
		if cost[lang].Tokens == 0 {
			t.Errorf("no text in %s", lang)
		}
	}
	// The miniature's tokenizer has seen German and no Bengali, whose characters are three bytes each.
	if de, bn := cost["de"].Premium, cost["bn"].Premium; d.Languages[0].Premium != 1 || de > 1.2 || bn < 3 {
		t.Errorf("premiums: English %g, German %g, Bengali %g", d.Languages[0].Premium, de, bn)
	}
	if text := d.String(); !strings.Contains(text, "answers of at most 112 tokens have about 238 characters in en and") {
		t.Errorf("the diagnosis says nothing of the length of answers:\n%s", text)
	}
}

// A fingerprint that was remembered and is not that of the weights is told.
func TestWrongFingerprintIsTold(t *testing.T) {
	ck, err := transformer.Init(checkpoint.Config{ModelType: "llama", VocabSize: 4, HiddenSize: 4, HeadDim: 4,
		NumAttentionHeads: 1, NumKeyValueHeads: 1, IntermediateSize: 4, NumHiddenLayers: 1}, 1).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := ck.Hash()
	if err != nil {
		t.Fatal(err)
	}
	for remembered, warnings := range map[string]int{"": 0, hash: 0, strings.Repeat("f", 64): 1} {
		var d Diagnosis
		if err := d.fingerprint(ck, remembered); err != nil || len(d.Warnings) != warnings || d.Facts[0].Value != hash {
			t.Errorf("%s was remembered: error %v, %+v", remembered, err, d)
		}
	}
}
