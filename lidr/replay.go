package lidr

import (
	"fmt"

	"lidrlab/lidr/dpo"
)

// replayPairs returns the model's own translations as sequences to rehearse beside the pairs, so that a round does not
// forget how to translate: y_en → y_en→l and y_l → y_l→en, taken from the pairs themselves. This goes beyond the paper
// and is off unless Train.Replay is set.
func replayPairs(run *Run, m *Model, rows []Pair) ([]dpo.Pair, error) {
	s := run.Settings
	if s.Train.Replay == 0 {
		return nil, nil
	}
	ask, err := translator(s.Translate)
	if err != nil {
		return nil, err
	}
	byPrompt := map[string]Pair{}
	for _, row := range rows {
		byPrompt[row.ID+"/"+row.Lang] = row
	}
	var out []dpo.Pair
	for _, row := range rows {
		var text, target, from, to string
		if english, ok := byPrompt[row.ID+"/"+s.Dominant]; ok && row.Source == s.Dominant+">"+row.Lang {
			text, target, from, to = english.Chosen, row.Chosen, s.Dominant, row.Lang
		} else if row.Lang == s.Dominant {
			from, to = rejectedFrom(s, row.ID), s.Dominant
			text, target = byPrompt[row.ID+"/"+from].Rejected, row.Rejected
		}
		if text == "" {
			continue
		}
		messages, err := ask(text, from, to)
		if err != nil {
			return nil, err
		}
		prompt, err := m.tokenizer.EncodeChat(messages, true, s.Translate.Prefill)
		if err != nil {
			return nil, fmt.Errorf("replay of prompt %s from %s to %s: %w", row.ID, from, to, err)
		}
		out = append(out, dpo.Pair{Prompt: int32s(prompt), Chosen: ended(m.tokenizer, target+"</translated>")})
	}
	return out, nil
}
