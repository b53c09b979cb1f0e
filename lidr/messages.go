package lidr

import (
	"fmt"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"lidrlab/datasets"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/langid"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// Messages returns the conversation that asks a prompt in a language: the same for generation and for training.
func (s GenerateSettings) Messages(prompt, lang string) ([]tokenizer.Message, error) {
	wrap, err := s.parsed()
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	user, err := wrap.Render(map[string]string{"Prompt": prompt, "Language": LanguageName(lang)})
	return lm.Turn(s.System, user), err
}

func (s GenerateSettings) parsed() (lm.Template, error) {
	return lm.ParseTemplate("generate.template", s.Template, []string{"Prompt"}, "Language")
}

// Messages returns the conversation that asks for a translation, up to the prefill of the answer.
func (s TranslateSettings) Messages(text, from, to string) ([]tokenizer.Message, error) {
	wrap, err := s.parsed()
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	user, err := wrap.Render(map[string]string{"Text": text, "From": LanguageName(from), "To": LanguageName(to)})
	return lm.Turn(s.System, user), err
}

func (s TranslateSettings) parsed() (lm.Template, error) {
	return lm.ParseTemplate("translate.template", s.Template, []string{"Text"}, "From", "To")
}

// exemplars returns the turns before a problem of each language: the first n worked examples of a folder, each a turn
// of the user, wrapped as the problem is, and one of the assistant.
func exemplars(s GenerateSettings, folder string, n int, langs []string) (map[string][]tokenizer.Message, error) {
	if n == 0 {
		return nil, nil
	}
	shots := map[string][]tokenizer.Message{}
	for _, lang := range langs {
		examples, err := datasets.LoadExemplars(folder, lang)
		if err != nil {
			return nil, err
		}
		if len(examples) < n {
			return nil, fmt.Errorf("%s: %d worked examples, expected at least the evaluate.shots = %d asked for",
				examples[0].File, len(examples), n)
		}
		for _, e := range examples[:n] {
			messages, err := s.Messages(e.Question, lang)
			if err != nil {
				return nil, err
			}
			answer := tokenizer.Message{Role: "assistant", Content: e.Answer}
			shots[lang] = append(shots[lang], messages[len(messages)-1], answer)
		}
	}
	return shots, nil
}

// TokenPairs turns pairs into token ids as training sees them: the text is what the model's chat template writes for
// the prompt and each side, and of that the prompt is what generation starts from. Every token of a side counts,
// through the end token or, unless TrainSettings.WithoutTail is set, what the template writes behind it. Longer pairs
// are cut where TrainSettings.Cut says so.
func TokenPairs(m *Model, s Settings, pairs []Pair) ([]dpo.Pair, error) {
	out, tok := make([]dpo.Pair, len(pairs)), m.tokenizer.Thinking(s.Generate.Thinking)
	for i, row := range pairs {
		messages, err := s.Generate.Messages(row.Prompt, row.Lang)
		if err != nil {
			return nil, err
		}
		var sides [2][]int32
		for k, text := range [2]string{row.Chosen, row.Rejected} {
			if out[i].Prompt, sides[k], err = s.Train.answered(tok, messages, "", text); err != nil {
				return nil, fmt.Errorf("pair %d (prompt %s in %s): %w", i, row.ID, row.Lang, err)
			}
		}
		out[i].Chosen, out[i].Rejected = sides[0], sides[1]
		switch {
		case s.Train.Cut == "":
		case s.Train.Objective == "sft": // in which the rejected side, that nothing reads, cuts no other
			cut := dpo.Cut(dpo.Pair{Prompt: out[i].Prompt, Chosen: out[i].Chosen}, s.Train.MaxLength, s.Train.Cut)
			out[i].Prompt, out[i].Chosen = cut.Prompt, cut.Chosen
		default:
			out[i] = dpo.Cut(out[i], s.Train.MaxLength, s.Train.Cut)
		}
	}
	return out, nil
}

// answered returns the ids of a prompt and of its answer that count in the loss.
func (s TrainSettings) answered(tok *tokenizer.Tokenizer, messages []tokenizer.Message, prefill,
	answer string) (prompt, response []int32, err error) {
	before, after, tail, err := tok.EncodeAnswered(messages, prefill, answer)
	if s.WithoutTail {
		after = after[:len(after)-tail]
	}
	return int32s(before), int32s(after), err
}

func int32s(ids []int) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}

// languageNames are the English names that templates speak of: the languages of the paper's experiments, MGSM's and the
// miniature's. They are fixed here because CLDR may rename a language (Bengali is Bangla there), which would change
// what a model is asked.
var languageNames = map[string]string{
	"ar": "Arabic", "bn": "Bengali", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi",
	"it": "Italian", "ja": "Japanese", "ko": "Korean", "pt": "Portuguese", "ru": "Russian", "sw": "Swahili",
	"te": "Telugu", "th": "Thai", "zh": "Chinese",
}

// baseLanguage returns the language of a regional code: pt of pt-BR. Language identifiers know no regions.
func baseLanguage(code string) string { return langid.Base(code) }

// LanguageName returns the English name of an ISO 639 code, from CLDR for a language outside our table, and "" for an
// unknown code.
func LanguageName(code string) string {
	if name := languageNames[code]; name != "" {
		return name
	}
	tag, err := language.Parse(code)
	if err != nil {
		return ""
	}
	return display.English.Languages().Name(tag)
}
