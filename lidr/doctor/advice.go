package doctor

import (
	"crypto/sha256"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/tokenizer"
)

// forms are the ways of writing a conversation that the families have, by a token that only that form uses.
var forms = []struct{ token, name string }{
	{"<|start_header_id|>", "Llama 3"},
	{"<start_of_turn>", "Gemma"},
	{"<|START_OF_TURN_TOKEN|>", "Cohere"},
	{"<|start_of_role|>", "Granite"},
	{"<|im_start|>", "Qwen and SmolLM (ChatML)"},
	{"<|assistant|>", "Phi and OLMo"},
	{"[INST]", "Llama 2 and Mistral"},
}

// formOf returns the name of the form that a template or a vocabulary has, "" for none of them.
func formOf(has func(token string) bool) string {
	for _, f := range forms {
		if has(f.token) {
			return f.name
		}
	}
	return ""
}

// template looks at how a conversation is written: its form, and what becomes of a system turn.
func (d *Diagnosis) template(tok *tokenizer.Tokenizer) {
	source := tok.ChatTemplate()
	if source == "" {
		advice := "take the instruction-tuned model of its name, or put a chat_template.jinja beside it and train it to " +
			"answer in that form first"
		known := func(token string) bool { _, ok := tok.TokenID(token); return ok }
		if form := formOf(known); form != "" {
			advice += "; its vocabulary has the tokens of the form of " + form
		}
		d.problem("there is no chat template: this is a base model, or chat_template.jinja is missing; %s", advice)
		return
	}
	form := formOf(func(token string) bool { return strings.Contains(source, token) })
	if form != "" {
		form = ", of the form of " + form
	}
	d.fact("chat template", "%d bytes, sha256 %x%s", len(source), sha256.Sum256([]byte(source)), form)
	if strings.Contains(source, "strftime_now") {
		d.fact("date", "the chat template asks for it, and gets 26 July 2024 on every day, so that equal runs are equal")
	}
	d.systemTurn(tok)
}

// Texts that no template writes of itself.
const systemMark, userMark = "Aq7system", "Zx3user"

// systemTurn renders a question with a system turn and without, and says what the template makes of it.
func (d *Diagnosis) systemTurn(tok *tokenizer.Tokenizer) {
	if tok.RefusesSystem() {
		d.fact("system turn", "refused by the chat template, so its text begins the user's turn")
		return
	}
	user := tokenizer.Message{Role: "user", Content: userMark}
	without, err := tok.RenderChat([]tokenizer.Message{user}, true)
	if err != nil {
		return // the pair cannot be encoded either, which is said with the error
	}
	with, err := tok.RenderChat([]tokenizer.Message{{Role: "system", Content: systemMark}, user}, true)
	if err != nil {
		return
	}
	head, _, _ := strings.Cut(without, userMark)
	switch own := inPlaceOf(without, with); {
	case !strings.Contains(with, systemMark):
		d.warn("the chat template leaves a system turn out: put what it says into the prompt")
	case head != "" && strings.HasPrefix(with, head):
		d.fact("system turn", "written by the template into the user's turn")
	case own != "":
		d.fact("system turn", "a turn of its own; without one the template writes %q", showSpaces(own))
	default:
		d.fact("system turn", "a turn of its own")
	}
}

// inPlaceOf returns what the rendering without a system turn has in its place, "" for nothing.
func inPlaceOf(without, with string) string {
	before, after, found := strings.Cut(with, systemMark)
	if !found || !strings.HasPrefix(without, before) || !strings.HasSuffix(without, after) ||
		len(without) < len(before)+len(after) {
		return ""
	}
	return without[len(before) : len(without)-len(after)]
}

// room compares the length that the settings allow answers with the context.
func (d *Diagnosis) room(m *lidr.Model, prompt, most int) {
	context := m.Checkpoint().Config.MaxPositionEmbeddings
	if left := context - prompt; most > left {
		d.warn("answers of up to %d tokens do not fit beside this prompt of %d in the context of %d: set max_tokens to "+
			"%d at most, less for longer prompts", most, prompt, context, max(left, 1))
	}
}
