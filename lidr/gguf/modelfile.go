package gguf

import (
	"fmt"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/tokenizer"
)

// maxContext bounds num_ctx: the cache for the longest context of a large model would not fit most machines.
const maxContext = 8192

// Modelfile returns the Ollama Modelfile for a GGUF file of the model beside it: greedy decoding without the filters
// that are Ollama's defaults, the stop tokens, and the chat template as a Go template, which Ollama needs. If no Go
// template is known to render the same, the Modelfile makes "ollama create" fail with the reason rather than let it
// guess one.
func Modelfile(ck *checkpoint.Checkpoint, tok *tokenizer.Tokenizer, file string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# ollama create NAME -f Modelfile")
	line("FROM ./%s\n", file)
	line("# The likeliest token each time. Ollama's defaults are temperature 0.8, top_k 40, top_p 0.9, " +
		"repeat_penalty 1.1.")
	line("PARAMETER temperature 0\nPARAMETER top_k 0\nPARAMETER top_p 1\nPARAMETER min_p 0\nPARAMETER repeat_penalty 1\n")
	line("# The model has room for %d tokens. Keys and values are kept in f16, which OLLAMA_KV_CACHE_TYPE can only "+
		"coarsen.", ck.Config.MaxPositionEmbeddings)
	line("PARAMETER num_ctx %d\n", min(ck.Config.MaxPositionEmbeddings, maxContext))
	for _, id := range tok.EOS() {
		line("PARAMETER stop \"%s\"", tok.DecodeBytes([]int{id}))
	}
	if tok.ChatTemplate() == "" {
		line("\n# The model has no chat template, so prompts go to it as they are.\nTEMPLATE \"\"\"{{ .Prompt }}\"\"\"")
		return b.String()
	}
	bos, _ := aroundDocument(tok)
	source, err := goTemplate(tok, string(tok.DecodeBytes(bos)))
	if err != nil {
		line("\n# No Go template is known to write what the model's chat template writes: %s.",
			strings.Join(strings.Fields(err.Error()), " "))
		line("# Put one in place of this line, which keeps Ollama from guessing; its documentation says how " +
			"(docs/template.md).")
		line(`TEMPLATE """{{ replace_this_line_by_the_chat_template }}"""`)
		return b.String()
	}
	line("\n# Writes what the model's chat template writes, compared when this file was made.")
	if padded, err := tok.RenderChat([]tokenizer.Message{{Role: "user", Content: " a "}}, true); err == nil &&
		!strings.Contains(padded, " a ") {
		line("# That one trims messages and this one cannot: send them without white space around.")
	}
	line(`TEMPLATE """%s"""`, source)
	return b.String()
}
