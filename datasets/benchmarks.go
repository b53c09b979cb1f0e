package datasets

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The forms of newer multilingual benchmarks: prompts of M-ArenaHard (CohereLabs/m-ArenaHard and its version 2.0, as
// those who load them name the columns), of MSVAMP and of PolyMath (as their files in microsoft/MathOctopus and
// QwenLM/PolyMath on GitHub have them); as their cards on the Hugging Face hub give them, choices of Global-MMLU-Lite
// (CohereLabs/Global-MMLU-Lite) and Belebele (facebook/belebele), asked as lm-evaluation-harness 0.4 asks them.

// parseArenaHard reads either version: the second has the language beside the prompt.
func parseArenaHard(r record, lang string, _ int) (p Prompt, err error) {
	p.Lang = lang
	if r.has("language") {
		own, err := r.text("language")
		if err != nil {
			return p, err
		}
		if lang != "" && own != lang {
			return p, r.errorf("field %q: %q, expected that of the file, %q", "language", own, lang)
		}
		p.Lang = own
	}
	if p.ID, err = r.word("question_id"); err != nil {
		return p, err
	}
	p.Text, err = r.asked("prompt")
	return p, err
}

// parseMSVAMP reads a problem with its number. Files but the English one hold the English problem too, as "query", and
// all of them an equation.
func parseMSVAMP(r record, lang string, index int) (p Prompt, err error) {
	p.Lang = lang
	if p.ID, err = r.idOr("msvamp-" + strconv.Itoa(index)); err != nil {
		return p, err
	}
	if p.Text, err = r.asked("m_query"); err != nil {
		return p, err
	}
	p.Answer, err = r.word("response")
	p.Answer = strings.TrimSuffix(p.Answer, ".0") // whole numbers are published as 145.0
	return p, err
}

var polyMathID = regexp.MustCompile(`^(top|high|medium|low)-([a-z]{2,3})-([0-9]+)$`)

// parsePolyMath reads PolyMath, whose ids name the language ("top-de-0"), so that it is dropped, and whose answers are
// LaTeX. Other files with these fields are of the hub's GSM8K.
func parsePolyMath(r record, lang string, index int) (p Prompt, err error) {
	id, err := r.id()
	if err != nil {
		return p, err
	}
	parts := polyMathID.FindStringSubmatch(id)
	if parts == nil {
		return parseHubGSM8K(r, lang, index)
	}
	if lang != "" && parts[2] != lang {
		return p, r.errorf("field %q: %q names language %q, expected that of the file, %q", "id", id, parts[2], lang)
	}
	p.ID, p.Lang = parts[1]+"-"+parts[3], parts[2]
	if p.Text, err = r.asked("question"); err != nil {
		return p, err
	}
	p.Answer, err = r.word("answer")
	return p, err
}

// parseGlobalMMLU reads a question as that of m_mmlu, from the fields of Global-MMLU.
func parseGlobalMMLU(r record, p *ChoiceItem) (err error) {
	if err = r.identify("sample_id", p); err != nil {
		return err
	}
	return mmluQuestion(r, "question", p)
}

// belebeleAnswers is the number of answers to a question of Belebele.
const belebeleAnswers = 4

func parseBelebele(r record, p *ChoiceItem) error {
	link, err := r.filled("link")
	if err != nil {
		return err
	}
	number, err := r.word("question_number")
	if err != nil {
		return err
	}
	p.ID = link + "#" + number // which together name a question
	passage, err := r.filled("flores_passage")
	if err != nil {
		return err
	}
	question, err := r.filled("question")
	if err != nil {
		return err
	}
	var prompt strings.Builder
	fmt.Fprintf(&prompt, "P: %s\nQ: %s", passage, strings.TrimSpace(question))
	for i, letter := range choiceLetters[:belebeleAnswers] {
		answer, err := r.filled("mc_answer" + strconv.Itoa(i+1))
		if err != nil {
			return err
		}
		fmt.Fprintf(&prompt, "\n%c: %s", letter, answer)
		p.Choices = append(p.Choices, string(letter))
	}
	p.Context = prompt.String() + "\nAnswer:"
	right, err := r.word("correct_answer_num")
	if err != nil {
		return err
	}
	if p.Gold = strings.Index("1234", right); len(right) != 1 || p.Gold < 0 {
		return r.errorf("field %q: expected 1 to %d, found %q", "correct_answer_num", belebeleAnswers, right)
	}
	return nil
}

// floresCodes are the names of Belebele's files, without extension, by our language codes.
var floresCodes = map[string]string{
	"ar": "arb_Arab", "bg": "bul_Cyrl", "bn": "ben_Beng", "ca": "cat_Latn", "cs": "ces_Latn", "da": "dan_Latn",
	"de": "deu_Latn", "el": "ell_Grek", "en": "eng_Latn", "es": "spa_Latn", "et": "est_Latn", "eu": "eus_Latn",
	"fa": "pes_Arab", "fi": "fin_Latn", "fr": "fra_Latn", "he": "heb_Hebr", "hi": "hin_Deva", "hr": "hrv_Latn",
	"hu": "hun_Latn", "id": "ind_Latn", "it": "ita_Latn", "ja": "jpn_Jpan", "ko": "kor_Hang", "lt": "lit_Latn",
	"nl": "nld_Latn", "pl": "pol_Latn", "pt": "por_Latn", "ro": "ron_Latn", "ru": "rus_Cyrl", "sk": "slk_Latn",
	"sl": "slv_Latn", "sv": "swe_Latn", "sw": "swh_Latn", "ta": "tam_Taml", "te": "tel_Telu", "th": "tha_Thai",
	"tr": "tur_Latn", "uk": "ukr_Cyrl", "ur": "urd_Arab", "vi": "vie_Latn", "yo": "yor_Latn", "zh": "zho_Hans",
	"zu": "zul_Latn",
}
