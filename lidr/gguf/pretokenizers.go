package gguf

import (
	"slices"
	"strings"

	"lidrlab/lidr/tokenizer"
)

// preTokenizer is a way to cut text into words before byte-level BPE, which GGUF has a name for. The expressions are
// part of llama.cpp (llama-vocab.cpp, llm_tokenizer_bpe); here they are as the models publish them.
type preTokenizer struct {
	names []string // the first is the one that is written
	steps []string // expressions one after the other, each within the words of the one before; or digits, gpt2Words
	whole bool     // words that are tokens are not split (ignore_merges)
	bos   bool     // documents begin with BOS where the metadata do not say
	nfc   bool     // the tokenizers of that name normalize to NFC, which GGUF does not say and llama.cpp does not do
}

// Steps that tokenizer.json has a name for.
const (
	digits    = "single digits"
	gpt2Words = "GPT-2's expression"
)

const gpt2Expression = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// Words of one script's letters in upper and lower case, of o200k and of Mistral's Tekken.
const (
	upperLower = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
	upper      = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
	clitic     = `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
	others     = `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	o200k      = upperLower + clitic + `|` + upper + clitic + `|\p{N}{1,3}` + others
	deepSeekV3 = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|" +
		`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	han = `[一-龥぀-ゟ゠-ヿ]+`
)

var preTokenizers = []preTokenizer{
	{names: []string{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
		steps: []string{tokenizer.LlamaPattern}, whole: true, bos: true},
	{names: []string{"dbrx", "smaug-bpe", "chatglm-bpe", "glm4"}, steps: []string{tokenizer.LlamaPattern}},
	{names: []string{"qwen2"}, steps: []string{tokenizer.QwenPattern}, nfc: true},
	{names: []string{"deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open"},
		steps: []string{tokenizer.QwenPattern}},
	{names: []string{"gpt-2", "phi-2", "olmo", "mpt", "jais", "trillion", "granite-docling", "exaone4", "gigachat",
		"a.x-4.0", "mellum"}, steps: []string{gpt2Words}},
	{names: []string{"command-r"}, steps: []string{digits, gpt2Words}, nfc: true},
	{names: []string{"smollm", "refact", "starcoder", "codeshell", "exaone", "minerva-7b", "mellum2"},
		steps: []string{digits, gpt2Words}},
	{names: []string{"tekken"}, steps: []string{upperLower + `|` + upper + `|\p{N}` + others}, whole: true, bos: true},
	{names: []string{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, steps: []string{o200k}},
	{names: []string{"tiny_aya", "cohere2moe"}, steps: []string{`\d{1,3}(?=(?:\d{3})*\b)`, o200k}, nfc: true},
	{names: []string{"deepseek-v3", "hunyuan-dense", "joyai-llm"}, steps: []string{`\p{N}{1,3}`, han, deepSeekV3}},
	{names: []string{"deepseek-coder"}, steps: []string{`[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, "[一-龥ࠀ-一가-\ud7ff]+", `\p{N}`}},
	{names: []string{"default", ""}, steps: []string{`[\p{P}\$\+<=>\^~\|]+`, gpt2Expression, `\p{N}+`, `[0-9][0-9][0-9]`}},
}

// preTokenizerNamed returns the pre-tokenizer of a name.
func preTokenizerNamed(name string) (preTokenizer, bool) {
	i := slices.IndexFunc(preTokenizers, func(p preTokenizer) bool { return slices.Contains(p.names, name) })
	if i < 0 {
		return preTokenizer{}, false
	}
	return preTokenizers[i], true
}

// preTokenizerOf returns the name of the pre-tokenizer that does those steps, "" if there is none.
func preTokenizerOf(steps []string, whole, nfc bool) string {
	fit := func(p preTokenizer) bool { return slices.Equal(p.steps, steps) && p.whole == whole }
	for _, p := range preTokenizers {
		if fit(p) && p.nfc == nfc {
			return p.names[0]
		}
	}
	if i := slices.IndexFunc(preTokenizers, fit); i >= 0 {
		return preTokenizers[i].names[0]
	}
	return ""
}

// asJSON returns the pre_tokenizer of tokenizer.json.
func (p preTokenizer) asJSON() any {
	steps := []any{}
	byteLevel := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}
	for _, step := range p.steps {
		switch step {
		case digits:
			steps = append(steps, map[string]any{"type": "Digits", "individual_digits": true})
		case gpt2Words:
			byteLevel["use_regex"] = true
		default:
			steps = append(steps, map[string]any{"type": "Split", "pattern": map[string]string{"Regex": step},
				"behavior": "Isolated", "invert": false})
		}
	}
	return map[string]any{"type": "Sequence", "pretokenizers": append(steps, byteLevel)}
}

// known names all pre-tokenizers.
func knownPreTokenizers() string {
	var names []string
	for _, p := range preTokenizers {
		names = append(names, p.names[0])
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
