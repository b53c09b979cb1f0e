package lidr

import (
	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/langid"
)

// Verdict is a line of <model>/eval/problems/LANG.jsonl: an answer and what was found in it.
type Verdict struct {
	ID           string `json:"id"`
	Lang         string `json:"lang"`
	Response     string `json:"response"`
	FinishReason string `json:"finish_reason"`
	Gold         string `json:"gold"`
	Correct      bool   `json:"correct"`  // the final number is the gold one
	Steps        bool   `json:"steps"`    // every step of the solution is right (miniature only)
	Language     string `json:"language"` // as identified, "" undetermined
	OnTarget     bool   `json:"on_target"`
	Strict       bool   `json:"strict,omitempty"`   // right by lm-evaluation-harness' answer phrase (files only)
	Flexible     bool   `json:"flexible,omitempty"` // right by its last number (files only)
}

// Rubric is the rule of head-to-head comparisons, in words.
const Rubric = "An answer scores one point for the right final number, one for the language of the problem, and (miniature only) one for a solution in which every step is right. More points win; equal points tie."

// Points is the number of points by [Rubric], 0 to 3.
func (v Verdict) Points() float64 {
	points := 0.0
	for _, hit := range []bool{v.Correct, v.OnTarget, v.Steps} {
		if hit {
			points++
		}
	}
	return points
}

// judge applies the rubric to one answer: the miniature's checker for its own problems, number extraction and language
// identification by id for others. There an undetermined language (a bare number, say) counts as on target.
func judge(row datasets.Response, gold string, id langid.Identifier) Verdict {
	v := Verdict{ID: row.ID, Lang: row.Lang, Response: row.Response, FinishReason: row.FinishReason, Gold: gold}
	if problem, err := miniature.Decode(row.ID); err == nil {
		verdict := miniature.Check(row.Response, problem, row.Lang)
		v.Correct, v.Steps, v.Language, v.OnTarget = verdict.Correct, verdict.StepsCorrect, verdict.Language, verdict.OnTarget
		return v
	}
	a := eval.ReadAnswer(row.Response, gold, row.Lang, id)
	v.Correct, v.Strict, v.Flexible, v.Language, v.OnTarget = a.Right, a.StrictRight, a.FlexRight, a.Language, !a.WrongLang
	return v
}
