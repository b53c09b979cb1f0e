package eval

import (
	"fmt"

	"lidrlab/lidr/langid"
)

// Arithmetic is one scored answer to a problem whose answer is a number, read in three ways.
type Arithmetic struct {
	Strict       string `json:"strict"` // what each reading found, "" if nothing
	Flexible     string `json:"flexible"`
	Number       string `json:"number"`
	StrictRight  bool   `json:"strict_right"`
	FlexRight    bool   `json:"flexible_right"`
	Right        bool   `json:"right"`        // by Number, the normalised reading
	Language     string `json:"language"`     // of the answer, "" if undetermined
	WrongLang    bool   `json:"off_target"`   // determined, and not the problem's language
	Undetermined bool   `json:"undetermined"` // too short, or nothing but numbers
}

// ArithmeticScore sums up the answers of one language.
type ArithmeticScore struct {
	Lang     string   `json:"lang"`
	Strict   Estimate `json:"strict"`
	Flexible Estimate `json:"flexible"`
	Accuracy Estimate `json:"accuracy"` // by the normalised reading
	// OffTarget is the share of all answers that are determined and in another language than the problem, so that it
	// compares with the paper's rate over its 250 problems; Undetermined answers are counted apart.
	OffTarget    Estimate `json:"off_target"`
	Undetermined int      `json:"undetermined"`
	Identifier   string   `json:"identifier"` // who said in which language an answer is
	// The three parts of all answers: right, right in the wrong language, wrong.
	RightOnTarget  Estimate `json:"right_on_target"`
	RightOffTarget Estimate `json:"right_off_target"`
	Wrong          Estimate `json:"wrong"`
}

// ReadAnswer reads the number and the language of one answer to a problem in lang.
func ReadAnswer(answer, gold, lang string, id langid.Identifier) Arithmetic {
	a := Arithmetic{Strict: StrictNumber(answer, lang), Flexible: FlexibleNumber(answer)}
	a.Number, _ = Number(answer, lang)
	a.StrictRight, a.FlexRight = HarnessEqual(a.Strict, gold), HarnessEqual(a.Flexible, gold)
	a.Right = EqualNumbers(a.Number, gold)
	a.Language, _ = id.Identify(answer)
	a.Undetermined = a.Language == ""
	a.WrongLang = !a.Undetermined && a.Language != lang
	return a
}

// ScoreMGSM scores one answer for each gold answer, all to problems in one language.
func ScoreMGSM(answers, gold []string, lang string, id langid.Identifier) ([]Arithmetic, ArithmeticScore, error) {
	if len(answers) != len(gold) {
		return nil, ArithmeticScore{}, fmt.Errorf("eval: %d answers to %d problems in %q, expected one each", len(answers), len(gold), lang)
	}
	items := make([]Arithmetic, len(answers))
	var strict, flexible, right, offTarget, undetermined, rightOff int
	for i, answer := range answers {
		if _, ok := Number(gold[i], "en"); !ok {
			return nil, ArithmeticScore{}, fmt.Errorf("eval: problem %d in %q: gold answer %q is no number", i, lang, gold[i])
		}
		a := ReadAnswer(answer, gold[i], lang, id)
		strict, flexible, right = strict+one(a.StrictRight), flexible+one(a.FlexRight), right+one(a.Right)
		offTarget, undetermined = offTarget+one(a.WrongLang), undetermined+one(a.Undetermined)
		rightOff += one(a.Right && a.WrongLang)
		items[i] = a
	}
	n := len(answers)
	return items, ArithmeticScore{
		Lang: lang, Strict: Proportion(strict, n), Flexible: Proportion(flexible, n), Accuracy: Proportion(right, n),
		OffTarget: Proportion(offTarget, n), Undetermined: undetermined, Identifier: id.Name(),
		RightOnTarget: Proportion(right-rightOff, n), RightOffTarget: Proportion(rightOff, n), Wrong: Proportion(n-right, n),
	}, nil
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
