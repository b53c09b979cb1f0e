package lm

import (
	"fmt"
	"strings"
	"unicode"

	"lidrlab/datasets"
)

// Finish reasons: why an answer ended.
const (
	FinishStop    = "stop"           // an end-of-turn token or a stop text
	FinishLength  = "length"         // MaxTokens or the model's context was used up
	FinishFilter  = "content_filter" // the server withheld the answer, wholly or from some point on
	FinishRefusal = "refusal"        // the model declined by the API's own field; Reason holds what it said
	FinishFailed  = "failed"         // the server refuses this request for good; Reason says why
)

// Completion is the answer to a request.
type Completion struct {
	Text         string `json:"text"` // without the prefill and without the stop text
	FinishReason string `json:"finish_reason"`
	PromptTokens int    `json:"prompt_tokens"` // template and prefill included
	Tokens       int    `json:"tokens"`        // new tokens, the end-of-turn token included
	// Thought is what the model thought before it answered, which is no part of the answer.
	Thought string `json:"thought,omitempty"`
	// Reason says in the server's words why there is no answer.
	Reason string `json:"reason,omitempty"`
	// By names the model that answered, where it is another one than the one that was asked.
	By string `json:"by,omitempty"`
}

// Faults are the reasons for which a completion is no answer, or none that should be compared with others, in the order
// in which [Completion.Fault] finds them.
const (
	FaultFailed   = "request refused"
	FaultWithheld = "withheld by a filter"
	FaultRefusal  = "refusal"
	FaultModel    = "answered by another model"
	FaultThought  = "thought without an answer"
	FaultEmpty    = "empty"
	FaultCut      = "cut by its length"
)

// Fault returns the first fault of c, "" for a whole answer of the model that was asked. c is one whose thought was
// split off ([Completion.Split]).
func (c Completion) Fault() string {
	empty := !strings.ContainsFunc(c.Text, visible)
	switch {
	case c.FinishReason == FinishFailed:
		return FaultFailed
	case c.FinishReason == FinishFilter:
		return FaultWithheld
	case c.FinishReason == FinishRefusal:
		return FaultRefusal
	case c.By != "":
		return FaultModel
	case empty && c.Thought != "":
		return FaultThought
	case c.FinishReason == FinishLength:
		return FaultCut
	case empty:
		return FaultEmpty
	}
	return ""
}

// visible says whether a character shows: no space, control character, or one of no width such as U+200B.
func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// Split moves a thought that Text begins with, between <think> and </think>, to Thought.
func (c Completion) Split() Completion {
	thought, answer, whole := datasets.SplitThought(c.Text)
	switch {
	case thought == "" && answer == c.Text:
		return c
	case thought == "" && !whole: // cut behind the opening tag
		thought = strings.TrimSpace(c.Text)
	}
	c.Text = answer
	c.Thought = strings.TrimSpace(c.Thought + "\n" + thought)
	return c
}

// IncompleteError reports requests without an answer. All others are answered and saved, so another run sends only
// these.
type IncompleteError struct {
	Requests int // number of requests to be answered
	Failed   []Failed
}

// Failed is a request without an answer.
type Failed struct {
	Index  int // of the request
	ID     string
	Reason error
	Final  bool // the server refuses this request whenever it is sent: too long, filtered
}

func (e *IncompleteError) Error() string {
	final := 0
	for _, f := range e.Failed {
		if f.Final {
			final++
		}
	}
	message := fmt.Sprintf("%d of %d requests failed, the first of them (%s) with: %v; the others are answered and kept",
		len(e.Failed), e.Requests, e.Failed[0].ID, e.Failed[0].Reason)
	switch final {
	case 0:
		return message + ", so run again to ask only these"
	case len(e.Failed):
		return message + ", and these are refused whenever they are sent"
	}
	return fmt.Sprintf("%s, so run again to ask only these, %d of which are refused whenever they are sent", message,
		final)
}

// Unwrap returns the first reason.
func (e *IncompleteError) Unwrap() error { return e.Failed[0].Reason }
