package lm

import "unicode/utf8"

// Prices are what a server charges, in dollars per million tokens; 0 where it is not known.
type Prices struct {
	Prompt float64 `json:"prompt"`
	New    float64 `json:"answer"`
}

// Dollars returns the price of the given numbers of tokens.
func (p Prices) Dollars(prompt, answer int) float64 {
	return (float64(prompt)*p.Prompt + float64(answer)*p.New) / 1e6
}

// EstimateTokens estimates the number of prompt tokens of r without a tokenizer: one for every four ASCII characters,
// one for every two others, four a message for the template. For English it is off by a fifth or so; texts in other
// scripts mostly have fewer tokens with large vocabularies and more with small ones.
func EstimateTokens(r Request) int {
	tokens := textTokens(r.Prefill) + 4 // the assistant's turn
	for _, message := range r.Messages {
		tokens += textTokens(message.Content) + 4
	}
	return tokens
}

func textTokens(s string) int {
	characters := utf8.RuneCountInString(s)
	ascii := 0
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			ascii++
		}
	}
	return (ascii + 2*(characters-ascii) + 3) / 4
}
