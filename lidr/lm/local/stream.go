package local

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"unicode/utf8"

	"lidrlab/lidr/lm"
)

// abandoned is the finish of an answer whose query was cancelled.
const abandoned = "abandoned"

// Query is a prompt to be continued.
type Query struct {
	Prompt         []int       // token ids
	Sampling       lm.Sampling // its random stream is that of Model.Generate for a request whose ID is empty
	Choice         int         // another answer to the same query has another random stream; 0 for the first
	Logprobs       bool        // return the log-probability of every new token
	TopLogprobs    int         // and of this many likeliest alternatives
	PromptLogprobs bool        // return the log-probabilities of the prompt's tokens
	PromptTop      int         // and of this many likeliest alternatives of each
	PromptOnly     bool        // draw no token; Sampling is not read
	IgnoreEnd      bool        // go on after an end-of-turn token, to MaxTokens or a stop text
}

// Token is a token of an answer or of a prompt. Log-probabilities are the model's own, before penalty, temperature and
// filters.
type Token struct {
	ID      int
	Logprob float64
	Top     []Alternative // likeliest first
}

// Alternative is a token that could have been drawn in the place of another.
type Alternative struct {
	ID      int
	Logprob float64
}

// Piece is a new part of an answer.
type Piece struct {
	Text   string  // new text, without bytes that may still become part of a stop text or of a character
	Tokens []Token // all new tokens, the end-of-turn token included
	Finish string  // lm.FinishStop or lm.FinishLength in the last piece, which may have no tokens
}

// Stream is an answer under way.
type Stream struct {
	answer  *answer
	query   Query
	context context.Context
	sent    int // bytes of the answer that were in pieces so far

	mu     sync.Mutex
	piece  Piece
	prompt []Token
	shared int
	err    error
	news   chan struct{} // holds an element when there is something new
}

// Next waits for the next piece and returns it. The piece with a Finish, or an error, is the last.
func (s *Stream) Next() (Piece, error) {
	for {
		select {
		case <-s.context.Done():
			return Piece{}, context.Cause(s.context)
		case <-s.news:
		}
		s.mu.Lock()
		piece, err := s.piece, s.err
		s.piece = Piece{}
		s.mu.Unlock()
		if err != nil || len(piece.Tokens) > 0 || piece.Finish != "" {
			return piece, err
		}
	}
}

// Whole waits for the end of the answer and returns all its pieces as one.
func (s *Stream) Whole() (Piece, error) {
	var whole Piece
	for whole.Finish == "" {
		piece, err := s.Next()
		if err != nil {
			return Piece{}, err
		}
		whole.Text += piece.Text
		whole.Tokens, whole.Finish = append(whole.Tokens, piece.Tokens...), piece.Finish
	}
	return whole, nil
}

// Prompt returns the tokens of the prompt but the first, each with log p given those before it, if the query requested
// PromptLogprobs. They are available with the first piece.
func (s *Stream) Prompt() []Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prompt
}

// Shared returns the number of tokens of the prompt whose keys and values had been computed for another query. It is
// known with the first piece.
func (s *Stream) Shared() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shared
}

// unwanted reports whether the query was cancelled.
func (s *Stream) unwanted() bool { return s.context.Err() != nil }

// copied returns a copy of the logits of a token that is about to be drawn, if its probability is requested: drawing
// changes the logits.
func (s *Stream) copied(logits []float32) []float32 {
	if s == nil || !s.query.Logprobs {
		return nil
	}
	return slices.Clone(logits)
}

// tell adds the answer's last token, drawn from the given logits.
func (s *Stream) tell(token int, logits []float32) {
	if s == nil {
		return
	}
	next := Token{ID: token}
	if logits != nil {
		next = likeliest(logits, token, s.query.TopLogprobs)
	}
	settled := s.answer.settled()
	s.mu.Lock()
	s.piece.Tokens = append(s.piece.Tokens, next)
	s.piece.Text += text(s.answer.bytes[s.sent:settled])
	s.piece.Finish, s.shared = s.answer.finish, s.answer.shared
	s.mu.Unlock()
	s.sent = settled
	s.wake()
}

// fail ends an answer that is still under way.
func (s *Stream) fail(err error) {
	if s.answer.finish != "" {
		return
	}
	s.answer.finish = abandoned
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	s.wake()
}

func (s *Stream) wake() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// settled returns the number of bytes of the answer that cannot change any more: those before the beginning of what may
// become a stop text or a character.
func (a *answer) settled() int {
	n := len(a.bytes)
	if a.finish != "" {
		return n
	}
	for _, stop := range a.sampler.Stop {
		for k := min(len(stop)-1, len(a.bytes)); k > 0; k-- {
			if bytes.HasSuffix(a.bytes, []byte(stop[:k])) {
				n = min(n, len(a.bytes)-k)
				break
			}
		}
	}
	for n > 0 {
		if r, size := utf8.DecodeLastRune(a.bytes[:n]); r != utf8.RuneError || size > 1 {
			break
		}
		n--
	}
	return n
}

// likeliest returns the log-probability of token, and the top likeliest, under logits.
func likeliest(logits []float32, token, top int) Token {
	peak, sum := float64(logits[argmax(logits)]), 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x) - peak)
	}
	logSum := peak + math.Log(sum)
	out := Token{ID: token, Logprob: float64(logits[token]) - logSum}
	for id, x := range logits {
		lp := float64(x) - logSum
		if len(out.Top) == top && (top == 0 || lp <= out.Top[top-1].Logprob) {
			continue
		}
		at, _ := slices.BinarySearchFunc(out.Top, lp, func(a Alternative, lp float64) int {
			return cmp.Or(cmp.Compare(lp, a.Logprob), -1) // after equal ones
		})
		out.Top = slices.Insert(out.Top, at, Alternative{id, lp})[:min(top, len(out.Top)+1)]
	}
	return out
}
