package datasets

import (
	"fmt"
	"strconv"
	"strings"
)

// promptFormat is one published form of a prompt file.
type promptFormat struct {
	name   string
	fields []string // which a record of this form must have
	text   string   // the one that holds the prompt
	parse  func(r record, lang string, index int) (Prompt, error)
}

// promptFormats are in the order in which they are tried: a form whose fields include another's comes before it.
var promptFormats = []promptFormat{
	{"prompts.jsonl", []string{"lang", "prompt"}, "prompt", parseOwnPrompt},
	{"MSVAMP", []string{"m_query", "response"}, "m_query", parseMSVAMP},
	{"MGSM", []string{"query", "response"}, "query", parseMGSM},
	{"GSM8K", []string{"id", "instruction", "final_answer"}, "instruction", parseGSM8K},
	{"X-AlpacaEval", []string{"id", "dataset", "instruction"}, "instruction", parseXAlpacaEval},
	{"Alpagasus", []string{"id", "instruction"}, "instruction", parseAlpagasus},
	{"M-ArenaHard", []string{"question_id", "prompt"}, "prompt", parseArenaHard},
	{"PolyMath", []string{"id", "question", "answer"}, "question", parsePolyMath},
	{"MGSM of the hub", []string{"question", "answer_number"}, "question", parseHubMGSM},
	{"GSM8K of the hub", []string{"question", "answer"}, "question", parseHubGSM8K},
	{"conversations", []string{"id", "messages"}, "messages", parseMessages("messages")},
	{"ShareGPT", []string{"id", "conversations"}, "conversations", parseMessages("conversations")},
	{"prompts of TRL", []string{"id", "prompt"}, "prompt", parseMessages("prompt")},
}

// promptNames are the fields that a prompt, its id, its language or its gold answer may be in.
var promptNames = []string{
	"id", "lang", "prompt", "answer", "query", "response", "instruction", "input", "final_answer", "question",
	"answer_number", "m_query", "question_id", "messages", "conversations", "system", "context", "history",
}

// alone is an error for a record that has a second prompt, or a part of one that the form does not read.
func (f *promptFormat) alone(r record) error {
	for _, name := range []string{"prompt", "query", "m_query", "instruction", "question", "messages", "conversations"} {
		raw := r.fields[name]
		if f.text == "m_query" && name == "query" { // the English problem, beside its translation
			continue
		}
		if name == f.text || raw == nil || string(raw) == "null" || string(raw) == `""` || string(raw) == "[]" {
			continue
		}
		own, err := r.said(f.text, "user")
		if err != nil {
			return err
		}
		if other, err := r.said(name, "user"); err != nil || other != own {
			return r.errorf("fields %q and %q both hold a prompt, expected one of them, or the same text in both", f.text, name)
		}
	}
	for _, name := range []string{"input", "system", "context", "history"} {
		if name == "input" && f.text == "instruction" {
			continue
		}
		if raw := r.fields[name]; raw != nil && string(raw) != "null" && string(raw) != `""` &&
			string(raw) != "[]" {
			return r.errorf("field %q: a %s form has none, expected the whole prompt in %q", name, f.name, f.text)
		}
	}
	return nil
}

func detect(r record) *promptFormat {
	for i := range promptFormats {
		if r.has(promptFormats[i].fields...) {
			return &promptFormats[i]
		}
	}
	return nil
}

func knownForms() string {
	var forms []string
	for _, f := range promptFormats {
		forms = append(forms, fmt.Sprintf("%s (%s)", f.name, strings.Join(f.fields, ", ")))
	}
	return strings.Join(forms, "; ")
}

func parseOwnPrompt(r record, lang string, _ int) (p Prompt, err error) {
	if err = r.onlyFields("id", "lang", "prompt", "answer"); err != nil {
		return p, err
	}
	if p.ID, err = r.id(); err != nil {
		return p, err
	}
	if p.Lang, err = r.text("lang"); err != nil {
		return p, err
	}
	if !languageCode.MatchString(p.Lang) {
		return p, r.errorf("field %q: expected %s, found %q", "lang", expectedCode(p.Lang), p.Lang)
	}
	if p.Text, err = r.asked("prompt"); err != nil || !r.has("answer") {
		return p, err
	}
	if raw := r.fields["answer"]; raw[0] == '"' {
		p.Answer, err = r.text("answer")
	} else {
		p.Answer, err = r.word("answer")
	}
	return p, err
}

