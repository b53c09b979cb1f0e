package remote

import (
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"lidrlab/lidr/lm"
)

// Prices are in dollars per million tokens.
type Prices struct {
	Prompt float64
	New    float64
}

// Cost is what requests will take before any is sent.
type Cost struct {
	Requests     int
	PromptTokens int     // estimated, see [Model.CountTokens]
	MaxNewTokens int     // if every answer is as long as it may be
	MaxDollars   float64 // of these tokens; 0 without prices
}

// Estimate returns what reqs cost at most, apart from attempts that fail after the server has worked on them.
func Estimate(reqs []lm.Request, s lm.Sampling, p Prices) Cost {
	c := Cost{Requests: len(reqs), MaxNewTokens: len(reqs) * s.MaxTokens}
	for _, r := range reqs {
		c.PromptTokens += estimateTokens(r)
	}
	c.MaxDollars = (float64(c.PromptTokens)*p.Prompt + float64(c.MaxNewTokens)*p.New) / 1e6
	return c
}

// String is as in "4,025 requests, about 1,207,500 prompt tokens, at most 1,030,400 new tokens, at most $2.67".
func (c Cost) String() string {
	p := message.NewPrinter(language.English)
	s := p.Sprintf("%d requests, about %d prompt tokens, at most %d new tokens", c.Requests, c.PromptTokens, c.MaxNewTokens)
	if c.MaxDollars > 0 {
		s += p.Sprintf(", at most $%.2f", c.MaxDollars)
	}
	return s
}
