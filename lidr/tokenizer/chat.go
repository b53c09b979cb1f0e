package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ardanlabs/jinja"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"` // "system", "user" or "assistant"
	Content string `json:"content"`
}

const (
	maxTemplate = 256 << 10 // bytes of source; the longest in use have about 20 KB
	maxOutput   = 16 << 20  // bytes of a rendered conversation
	maxRange    = 1 << 16   // length of a range()
)

// program is a chat template that counts its work (see [guard]).
type program struct {
	*jinja.Template
	// meter is the prefix of the names of the functions that count the work; no name in the source has it.
	meter   string
	uses    map[string]bool // those functions
	methods map[string]*jinja.Template
	calls   int // that may be nested
}

func (t *Tokenizer) compile(source string) error {
	p := &program{meter: "lidr_meter", uses: map[string]bool{}, methods: map[string]*jinja.Template{},
		calls: max(2, maxDeep/(len(source)+1))}
	for strings.Contains(source, p.meter) {
		p.meter += "_"
	}
	with, err := (&guard{meter: p.meter, uses: p.uses}).metered(source)
	if err != nil {
		return err
	}
	if _, err := jinja.Compile(source); err != nil { // its errors give positions in the unchanged source
		return err
	}
	for use := range p.uses {
		if name, ok := strings.CutPrefix(use, "method_"); ok {
			if p.methods[name], err = oneExpression("a." + name); err != nil {
				return err
			}
		}
	}
	if p.Template, err = jinja.Compile(with); err != nil {
		return err
	}
	t.template = p
	return nil
}

// RenderChat returns the conversation as rendered by the chat template, followed by the header of the next assistant
// turn if addGenerationPrompt is set. A template that asks for the date gets 26 July 2024, always.
func (t *Tokenizer) RenderChat(msgs []Message, addGenerationPrompt bool) (string, error) {
	if t.template == nil {
		return "", fmt.Errorf("the tokenizer has no chat template; expected chat_template in tokenizer_config.json or " +
			"chat_template.jinja")
	}
	if len(msgs) == 0 {
		return "", fmt.Errorf("a conversation needs at least one message")
	}
	return t.render(msgs, addGenerationPrompt)
}

func (t *Tokenizer) render(msgs []Message, addGenerationPrompt bool) (s string, err error) {
	defer func() { // jinja panics on some templates, such as a string repeated a negative number of times
		if p := recover(); p != nil {
			s, err = "", fmt.Errorf("chat template: %v", p)
		}
	}()
	list := make([]jinja.Value, len(msgs))
	for i, m := range msgs {
		list[i] = jinja.NewDict()
		list[i].AsDict().Set("role", jinja.NewString(m.Role))
		list[i].AsDict().Set("content", jinja.NewString(m.Content))
	}
	vars := map[string]jinja.Value{
		"messages":              jinja.NewList(list),
		"add_generation_prompt": jinja.NewBool(addGenerationPrompt),
		"tools":                 jinja.None(), // transformers passes these two as None
		"documents":             jinja.None(),
		// Where it is undefined, most templates let the model think: thousands of tokens that are no part of an answer.
		"enable_thinking": jinja.NewBool(t.thinking),
	}
	m := &meter{program: t.template, left: maxWork}
	m.globals(vars)
	if strings.Contains(t.source, "strftime_now is defined") { // and does without a clock else
		vars["strftime_now"] = jinja.Undefined()
	}
	vars[m.meter] = jinja.NewCallable(m.meter, m.count)
	for use := range m.uses {
		vars[m.meter+"_"+use] = m.function(use)
	}
	for name, text := range t.names {
		vars[name] = jinja.NewString(text)
	}
	s, err = t.template.RenderValues(vars)
	if err == nil {
		err = m.enough()
	}
	if err == nil && len(s) > maxOutput {
		err = fmt.Errorf("%d bytes of output; at most %d are accepted", len(s), maxOutput)
	}
	if err != nil {
		return "", fmt.Errorf("chat template: %w", err)
	}
	return s, nil
}

// boundedRange is Jinja's range with at most maxRange elements.
func boundedRange(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	bounds := [3]int64{0, 0, 1} // start, stop, step
	for _, a := range args {
		if !a.IsInt() {
			return jinja.Undefined(), errors.New("range: expected integers")
		}
	}
	switch len(args) {
	case 1:
		bounds[1] = args[0].AsInt()
	case 2, 3:
		for i, a := range args {
			bounds[i] = a.AsInt()
		}
	default:
		return jinja.Undefined(), fmt.Errorf("range: expected 1 to 3 arguments, got %d", len(args))
	}
	start, stop, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return jinja.Undefined(), fmt.Errorf("range: step must not be zero")
	}
	var items []jinja.Value
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(items) == maxRange {
			return jinja.Undefined(), fmt.Errorf("range: more than %d elements", maxRange)
		}
		items = append(items, jinja.NewInt(i))
	}
	return jinja.NewList(items), nil
}

// RefusesSystem reports whether the chat template is an error for a system turn, as Gemma 2's is.
func (t *Tokenizer) RefusesSystem() bool { return t.refusesSystem }

// guardTurns makes ordinary text in messages of the added tokens that the chat template writes around turns though they
// are not special, as Cohere's <|START_OF_TURN_TOKEN|> and <|USER_TOKEN|>: with them, a message could end its own turn.
// Tokens of thoughts and tools, which an answer may hold, are none of them.
func (t *Tokenizer) guardTurns() {
	turns := []Message{{"user", "?"}, {"assistant", "?"}, {"user", "?"}}
	var written strings.Builder
	for _, messages := range [][]Message{turns, append([]Message{{"system", "?"}}, turns...)} {
		if s, err := t.Thinking(true).render(messages, false); err == nil {
			written.WriteString(s)
		}
	}
	for _, ordinary := range t.ordinary {
		var found []*addedToken
		ordinary.cut(written.String(), func(string, int) {}, func(a *addedToken) { found = append(found, a) })
		for _, a := range found {
			if strings.ContainsFunc(a.Content, unicode.IsLetter) { // Gemma's tokens of white space are content
				ordinary.remove(a)
				t.specials.add(a.Content, a)
			}
		}
	}
}

// probeSystem finds out whether the template takes a user's turn, and not one behind a system turn.
func (t *Tokenizer) probeSystem() bool {
	user := Message{"user", "?"}
	_, alone := t.render([]Message{user}, true)
	_, behind := t.render([]Message{{"system", "?"}, user}, true)
	return alone == nil && behind != nil
}

// fold puts the text of a system turn before the user's, with a blank line between, as Gemma 3's template does.
func fold(msgs []Message) []Message {
	if len(msgs) < 2 || msgs[0].Role != "system" || msgs[1].Role != "user" {
		return msgs
	}
	user := Message{"user", msgs[0].Content + "\n\n" + msgs[1].Content}
	return slices.Concat([]Message{user}, msgs[2:])
}

// EncodeChat returns the ids of the conversation as RenderChat renders it, followed by prefill, the beginning of the
// answer. As in Hugging Face's apply_chat_template, BOS is only where the template puts it. Unlike there, a special
// token spelled out in a message or in prefill is ordinary text, and where the template refuses a system turn
// ([Tokenizer.RefusesSystem]) its text begins the user's.
func (t *Tokenizer) EncodeChat(msgs []Message, addGenerationPrompt bool, prefill string) ([]int, error) {
	if t.refusesSystem {
		msgs = fold(msgs)
	}
	texts := []string{prefill}
	for _, m := range msgs {
		texts = append(texts, m.Role, m.Content)
	}
	mark, err := t.chooseMark(texts)
	if err != nil {
		return nil, err
	}
	if mark != "" {
		msgs = slices.Clone(msgs)
		for i, m := range msgs {
			msgs[i] = Message{t.disarm(m.Role, mark), t.disarm(m.Content, mark)}
		}
		prefill = t.disarm(prefill, mark)
	}
	s, err := t.RenderChat(msgs, addGenerationPrompt)
	if err != nil {
		return nil, err
	}
	return t.encode(s+prefill, t.all, mark), nil
}

// chooseMark returns a character that disarm can mark texts with, or "" if they have no special tokens: one of
// Unicode's noncharacters, which texts should not contain and these do not.
func (t *Tokenizer) chooseMark(texts []string) (string, error) {
	all := strings.Join(texts, "\x00")
	if t.disarm(all, "\x00") == all {
		return "", nil
	}
	for r := rune(0xfdd0); r <= 0xfdef; r++ {
		if !strings.ContainsRune(all, r) {
			return string(r), nil
		}
	}
	return "", fmt.Errorf("the messages contain special tokens and all of the noncharacters U+FDD0 to U+FDEF")
}

// disarm puts mark after the first character of every special token in s. The template renders the text with the mark,
// so that no special token matches it; encode removes the mark after matching.
func (t *Tokenizer) disarm(s, mark string) string {
	var b strings.Builder
	for i := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+n])
		if special, _ := t.specials.at(s[i:]); special != nil {
			b.WriteString(mark)
		}
	}
	return b.String()
}
