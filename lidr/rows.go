package lidr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/lm"
)

// The rows below are what frames and files are made of: a frame's columns are the json tags of its row type. Rows of
// other packages are [datasets.Response] and [datasets.Translation], [dpo.Step], [eval.Score] and [eval.Change].
// [datasets.Rows] reads a frame back into rows. Frames are the view at the edge: steps compute on slices of rows.

// Prompt is a row of the frame that [Prompts] returns.
type Prompt struct {
	ID     string `json:"id"` // the same in every language
	Lang   string `json:"lang"`
	Prompt string `json:"prompt"`
	Answer string `json:"answer"` // the gold answer, "" where there is none
	Source string `json:"source"` // file:line, or the generator
}

// Pair is a row of the frame that [Pairs] returns: one preference pair in words.
type Pair struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"`
	Prompt   string `json:"prompt"`
	Chosen   string `json:"chosen"`
	Rejected string `json:"rejected"`
	// Source says how the pair was made: "en>de" is a translated English answer over the model's own German one,
	// "de>en" the model's English answer over a German one translated back, "en" an untranslated English answer.
	Source string `json:"source"`
}

// Origin reads [Pair.Source]: the language of the answer that was translated, and the one it was translated into, ""
// where nothing was translated.
func (p Pair) Origin() (from, to string) {
	from, to, _ = strings.Cut(p.Source, ">")
	return from, to
}

// PairCount is a row of the counts that [Pairs] returns: how many pairs of a language there were at one stage.
type PairCount struct {
	Lang string `json:"lang"`
	// Count is "candidates", "dropped", "pairs", which are what is left, or "unscored", which are samples and no pairs.
	Count  string `json:"count"`
	Filter string `json:"filter"` // what dropped them, or why they have no score; "" for the other counts
	N      int    `json:"n"`
}

// Reward is a row of the frame that [RewardAccuracy] returns.
type Reward struct {
	Model string  `json:"model"` // the model that made the pairs
	Lang  string  `json:"lang"`
	Value float64 `json:"value"` // share in 0…1 of the pairs that decide whose right side is chosen
	SE    float64 `json:"se"`
	N     int     `json:"n"` // pairs of which exactly one side is right; with fewer than 2 value and se are 0
	Pairs int     `json:"pairs"`
}

// Verdict is what a [Task] finds in an answer, and a line of <model>/eval/problems/LANG.jsonl.
type Verdict struct {
	ID           string `json:"id"`
	Lang         string `json:"lang"`
	Sample       int    `json:"sample,omitempty" frame:"optional"` // of several answers to the problem, from 0
	Response     string `json:"response"`
	FinishReason string `json:"finish_reason"`
	Fault        string `json:"fault,omitempty" frame:"optional"` // why it is no whole answer, "" for one
	Gold         string `json:"gold"`
	Correct      bool   `json:"correct"`  // the final answer is the gold one
	Steps        bool   `json:"steps"`    // every step of the solution is right, where the task checks steps
	Language     string `json:"language"` // as identified, "" undetermined
	OnTarget     bool   `json:"on_target"`
	Strict       bool   `json:"strict,omitempty"`   // right by lm-evaluation-harness' answer phrase (files only)
	Flexible     bool   `json:"flexible,omitempty"` // right by its last number (files only)
}

// Rubric is the rule of head-to-head comparisons, in words.
const Rubric = "An answer scores one point for the right final number, one for the language of the problem, " +
	"and (miniature only) one for a solution in which every step is right. More points win; equal points tie."

// Points is the number of points by [Rubric], 0 to 3. What is no answer has none.
func (v Verdict) Points() float64 {
	points := 0.0
	if noAnswer(v.Fault) {
		return points
	}
	for _, hit := range []bool{v.Correct, v.OnTarget, v.Steps} {
		if hit {
			points++
		}
	}
	return points
}

// noAnswer says whether an answer with a fault is none of the model's: a cut one is one, as far as it goes.
func noAnswer(fault string) bool { return fault != "" && fault != lm.FaultCut }

// Match is a row of the frame that [HeadToHead] returns.
type Match struct {
	From string `json:"from"`
	To   string `json:"to"`
	Lang string `json:"lang"`
	Win  int    `json:"win"` // answers of to that beat from's
	Tie  int    `json:"tie"`
	Lose int    `json:"lose"`
}

