package eval

import (
	"fmt"

	"lidrlab/datasets"
	"lidrlab/lidr/langid"
)

// Arithmetic is one scored answer to a problem whose answer is a number, read in three ways.
type Arithmetic struct {
	Strict       string `json:"strict"` // the number by each reading, "" if there is none
	Flexible     string `json:"flexible"`
	Number       string `json:"number"`
	StrictRight  bool   `json:"strict_right"`
	FlexRight    bool   `json:"flexible_right"`
	Right        bool   `json:"right"`        // by Number, the normalised reading
	Language     string `json:"language"`     // of the answer, "" if undetermined
	WrongLang    bool   `json:"off_target"`   // determined, and not the problem's language
	Undetermined bool   `json:"undetermined"` // too short, or nothing but numbers
}

// ArithmeticScore is the score of the answers in one language.
type ArithmeticScore struct {
	Lang     string   `json:"lang"`
	Strict   Estimate `json:"strict"`
	Flexible Estimate `json:"flexible"`
	Accuracy Estimate `json:"accuracy"` // by the normalised reading
	// OffTarget is the share of the answers whose language is determined and not the problem's, among all answers, as in
	// the paper's rate over its 250 problems. Undetermined is the number of answers without a determined language.
	OffTarget    Estimate `json:"off_target"`
	Undetermined int      `json:"undetermined"`
	Identifier   string   `json:"identifier"` // the identifier that labelled the answers' language, with its version
	// The three parts of all answers: right, right in the wrong language, wrong.
	RightOnTarget  Estimate `json:"right_on_target"`
	RightOffTarget Estimate `json:"right_off_target"`
	Wrong          Estimate `json:"wrong"`
}

// ReadAnswer scores one answer to a problem in lang. Number and language are those of the text behind a thought
// ([datasets.SplitThought]); a thought that does not end is no answer.
func ReadAnswer(answer, gold, lang string, id langid.Identifier) Arithmetic {
	_, answer, ended := datasets.SplitThought(answer)
	if !ended {
		return Arithmetic{Undetermined: true}
	}
	a := Arithmetic{Strict: StrictNumber(answer, lang), Flexible: FlexibleNumber(answer)}
	a.Number, _ = Number(answer, lang)
	a.StrictRight = HarnessEqual(a.Strict, gold)
	a.FlexRight = HarnessEqual(a.Flexible, gold)
	a.Right = EqualNumbers(a.Number, gold)
	a.Language, _ = id.Identify(answer)
	a.Undetermined = a.Language == ""
	a.WrongLang = !a.Undetermined && a.Language != lang && a.Language != langid.Base(lang)
	return a
}

// ScoreMGSM scores one answer for each gold answer, all to problems in one language.
func ScoreMGSM(answers, gold []string, lang string, id langid.Identifier) ([]Arithmetic, ArithmeticScore, error) {
	if len(answers) != len(gold) {
		return nil, ArithmeticScore{}, fmt.Errorf("eval: %d answers to %d problems in %q, expected one each",
			len(answers), len(gold), lang)
	}
	items := make([]Arithmetic, len(answers))
	var strict, flexible, right, offTarget, undetermined, rightOff int
	for i, answer := range answers {
		if _, err := Gold(gold[i]); err != nil {
			return nil, ArithmeticScore{}, fmt.Errorf("eval: problem %d in %q: %w", i, lang, err)
		}
		a := ReadAnswer(answer, gold[i], lang, id)
		strict += zeroOrOne(a.StrictRight)
		flexible += zeroOrOne(a.FlexRight)
		right += zeroOrOne(a.Right)
		offTarget += zeroOrOne(a.WrongLang)
		undetermined += zeroOrOne(a.Undetermined)
		rightOff += zeroOrOne(a.Right && a.WrongLang)
		items[i] = a
	}
	n := len(answers)
	return items, ArithmeticScore{
		Lang:           lang,
		Strict:         Proportion(strict, n),
		Flexible:       Proportion(flexible, n),
		Accuracy:       Proportion(right, n),
		OffTarget:      Proportion(offTarget, n),
		Undetermined:   undetermined,
		Identifier:     id.Name(),
		RightOnTarget:  Proportion(right-rightOff, n),
		RightOffTarget: Proportion(rightOff, n),
		Wrong:          Proportion(n-right, n),
	}, nil
}

func zeroOrOne(b bool) int {
	if b {
		return 1
	}
	return 0
}
