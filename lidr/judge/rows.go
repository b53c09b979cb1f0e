package judge

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
)

// Output is one answer that is compared, in alpaca_eval's word: a row of the frames that [Compare] takes and
// [References] returns. Frames with more columns, such as those of [datasets.Response] rows, serve as well.
type Output struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"`
	Prompt   string `json:"prompt"`
	Response string `json:"response"`
	Fault    string `json:"fault" frame:"optional"` // why it is no whole answer, "" for one; see [lm.Completion.Fault]
}

// question is what is read of a prompt.
type question struct {
	ID     string `json:"id"`
	Lang   string `json:"lang"`
	Prompt string `json:"prompt"`
}

// Judgement is a row of the verdicts that [Compare] returns: how far the judge prefers a response to the reference.
// Preferences are 1 for the reference to 2 for the response.
type Judgement struct {
	ID         string  `json:"id"`
	Lang       string  `json:"lang"`
	Prompt     string  `json:"prompt"`
	Reference  string  `json:"reference"`
	Response   string  `json:"response"`
	First      float64 `json:"first"`      // preference with the reference shown first, NaN: not asked, or no verdict
	Second     float64 `json:"second"`     // preference with the response shown first, NaN likewise
	Preference float64 `json:"preference"` // mean of the orders asked, NaN: the judge failed
	Fault      string  `json:"fault"`      // why there is no preference, "" if there is one
}

// WinRate is a row of the scores that [Compare] returns: one metric in one language.
//
//   - win_rate: mean of preference − 1, the raw win rate of alpaca_eval
//   - discrete_win_rate: a win counts 1, a draw one half
//   - length_controlled_win_rate: the minimal form; unknown, with the reason, where it has no solution
//   - win, tie, lose and flip_rate, where both orders were asked: by the tie rule of [eval.TieRule]
type WinRate struct {
	Metric   string `json:"metric"`
	Lang     string `json:"lang"`
	Value    Number `json:"value"`    // a share in 0…1; unknown where it cannot be computed
	SE       Number `json:"se"`       // standard error; unknown of fewer than two items
	N        int    `json:"n"`        // items with a verdict
	Failed   int    `json:"failed"`   // items without, for the reasons that Warning counts
	Verdicts string `json:"verdicts"` // "weighted" by the probabilities of the tokens, in "words", or "mixed"
	Warning  string `json:"warning"`  // what weakens the number, "" if nothing does
}

// PairRating is a row of the ratings that [Rate] returns, and a line of <model>/pairs.ratings.jsonl.
type PairRating struct {
	ID              string `json:"id"`
	Lang            string `json:"lang"`
	Source          string `json:"source"` // of the pair, see [lidr.Pair]
	Chosen          Number `json:"chosen"` // 0 to 10; unknown: the judge failed
	Rejected        Number `json:"rejected"`
	ChosenVerdict   string `json:"chosen_verdict"` // what the judge said
	RejectedVerdict string `json:"rejected_verdict"`
	ChosenFault     string `json:"chosen_fault,omitempty"` // why the side has no rating, "" if it has one
	RejectedFault   string `json:"rejected_fault,omitempty"`
}

// RatingScore is a row of the scores that [Rate] returns: one metric in one language.
//
//   - chosen, rejected: mean rating of that side, 0 to 10
//   - self_translation, self_generation: mean rating of the sides that the model translated from its own answer, and of
//     those that it answered in the language itself, as far as the pairs' sources say
//   - judged_reward_accuracy: share of the pairs whose chosen side is rated higher, 0…1; ties count half
type RatingScore struct {
	Model   string `json:"model"` // the model that made the pairs
	Judge   string `json:"judge"`
	Metric  string `json:"metric"`
	Lang    string `json:"lang"`
	Value   Number `json:"value"`
	SE      Number `json:"se"`
	N       int    `json:"n"`       // sides with a rating, or pairs of which both sides have one
	Ties    int    `json:"ties"`    // pairs whose sides are rated the same; 0 for the other metrics
	Failed  int    `json:"failed"`  // sides or pairs without
	Warning string `json:"warning"` // what weakens the number, "" if nothing does
}

// MTAnswer is a line of <model>/eval/mtbench/LANG.jsonl.
type MTAnswer struct {
	QuestionID string `json:"question_id"`
	Turn       int    `json:"turn"` // 1 or 2
	Answer     string `json:"answer"`
	Verdict    string `json:"verdict"` // what the judge said
	Rating     Number `json:"rating"`  // 1 to 10; unknown: the judge failed
	// AnswerFault is why the answer is no whole one, and Fault why there is no rating; "" for none.
	AnswerFault string `json:"answer_fault,omitempty"`
	Fault       string `json:"fault,omitempty"`
}

// MTScore is a row of the frame that [MTBench] returns.
type MTScore struct {
	Model    string `json:"model"`
	Category string `json:"category"` // "all": every question
	Turn     int    `json:"turn"`     // 1, 2, or 0 for the mean of both
	Lang     string `json:"lang"`
	Value    Number `json:"value"`   // mean, 1 to 10; unknown of no rating
	SE       Number `json:"se"`      // standard error, over the questions; unknown of fewer than two
	N        int    `json:"n"`       // questions with a rating; turn 0: with both
	Failed   int    `json:"failed"`  // questions without
	Warning  string `json:"warning"` // what weakens the number, "" if nothing does
}

// Number is a float64 that can be unknown: NaN in a frame, null in a file, since JSON has no NaN.
type Number float64

var unknown = Number(math.NaN())

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = unknown
		return nil
	}
	return json.Unmarshal(data, (*float64)(n))
}

// rowsOf reads a frame; what names it in errors.
func rowsOf[T any](frame dataframe.DataFrame, what string) ([]T, error) {
	var rows []T
	if err := datasets.Rows(frame, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return rows, nil
}

// byLanguage groups rows; langs are the languages in the order of their appearance.
func byLanguage[T any](rows []T, langOf func(T) string) (langs []string, groups map[string][]T) {
	groups = map[string][]T{}
	for _, row := range rows {
		lang := langOf(row)
		if groups[lang] == nil {
			langs = append(langs, lang)
		}
		groups[lang] = append(groups[lang], row)
	}
	return langs, groups
}
