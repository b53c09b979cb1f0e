package local

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/lm"
)

// tellPrompts computes the log-probabilities of the prompts whose queries request them, and ends the answers of those
// that request nothing else.
func (l *Model) tellPrompts(answers []*answer) error {
	var plain, ranked []*Stream
	for _, a := range answers {
		switch q := a.stream.query; {
		case q.PromptLogprobs && q.PromptTop > 0:
			ranked = append(ranked, a.stream)
		case q.PromptLogprobs:
			plain = append(plain, a.stream)
		}
	}
	prompts := func(streams []*Stream) (all [][]int) {
		for _, s := range streams {
			all = append(all, s.answer.prompt)
		}
		return all
	}
	if len(plain) > 0 {
		logprobs, err := l.tokenLogprobs(prompts(plain))
		if err != nil {
			return err
		}
		for k, s := range plain {
			told := make([]Token, len(logprobs[k]))
			for i, lp := range logprobs[k] {
				told[i] = Token{ID: s.answer.prompt[i+1], Logprob: float64(lp)}
			}
			s.tellPrompt(told)
		}
	}
	for _, s := range ranked {
		told, err := l.rankedPrompt(s.answer.prompt, s.query.PromptTop)
		if err != nil {
			return err
		}
		s.tellPrompt(told)
	}
	for _, a := range answers {
		a.stream.endPrompt()
	}
	return nil
}

// headRows is the number of positions whose logits are in memory at once.
const headRows = 64

// rankedPrompt returns the tokens of a prompt but the first, each with the top likeliest in its place.
func (l *Model) rankedPrompt(prompt []int, top int) ([]Token, error) {
	if err := l.place(); err != nil {
		return nil, fmt.Errorf("read the prompt: %w", err)
	}
	length := lengthBucket(len(prompt))
	out, err := l.hidden.Call(int32s(padded([][]int{prompt}, 1, length), 1, length))
	if err != nil {
		return nil, fmt.Errorf("read the prompt: %w", err)
	}
	hidden, err := tensors.CopyFlatData[float32](out[0]) // [1, length, size]
	if err != nil {
		return nil, fmt.Errorf("read the prompt: %w", err)
	}
	size := len(hidden) / length
	told := make([]Token, 0, len(prompt)-1)
	rows := make([]float32, headRows*size)
	for from := 0; from < len(prompt)-1; from += headRows {
		clear(rows[copy(rows, hidden[from*size:min((from+headRows), length)*size]):])
		out, err := l.head.Call(tensors.FromFlatDataAndDimensions(rows, headRows, size))
		if err != nil {
			return nil, fmt.Errorf("read the prompt: %w", err)
		}
		logits, err := l.flat(out[0]) // [headRows, vocabulary]
		if err != nil {
			return nil, fmt.Errorf("read the prompt: %w", err)
		}
		v := len(logits) / headRows
		for i := from; i < min(from+headRows, len(prompt)-1); i++ {
			told = append(told, likeliest(logits[(i-from)*v:][:v], prompt[i+1], top))
		}
		if err := out[0].FinalizeAll(); err != nil {
			return nil, fmt.Errorf("read the prompt: %w", err)
		}
	}
	return told, nil
}

// tellPrompt makes the prompt's tokens available.
func (s *Stream) tellPrompt(tokens []Token) {
	s.mu.Lock()
	s.prompt = tokens
	s.mu.Unlock()
}

// endPrompt ends the answer of a query that requests none.
func (s *Stream) endPrompt() {
	if !s.query.PromptOnly {
		return
	}
	s.answer.finish = lm.FinishLength
	s.mu.Lock()
	s.piece.Finish = lm.FinishLength
	s.mu.Unlock()
	s.wake()
}
