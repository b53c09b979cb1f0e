package judge

import (
	"fmt"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// Usage is what a judging took in all, what the store already held included.
type Usage struct {
	Judge        string  `json:"judge"`
	Questions    int     `json:"questions"`
	PromptTokens int     `json:"prompt_tokens"`
	AnswerTokens int     `json:"answer_tokens"`
	Dollars      float64 `json:"dollars,omitempty"` // where the judge's prices are known
}

// add counts a judge's answers; tokens are as its server counts them, 0 where it does not say.
func (u *Usage) add(judge *lidr.Model, answers []lm.Answer) {
	u.Judge = judge.Path
	for _, a := range answers {
		u.Questions++
		u.PromptTokens += a.PromptTokens
		u.AnswerTokens += a.Tokens
	}
	if priced, ok := judge.LM().(interface{ Prices() lm.Prices }); ok {
		u.Dollars = priced.Prices().Dollars(u.PromptTokens, u.AnswerTokens)
	}
}

// String says who judged and what it took: "Judged by gpt-4o: 805 questions, 412,310 tokens read and 805 written,
// $1.04." It is "" where nothing was asked.
func (u Usage) String() string {
	if u.Questions == 0 {
		return ""
	}
	p := message.NewPrinter(language.English)
	s := p.Sprintf("Judged by %s: %d questions, %d tokens read and %d written",
		u.Judge, u.Questions, u.PromptTokens, u.AnswerTokens)
	if u.Dollars > 0 {
		s += p.Sprintf(", $%.2f", u.Dollars)
	}
	return s + "."
}

// The steps of which [ReadUsage] reads the usage.
const (
	Comparison = "comparison" // [Compare]
	Ratings    = "ratings"    // [Rate]
	MTRatings  = "mt-bench"   // [MTBench]
)

// ReadUsage reads back what a judging took. step is [Comparison], [Ratings] or [MTRatings]; name is that of the
// comparison, such as "M1-M0", or of the model that was rated.
func ReadUsage(run *lidr.Run, step, name string) (Usage, error) {
	path, err := usagePath(run, step, name)
	if err != nil {
		return Usage{}, err
	}
	var used Usage
	if err := run.ReadJSON(path, &used); err != nil {
		return Usage{}, fmt.Errorf("usage of %s %s: %w", step, name, err)
	}
	return used, nil
}

func usagePath(run *lidr.Run, step, name string) (string, error) {
	switch step {
	case Comparison:
		c, err := parseComparison(name)
		return c.path(run, "usage.json"), err
	case Ratings:
		return run.Path(name, "pairs.ratings.usage.json"), nil
	case MTRatings:
		return run.Path(name, "eval", "mtbench.usage.json"), nil
	}
	return "", fmt.Errorf("usage of %q, expected one of the steps %s, %s and %s", step, Comparison, Ratings, MTRatings)
}
