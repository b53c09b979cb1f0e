package datasets

import (
	"fmt"
	"strings"
)

// Response is one answer of a model to one prompt.
type Response struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"` // the language of the prompt, in which an answer is expected
	Prompt   string `json:"prompt"`
	Response string `json:"response"` // as the model gave it; may be empty

	// Sample numbers the answers to one prompt from 0, where a run asks for several.
	Sample int `json:"sample,omitempty" frame:"optional"`
	// From is the language of the answer that this one is a translation of, "" for one that the model gave itself.
	From string `json:"from,omitempty" frame:"optional"`

	FinishReason string `json:"finish_reason"` // "stop", "length"; "" where the source does not give it
	Tokens       int    `json:"tokens"`        // generated tokens; 0 where the source does not give them

	Fault  string `json:"fault,omitempty" frame:"optional"`  // why it is no whole answer, "" for one
	Reason string `json:"reason,omitempty" frame:"optional"` // the same in the server's words, where it has any
}

// Translation is a model's translation of one of its answers.
type Translation struct {
	ID         string `json:"id"`
	From       string `json:"from"`
	To         string `json:"to"`
	Source     string `json:"source"`     // the text that was translated
	Completion string `json:"completion"` // the model's completion, unparsed
	Text       string `json:"text"`       // the translation, "" if it failed
	OK         bool   `json:"ok"`
	Reason     string `json:"reason"` // why it failed, "" if it did not
	// Fault is why the completion is no whole answer, "" for one: a cut one can still hold its translation.
	Fault  string `json:"fault,omitempty" frame:"optional"`
	Sample int    `json:"sample,omitempty" frame:"optional"` // of the answer that was translated, see [Response]
}

// publishedFailure is what the LIDR reference code writes instead of a translation without a closing tag. Of the 1,000
// published translations into French it is 78.
const publishedFailure = "Translation Error"

// LoadResponses reads the answers of a model in one language, in file order. A line is in our own form, a [Response],
// or in that of the LIDR reference code (id, a text or a number, prompt, response, finish_reason where it has one, and
// fields that are ignored). An answer may be empty. Prompt and response may be conversations of one turn, as in TRL's
// files.
func LoadResponses(path, lang string) ([]Response, error) {
	if err := checkLanguages([]string{lang}); err != nil {
		return nil, err
	}
	var out []Response
	seen := idLines{}
	err := readRecords(path, func(r record) error {
		err := r.spelled([]string{"id", "lang", "prompt", "response", "sample", "from", "finish_reason", "tokens"})
		if err != nil {
			return err
		}
		resp, err := parseResponse(r, lang)
		if err == nil {
			err = seen.add(r, sampleID(resp.ID, resp.Sample))
		}
		out = append(out, resp)
		return err
	})
	return complete(path, "responses", out, err)
}

// LoadTranslations reads translations of a model's answers, in file order. A line is in our own form, a [Translation],
// or in that of the LIDR reference code, whose field "en2fr_reponse" (its spelling) holds the extracted text or
// "Translation Error". A translation that failed is returned with OK false and a Reason; it is not an error of the
// file. A text that still has the tags is passed to [ExtractTranslation].
func LoadTranslations(path, from, to string) ([]Translation, error) {
	if err := checkLanguages([]string{from, to}); err != nil {
		return nil, err
	}
	var out []Translation
	seen := idLines{}
	err := readRecords(path, func(r record) error {
		t, err := parseTranslation(r, from, to)
		if err == nil {
			err = seen.add(r, sampleID(t.ID, t.Sample))
		}
		out = append(out, t)
		return err
	})
	return complete(path, "translations", out, err)
}