// parseMessages reads a form whose prompt is a conversation, or a text in its place.
func parseMessages(field string) func(record, string, int) (Prompt, error) {
	return func(r record, lang string, _ int) (p Prompt, err error) {
		p.Lang = lang
		if p.ID, err = r.id(); err != nil {
			return p, err
		}
		p.Text, err = r.asked(field)
		return p, err
	}
}

// asked returns a prompt that has something in it that shows.
func (r record) asked(field string) (string, error) {
	text, err := r.said(field, "user")
	if err == nil && strings.TrimLeftFunc(text, unseen) == "" {
		return "", r.errorf("field %q is empty, expected text", field)
	}
	return text, err
}

// instruction returns an instruction with Alpaca's input, which stands after an empty line.
func (r record) instruction() (string, error) {
	text, err := r.asked("instruction")
	if err != nil {
		return text, err
	}
	input, err := r.input()
	if input != "" {
		text += "\n\n" + input
	}
	return text, err
}

// input returns Alpaca's input, "" for none.
func (r record) input() (string, error) {
	if !r.has("input") || string(r.fields["input"]) == "null" {
		return "", nil
	}
	input, err := r.text("input")
	if strings.TrimSpace(input) == "" {
		return "", err
	}
	return input, err
}

// idOr is the id of a form whose published files have none: those of a file that does have them count, since its lines
// may be in another order.
func (r record) idOr(numbered string) (string, error) {
	if !r.has("id") {
		return numbered, nil
	}
	return r.id()
}

func parseMGSM(r record, lang string, index int) (p Prompt, err error) {
	p.Lang = lang
	if p.ID, err = r.idOr("mgsm-" + strconv.Itoa(index)); err != nil {
		return p, err
	}
	if p.Text, err = r.asked("query"); err != nil {
		return p, err
	}
	p.Answer, err = r.word("response")
	return p, err
}

// parseHubMGSM reads the form of juletxara/mgsm on the Hugging Face hub.
func parseHubMGSM(r record, lang string, index int) (p Prompt, err error) {
	p.Lang = lang
	if p.ID, err = r.idOr("mgsm-" + strconv.Itoa(index)); err != nil {
		return p, err
	}
	if p.Text, err = r.asked("question"); err != nil {
		return p, err
	}
	p.Answer, err = r.word("answer_number")
	return p, err
}

// parseHubGSM8K reads the form of openai/gsm8k on the hub, whose answers are worked solutions that end in the number.
func parseHubGSM8K(r record, lang string, index int) (p Prompt, err error) {
	p.Lang = lang
	if p.ID, err = r.idOr("gsm8k-" + strconv.Itoa(index)); err != nil {
		return p, err
	}
	if p.Text, err = r.asked("question"); err != nil {
		return p, err
	}
	worked, err := r.filled("answer")
	if err != nil {
		return p, err
	}
	_, number, found := strings.Cut(worked, "\n#### ")
	if p.Answer = strings.TrimSpace(number); !found || p.Answer == "" {
		return p, r.errorf("field %q: expected a last line with \"#### \" and the number", "answer")
	}
	return p, nil
}

func parseGSM8K(r record, lang string, _ int) (p Prompt, err error) {
	p, err = parseAlpagasus(r, lang, 0)
	if err != nil {
		return p, err
	}
	if bare := strings.TrimPrefix(p.ID, lang); strings.HasPrefix(bare, "gsm8k") {
		p.ID = bare
	}
	p.Answer, err = r.word("final_answer")
	return p, err
}

func parseXAlpacaEval(r record, lang string, _ int) (p Prompt, err error) {
	var number int
	if err = r.value("id", "a whole number", &number); err != nil {
		return p, err
	}
	p.ID, p.Lang = "x-alpacaeval-"+strconv.Itoa(number), lang
	p.Text, err = r.instruction()
	return p, err
}

func parseAlpagasus(r record, lang string, _ int) (p Prompt, err error) {
	p.Lang = lang
	if p.ID, err = r.id(); err != nil {
		return p, err
	}
	p.Text, err = r.instruction()
	return p, err
}
