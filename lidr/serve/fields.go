package serve

import (
	"encoding/json"
	"maps"
	"slices"
)

// fields are those of a JSON object that have not been read yet.
type fields map[string]json.RawMessage

// read reads a field into value, which does not change if there is none or null; kind names the expected type.
func (f fields) read(name string, value any, kind string) error {
	raw, ok := f[name]
	delete(f, name)
	if !ok || string(raw) == "null" {
		return nil
	}
	if json.Unmarshal(raw, value) != nil {
		return invalid(name, "expected "+kind)
	}
	return nil
}

// harmless are fields that do not affect the answer.
var harmless = []string{"user", "metadata", "store", "service_tier", "parallel_tool_calls", "safety_identifier",
	"prompt_cache_key", "prompt_cache_retention", "request_id", "priority"}

// neutral are fields that could change the answer and are not implemented, with the values that have no effect.
var neutral = map[string][]string{
	"suffix":           {`""`},
	"presence_penalty": {"0"}, "frequency_penalty": {"0"}, "logit_bias": {"{}"}, "min_p": {"0"}, "typical_p": {"1"},
	"tools": {"[]"}, "tool_choice": {`"none"`, `"auto"`}, "functions": {"[]"}, "function_call": {`"none"`, `"auto"`},
	"response_format": {`{"type":"text"}`}, "modalities": {`["text"]`}, "reasoning_effort": {`"none"`},
	"chat_template_kwargs": {"{}"}, "min_tokens": {"0"}, "echo": {"false"}, "stop_token_ids": {"[]"},
	"bad_words": {"[]"}, "length_penalty": {"1"}, "use_beam_search": {"false"}, "skip_special_tokens": {"true"},
	"spaces_between_special_tokens": {"true"}, "include_stop_str_in_output": {"false"},
}

// readRest refuses the remaining fields unless they have no effect.
func readRest(f fields, _ *request) error {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		var value any
		if json.Unmarshal(f[name], &value) != nil || value == nil || slices.Contains(harmless, name) {
			continue
		}
		off, known := neutral[name]
		plain, _ := json.Marshal(value) // without spaces, and 0.0 as 0
		switch {
		case !known:
			return invalid(name[:min(len(name), 80)], "this field is not known here; leave it out")
		case !slices.Contains(off, string(plain)):
			return invalid(name, "is not offered here; leave it out")
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