// complete returns what a loader has read: nothing if err is set, and an error if the file had no row.
func complete[T any](path, what string, out []T, err error) ([]T, error) {
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: no %s, expected one JSON object a line", path, what)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// sampleID names one of several answers to a prompt.
func sampleID(id string, sample int) string {
	if sample == 0 {
		return id
	}
	return fmt.Sprintf("%s, sample %d", id, sample)
}

// idLines holds the line of each ID that has been read.
type idLines map[string]int

func (seen idLines) add(r record, id string) error {
	if first, twice := seen[id]; twice {
		return r.errorf("id %q appears twice, first on line %d", id, first)
	}
	seen[id] = r.line
	return nil
}

func parseResponse(r record, lang string) (out Response, err error) {
	if out.ID, err = r.id(); err != nil {
		return out, err
	}
	if out.Prompt, err = r.asked("prompt"); err != nil {
		return out, err
	}
	if out.Response, err = r.said("response", "assistant"); err != nil {
		return out, err
	}
	out.Lang = lang
	if !r.has("lang") { // the reference code's form
		if raw := r.fields["finish_reason"]; raw != nil && raw[0] == '"' { // a cut answer is none, whoever wrote the file
			out.FinishReason, err = r.text("finish_reason")
		}
		return out, err
	}
	err = r.onlyFields("id", "lang", "prompt", "response", "sample", "from", "finish_reason", "tokens", "fault", "reason")
	if err != nil {
		return out, err
	}
	if err = r.same("lang", lang); err != nil {
		return out, err
	}
	if out.Sample, err = r.sample(); err != nil {
		return out, err
	}
	if out.From, err = r.optional("from"); err != nil {
		return out, err
	}
	if out.FinishReason, err = r.text("finish_reason"); err != nil {
		return out, err
	}
	if out.Fault, err = r.optional("fault"); err != nil {
		return out, err
	}
	if out.Reason, err = r.optional("reason"); err != nil {
		return out, err
	}
	return out, r.value("tokens", "a whole number", &out.Tokens)
}

func parseTranslation(r record, from, to string) (out Translation, err error) {
	if out.ID, err = r.id(); err != nil {
		return out, err
	}
	out.From, out.To = from, to
	if r.has("ok") {
		return parseOurTranslation(r, out)
	}
	if out.Source, err = r.text("response"); err != nil {
		return out, err
	}
	if out.Completion, err = r.text(from + "2" + to + "_reponse"); err != nil {
		return out, err
	}
	switch _, text, ended := SplitThought(strings.TrimSpace(out.Completion)); {
	case text == publishedFailure:
		out.Reason = "published as " + publishedFailure
	case !ended || strings.Contains(text, openTranslated) || strings.Contains(text, closeTranslated):
		out.Text, out.OK, out.Reason = ExtractTranslation(out.Completion)
	case text == "":
		out.Reason = "empty"
	default:
		out.Text, out.OK = text, true
	}
	return out, nil
}

func parseOurTranslation(r record, out Translation) (Translation, error) {
	err := r.onlyFields("id", "from", "to", "source", "completion", "text", "ok", "reason", "fault", "sample")
	if err != nil {
		return out, err
	}
	if err = r.same("from", out.From); err != nil {
		return out, err
	}
	if err = r.same("to", out.To); err != nil {
		return out, err
	}
	if out.Source, err = r.text("source"); err != nil {
		return out, err
	}
	if out.Completion, err = r.text("completion"); err != nil {
		return out, err
	}
	if out.Text, err = r.text("text"); err != nil {
		return out, err
	}
	if out.Reason, err = r.text("reason"); err != nil {
		return out, err
	}
	if out.Fault, err = r.optional("fault"); err != nil {
		return out, err
	}
	if out.Sample, err = r.sample(); err != nil {
		return out, err
	}
	if err = r.value("ok", "true or false", &out.OK); err != nil {
		return out, err
	}
	if out.OK != (out.Reason == "") || out.OK != (out.Text != "") {
		return out, r.errorf("fields \"ok\", \"text\" and \"reason\" contradict each other, " +
			"expected a text where ok is true and a reason where it is not")
	}
	return out, nil
}

// sample returns the number of an answer among those to its prompt, 0 where the file does not say.
func (r record) sample() (n int, err error) {
	if !r.has("sample") {
		return 0, nil
	}
	if err = r.value("sample", "a whole number", &n); err == nil && n < 0 {
		err = r.errorf("field \"sample\": expected a whole number of at least 0, found %d", n)
	}
	return n, err
}

// same is an error unless the string field has the value that the caller asked for.
func (r record) same(field, expected string) error {
	found, err := r.text(field)
	if err == nil && found != expected {
		err = r.errorf("field %q: expected %q, found %q", field, expected, found)
	}
	return err
}
