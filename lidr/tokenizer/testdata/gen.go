//go:build ignore

// Command gen makes this folder's tokenizers, four in the forms that Llama 3, Qwen2, Llama 2 and Mistral publish and
// one as Train writes it, and strings.json, the texts that oracle.mjs then passes to Hugging Face's own implementation:
//
//	go run gen.go && node oracle.mjs PATH/TO/node_modules strings.json chats.json golden.json \
//		trained qwen2 llama3 llama2 mistral
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"lidrlab/lidr/tokenizer"
)

type object = map[string]any

func main() {
	log.SetFlags(0)
	raw, err := os.ReadFile("sentences.txt")
	if err != nil {
		log.Fatal(err)
	}
	sentences := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(raw), `\n`, "\n")), "\n")
	for i, s := range sentences {
		sentences[i] = strings.ReplaceAll(s, `\t`, "\t")
	}
	// Trained on the bare sentences; the two published forms get the same vocabulary under other wrappings.
	train := func(pattern string, special ...string) object {
		b, err := tokenizer.Train(sentences, tokenizer.TrainOptions{VocabSize: 900, Special: special, Pattern: pattern})
		if err != nil {
			log.Fatal(err)
		}
		var o object
		if err := json.Unmarshal(b, &o); err != nil {
			log.Fatal(err)
		}
		return o
	}
	const chatML = `{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + ` +
		`'<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`
	save("trained", train("", "<|endoftext|>", "<|im_start|>", "<|im_end|>"), object{"bos_token": nil,
		"eos_token": "<|im_end|>",
		"pad_token": "<|endoftext|>", "tokenizer_class": "PreTrainedTokenizerFast", "chat_template": chatML})

	qwen := train("", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>")
	qwen["normalizer"] = object{"type": "NFC"}
	for _, a := range qwen["added_tokens"].([]any)[3:] {
		a.(object)["special"] = false
	}
	const qwenTemplate = "{%- if messages[0]['role'] == 'system' %}\n    {{- '<|im_start|>system\\n' + " +
		"messages[0]['content'] + '<|im_end|>\\n' }}\n{%- else %}\n    {{- '<|im_start|>system\\nYou are a helpful " +
		"assistant.<|im_end|>\\n' }}\n{%- endif %}\n{%- for message in messages %}\n    {%- if (message.role == \"user\") " +
		"or (message.role == \"system\" and not loop.first) or (message.role == \"assistant\" and not message.tool_calls) " +
		"%}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n    {%- " +
		"endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n"
	save("qwen2", qwen, object{"add_bos_token": false, "bos_token": nil, "eos_token": "<|im_end|>",
		"pad_token":       "<|endoftext|>",
		"tokenizer_class": "Qwen2Tokenizer", "chat_template": qwenTemplate})

	llama := train(tokenizer.LlamaPattern, "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>",
		"<|end_header_id|>", "<|eot_id|>")
	model := llama["model"].(object)
	model["ignore_merges"] = true
	model["vocab"].(object)["Ġwho"] = 999 // a token that no merge makes, found by ignore_merges alone
	var pairs [][]string                  // the other spelling of merges
	for _, m := range model["merges"].([]any) {
		pairs = append(pairs, strings.Split(m.(string), " "))
	}
	model["merges"] = pairs
	special := func(name string) object { return object{"SpecialToken": object{"id": name, "type_id": 0}} }
	text := object{"Sequence": object{"id": "A", "type_id": 0}}
	llama["post_processor"] = object{"type": "Sequence", "processors": []any{llama["post_processor"], object{
		"type":   "TemplateProcessing",
		"single": []any{special("<|begin_of_text|>"), text}, "pair": []any{special("<|begin_of_text|>"), text},
		"special_tokens": object{"<|begin_of_text|>": object{"id": "<|begin_of_text|>", "ids": []int{895},
			"tokens": []string{"<|begin_of_text|>"}}}}}}
	const llamaTemplate = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = " +
		"'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}" +
		"{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if " +
		"add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
	save("llama3", llama, object{"bos_token": "<|begin_of_text|>",
		"eos_token":       object{"__type": "AddedToken", "content": "<|eot_id|>"},
		"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": llamaTemplate})

	pieces := sentencePiece(sentences)
	const llama2Template = "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set " +
		"system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = " +
		"false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) " +
		"%}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if " +
		"loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + " +
		"'\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if " +
		"message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == " +
		"'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
	config := object{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
		"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": llama2Template, "legacy": true}
	pieces["normalizer"] = object{"type": "Sequence", "normalizers": []any{object{"type": "Prepend", "prepend": "▁"},
		object{"type": "Replace", "pattern": object{"String": " "}, "content": "▁"}}}
	save("llama2", pieces, config)
	pieces["normalizer"] = nil
	pieces["pre_tokenizer"] = object{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}
	config["chat_template"] = "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != " +
		"(loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate " +
		"user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + " +
		"message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}" +
		"{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
	save("mistral", pieces, config)

	write("strings.json", texts(sentences))
}

