package remote

import (
	"fmt"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"lidrlab/lidr/lm"
)

// Prices are in dollars per million tokens.
type Prices = lm.Prices

// Cost is the estimated cost of requests, before any is sent.
type Cost struct {
	Requests     int
	PromptTokens int     // estimated, see [Model.CountTokens]
	MaxNewTokens int     // if every answer has the largest number of tokens
	MaxDollars   float64 // of these tokens; 0 without prices
}

// Estimate returns the largest cost of reqs, without attempts that fail after the server has worked on them.
func Estimate(reqs []lm.Request, s lm.Sampling, p Prices) Cost {
	c := Cost{Requests: len(reqs), MaxNewTokens: len(reqs) * s.MaxTokens}
	for _, r := range reqs {
		c.PromptTokens += lm.EstimateTokens(r)
	}
	c.MaxDollars = p.Dollars(c.PromptTokens, c.MaxNewTokens)
	return c
}

// String returns a text such as "4,025 requests, about 1,207,500 prompt tokens, at most 1,030,400 new tokens, at most
// $2.67".
func (c Cost) String() string {
	p := message.NewPrinter(language.English)
	s := p.Sprintf("%d requests, about %d prompt tokens, at most %d new tokens", c.Requests, c.PromptTokens,
		c.MaxNewTokens)
	if c.MaxDollars > 0 {
		s += p.Sprintf(", at most $%.2f", c.MaxDollars)
	}
	return s
}

// afford refuses requests that may cost more than the limit of one call, before any is sent.
func (m *Model) afford(c Cost) error {
	limit := m.options.MaxDollars
	if limit < 0 || c.MaxDollars <= limit {
		return nil
	}
	return fmt.Errorf("%s would be asked %v, above the limit of $%.2f for one step; nothing was asked: raise the limit "+
		"(Options.MaxDollars, negative for none), or ask less", m.identity.ID, c, limit)
}
