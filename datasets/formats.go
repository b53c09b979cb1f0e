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
	parse  func(r record, lang string, index int) (Prompt, error)
}

// promptFormats are in the order in which they are tried: a form whose fields include another's comes before it.
var promptFormats = []promptFormat{
	{"prompts.jsonl", []string{"lang", "prompt"}, parseOwnPrompt},
	{"MGSM", []string{"query", "response"}, parseMGSM},
	{"GSM8K", []string{"id", "instruction", "final_answer"}, parseGSM8K},
	{"X-AlpacaEval", []string{"id", "dataset", "instruction"}, parseXAlpacaEval},
	{"Alpagasus", []string{"id", "instruction"}, parseAlpagasus},
	{"MGSM of the hub", []string{"question", "answer_number"}, parseHubMGSM},
	{"GSM8K of the hub", []string{"question", "answer"}, parseHubGSM8K},
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
	if p.ID, err = r.filled("id"); err != nil {
		return p, err
	}
	if p.Lang, err = r.text("lang"); err != nil {
		return p, err
	}
	if !languageCode.MatchString(p.Lang) {
		return p, r.errorf("field %q: expected an ISO 639 code such as \"en\", found %q", "lang", p.Lang)
	}
	if p.Text, err = r.filled("prompt"); err != nil || !r.has("answer") {
		return p, err
	}
	p.Answer, err = r.text("answer")
	return p, err
}

func parseMGSM(r record, lang string, index int) (p Prompt, err error) {
	p.ID, p.Lang = "mgsm-"+strconv.Itoa(index), lang
	if p.Text, err = r.filled("query"); err != nil {
		return p, err
	}
	p.Answer, err = r.filled("response")
	return p, err
}

// parseHubMGSM reads the form of juletxara/mgsm on the Hugging Face hub.
func parseHubMGSM(r record, lang string, index int) (p Prompt, err error) {
	p.ID, p.Lang = "mgsm-"+strconv.Itoa(index), lang
	if p.Text, err = r.filled("question"); err != nil {
		return p, err
	}
	p.Answer, err = r.word("answer_number")
	return p, err
}

// parseHubGSM8K reads the form of openai/gsm8k on the hub, whose answers are worked solutions that end in the number.
func parseHubGSM8K(r record, lang string, index int) (p Prompt, err error) {
	p.ID, p.Lang = "gsm8k-"+strconv.Itoa(index), lang
	if p.Text, err = r.filled("question"); err != nil {
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
	p.Answer, err = r.filled("final_answer")
	return p, err
}

func parseXAlpacaEval(r record, lang string, _ int) (p Prompt, err error) {
	var number int
	if err = r.value("id", "a whole number", &number); err != nil {
		return p, err
	}
	p.ID, p.Lang = "x-alpacaeval-"+strconv.Itoa(number), lang
	p.Text, err = r.filled("instruction")
	return p, err
}

func parseAlpagasus(r record, lang string, _ int) (p Prompt, err error) {
	p.Lang = lang
	if p.ID, err = r.filled("id"); err != nil {
		return p, err
	}
	p.Text, err = r.filled("instruction")
	return p, err
}