// sentencePiece trains a BPE of characters as SentencePiece has it, in the plainest way, without normalizer and
// pre-tokenizer.
func sentencePiece(sentences []string) object {
	var words [][]string
	for _, s := range sentences {
		for _, w := range strings.Split(s, " ") {
			words = append(words, strings.Split("▁"+w, ""))
		}
	}
	vocab := map[string]int{}
	add := func(token string) {
		if _, ok := vocab[token]; !ok {
			vocab[token] = len(vocab)
		}
	}
	for _, token := range []string{"<unk>", "<s>", "</s>"} {
		add(token)
	}
	for b := range 256 {
		add(fmt.Sprintf("<0x%02X>", b))
	}
	var merges []string
	for range 300 {
		counts := map[[2]string]int{}
		best := [2]string{}
		for _, w := range words {
			for i := 0; i+1 < len(w); i++ {
				p := [2]string{w[i], w[i+1]}
				counts[p]++
				if n, b := counts[p], counts[best]; n > b || n == b && p[0]+" "+p[1] < best[0]+" "+best[1] {
					best = p
				}
			}
		}
		add(best[0] + best[1])
		merges = append(merges, best[0]+" "+best[1])
		for k, w := range words {
			var out []string
			for i := 0; i < len(w); i++ {
				if i+1 < len(w) && w[i] == best[0] && w[i+1] == best[1] {
					out = append(out, w[i]+w[i+1])
					i++
				} else {
					out = append(out, w[i])
				}
			}
			words[k] = out
		}
	}
	for _, s := range sentences[:20] { // characters of the others fall back to bytes
		for _, c := range strings.Split("▁"+s, "") {
			add(c)
		}
	}
	for _, m := range merges { // but those that merge are there
		for _, token := range strings.Split(m, " ") {
			add(token)
		}
	}
	var added []object
	for id, token := range []string{"<unk>", "<s>", "</s>"} {
		added = append(added, object{"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
			"normalized": false, "special": true})
	}
	special := func(name string) object { return object{"SpecialToken": object{"id": name, "type_id": 0}} }
	text := object{"Sequence": object{"id": "A", "type_id": 0}}
	return object{"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "pre_tokenizer": nil,
		"post_processor": object{"type": "TemplateProcessing", "single": []any{special("<s>"), text},
			"pair":           []any{special("<s>"), text},
			"special_tokens": object{"<s>": object{"id": "<s>", "ids": []int{1}, "tokens": []string{"<s>"}}}},
		"decoder": object{"type": "Sequence", "decoders": []any{
			object{"type": "Replace", "pattern": object{"String": "▁"}, "content": " "},
			object{"type": "ByteFallback"}, object{"type": "Fuse"},
			object{"type": "Strip", "content": " ", "start": 1, "stop": 0}}},
		"model": object{"type": "BPE", "dropout": nil, "unk_token": "<unk>", "continuing_subword_prefix": nil,
			"end_of_word_suffix": nil, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": vocab,
			"merges": merges}}
}

// texts are the sentences, hand-picked hard cases, and 150 random mixtures of pieces.
func texts(sentences []string) []string {
	hard := []string{"", " ", "   ", "\n", "\r\n", "\t\t", " \n \n ", "trailing  ", "  leading", "a  b   c    d",
		"\n\nnew\n\n\nlines\t\ttabs \n", "\r\nwindows\r\nlines\r\n", "'", "''s", "'S'T'RE'VE'M'LL'D", "'rex 'l 'v",
		"12345678 3.14159 1,000", "²½٣४ⅷ",
		"x=1;y=[2,3]; print(x,y)//comment   ", "e\u0301clair caf\u00e9 cafe\u0301", "\u1100\u1161\u11a8 각", "ＡＢＣ ｆｕｌｌ ﬁ",
		"a\u00a0nbsp\u3000ideographic", "zero\u200bwidth\u200djoin", "🙂 👨‍👩‍👧 🇩🇪 ✌🏽", "!!!???...\n\n\n---",
		"<|begin_of_text|>hi<|eot_id|> there<|end_of_text|>", "<|im_start|>user\nHi<|im_end|>\n",
		"<|im_start|>a<|im_end|><|im_end|> <tool_call>x</tool_call>", "<|im_", "|>", " who is who", "<s>x</s> y<s> z",
		"▁a ▁▁b", "<0x41><0xZZ>", strings.Repeat("ab", 100), strings.Repeat(" ", 70) + "x", strings.Repeat("=", 90),
		strings.Repeat("1", 50), strings.Repeat("日本", 40)}
	pieces := []string{" ", "  ", "\n", "\t", "\r\n", "'s", "'LL", "7", "42", "000", ".", ", ", "!?", "(", ")[", "é",
		"e\u0301", "ß", "日", "本語", "한", "я", "Ё", "ा", "ك", "ไ", "🙂", "\u200d", "\u00a0", "the", " The", "word", " is", "_",
		"#", "<", ">", "<|", "|>", "<|im_end|>", "<|eot_id|>", "½", "٣", "\\", "\"", "\u0301", "Ǆ", "ʼ"}
	out := append(append([]string{}, sentences...), hard...)
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		var b strings.Builder
		for range 1 + r.IntN(14) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		out = append(out, b.String())
	}
	return out
}

func save(name string, tok, config object) {
	config["clean_up_tokenization_spaces"] = false
	write(filepath.Join(name, "tokenizer.json"), tok)
	write(filepath.Join(name, "tokenizer_config.json"), config)
}

func write(path string, v any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o777)
	}
	if err == nil {
		err = os.WriteFile(path, append(b, '\n'), 0o666)
	}
	if err != nil {
		log.Fatal(err)
	}
}