// Cost is a row of the frame that [DryRun] returns: what a step takes at most.
type Cost struct {
	Model        string  `json:"model"`
	Step         string  `json:"step"`
	Requests     int     `json:"requests"`
	PromptTokens int     `json:"prompt_tokens"`
	AnswerTokens int     `json:"answer_tokens"`
	Dollars      float64 `json:"dollars"`
}

// SweepScore is a row of the frame that [Sweep] returns.
type SweepScore struct {
	Cell         string  `json:"cell"`
	Model        string  `json:"model"`
	Metric       string  `json:"metric"`
	Lang         string  `json:"lang"`
	Value        float64 `json:"value"`
	SE           float64 `json:"se"`
	Difference   float64 `json:"difference"`    // from M0, on the same problems
	DifferenceSE float64 `json:"difference_se"` // of the paired difference, without the variance between trainings
	N            int     `json:"n"`
}

// ControlChange is a row of the frame that [Controls] returns.
type ControlChange struct {
	Control    string  `json:"control"`
	Note       string  `json:"note"`
	Model      string  `json:"model"` // M1, M2, …
	Metric     string  `json:"metric"`
	Lang       string  `json:"lang"`
	Difference float64 `json:"difference"` // from M0
	SE         float64 `json:"se"`         // paired over problems: one seed, so no variance between trainings
}

// passage is a text to translate.
type passage struct {
	ID, From, To, Text string
	Sample             int
	Origin             string // for errors
	Fault              string // of the answer that it is, "" for a whole one
}

// rowsOf reads a frame; what names it in errors.
func rowsOf[T any](frame dataframe.DataFrame, what string) ([]T, error) {
	var rows []T
	if err := datasets.Rows(frame, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return rows, nil
}

// modelName names the model with so many rounds of training behind it.
func modelName(round int) string { return fmt.Sprintf("M%d", round) }

// inLanguage returns the responses to prompts in one language.
func inLanguage(rows []datasets.Response, lang string) []datasets.Response {
	var own []datasets.Response
	for _, row := range rows {
		if row.Lang == lang {
			own = append(own, row)
		}
	}
	return own
}

// SampleScore is a row of the frame that [ScoreSamples] returns, and a line of <model>/scores/NAME.jsonl: what one
// answer is worth.
type SampleScore struct {
	ID     string  `json:"id"`
	Lang   string  `json:"lang"`
	Sample int     `json:"sample"`                           // of the answer, see [datasets.Response]
	Score  float64 `json:"score"`                            // more is better; NaN where there is none, null in a file
	Parts  string  `json:"parts,omitempty" frame:"optional"` // numbers that the score is made of, as a JSON object
	Fault  string  `json:"fault,omitempty" frame:"optional"` // why there is no score, "" for one
}

// With returns the row with one more part; what is no finite number is left out.
func (s SampleScore) With(name string, value float64) SampleScore {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return s
	}
	parts := map[string]float64{}
	if s.Parts != "" && json.Unmarshal([]byte(s.Parts), &parts) != nil {
		parts = map[string]float64{}
	}
	parts[name] = value
	encoded, err := json.Marshal(parts)
	if err != nil {
		panic(err) // finite numbers by name
	}
	s.Parts = string(encoded)
	return s
}

// Part is a part of the score by its name, NaN where it has none.
func (s SampleScore) Part(name string) float64 {
	var parts map[string]float64
	if json.Unmarshal([]byte(s.Parts), &parts) == nil {
		if value, ok := parts[name]; ok {
			return value
		}
	}
	return math.NaN()
}

// sampleScoreJSON is the form of a score in a file: JSON has no NaN, and parts are an object there.
type sampleScoreJSON struct {
	ID     string          `json:"id"`
	Lang   string          `json:"lang"`
	Sample int             `json:"sample"`
	Score  *float64        `json:"score"`
	Parts  json.RawMessage `json:"parts,omitempty"`
	Fault  string          `json:"fault,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (s SampleScore) MarshalJSON() ([]byte, error) {
	file := sampleScoreJSON{s.ID, s.Lang, s.Sample, &s.Score, json.RawMessage(s.Parts), s.Fault}
	if math.IsNaN(s.Score) {
		file.Score = nil
	}
	return json.Marshal(file)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *SampleScore) UnmarshalJSON(data []byte) error {
	var file sampleScoreJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return err
	}
	*s = SampleScore{file.ID, file.Lang, file.Sample, math.NaN(), string(file.Parts), file.Fault}
	if file.Score != nil {
		s.Score = *file.Score
	}
	return nil
}
