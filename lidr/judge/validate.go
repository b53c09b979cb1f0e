package judge

import (
	"fmt"

	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// checkSampling is an error naming the field, such as mtbench.judge, whose values cannot work.
func checkSampling(field string, s lm.Sampling) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("settings: %s: %w", field, err)
	}
	return nil
}

// hasRoom is an error for answers that may fill the model's context, so that there is no room for the prompt.
func hasRoom(m *lidr.Model, field string, s lm.Sampling) error {
	if limit := m.LM().ContextLength(); limit > 0 && s.MaxTokens >= limit {
		return fmt.Errorf("settings: field %s.max_tokens is %d, expected fewer than the context length of %s, %d, which "+
			"holds the prompt too", field, s.MaxTokens, m.Path, limit)
	}
	return nil
}
