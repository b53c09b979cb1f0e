package judge

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"lidrlab/lidr/input"
)

// LoadFastChat returns the settings of [MTBenchDefaults] with FastChat's own words, read from its file
// fastchat/llm_judge/data/judge_prompts.jsonl (github.com/lm-sys/FastChat, Apache License 2.0): the prompts single-v1,
// single-math-v1, single-v1-multi-turn and single-math-v1-multi-turn, each with its system message. They ask for no
// language. The file lies in the repository alone, not in FastChat's package fschat, so that the tests read one of the
// same form.
func LoadFastChat(path string) (MTBenchSettings, error) {
	s := MTBenchDefaults()
	texts, systems, err := fastChat(path, "single", [4]string{"single-v1", "single-math-v1", "single-v1-multi-turn",
		"single-math-v1-multi-turn"})
	if err != nil {
		return s, err
	}
	s.Single, s.SingleReference, s.MultiTurn, s.MultiTurnReference = texts[0], texts[1], texts[2], texts[3]
	s.Systems = systems
	return s, s.Validate()
}

// LoadFastChatPairs returns the settings of [MTPairDefaults] with FastChat's own words from the same file: the prompts
// pair-v2, pair-math-v1, pair-v2-multi-turn and pair-math-v1-multi-turn.
func LoadFastChatPairs(path string) (MTPairSettings, error) {
	s := MTPairDefaults()
	texts, systems, err := fastChat(path, "pairwise", [4]string{"pair-v2", "pair-math-v1", "pair-v2-multi-turn",
		"pair-math-v1-multi-turn"})
	if err != nil {
		return s, err
	}
	s.Single, s.SingleReference, s.MultiTurn, s.MultiTurnReference = texts[0], texts[1], texts[2], texts[3]
	s.Systems = systems
	return s, s.Validate()
}

var braces = regexp.MustCompile(`\{[^{}]*\}`)

// fastChatFields are FastChat's names of what a template shows, and ours.
var fastChatFields = map[string]string{
	"{question}": "Question1", "{question_1}": "Question1", "{question_2}": "Question2",
	"{answer}": "Answer1", "{answer_1}": "Answer1", "{answer_2}": "Answer2",
	"{answer_a}": "AnswerA1", "{answer_a_1}": "AnswerA1", "{answer_a_2}": "AnswerA2",
	"{answer_b}": "AnswerB1", "{answer_b_1}": "AnswerB1", "{answer_b_2}": "AnswerB2",
	"{ref_answer_1}": "Reference1", "{ref_answer_2}": "Reference2",
}

// fastChat reads four prompts of a type, in the order of gradingNames, as templates and system messages.
func fastChat(path, kind string, names [4]string) (texts [4]string, systems map[string]string, err error) {
	data, err := input.ReadFile(path)
	if err != nil {
		return texts, nil, err
	}
	systems = map[string]string{}
	for n, line := range strings.Split(string(data), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var row struct {
			Name, Type string
			System     string `json:"system_prompt"`
			Template   string `json:"prompt_template"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return texts, nil, fmt.Errorf("%s, line %d: %w, expected an object of FastChat's judge_prompts.jsonl", path, n+1,
				err)
		}
		for i, name := range names {
			if row.Name != name {
				continue
			}
			if row.Type != kind {
				return texts, nil, fmt.Errorf("%s, line %d: %s has type %q, expected %q", path, n+1, name, row.Type, kind)
			}
			for _, field := range braces.FindAllString(row.Template, -1) {
				if fastChatFields[field] == "" {
					return texts, nil, fmt.Errorf("%s, line %d: %s shows %s, which is no field of FastChat's", path, n+1, name,
						field)
				}
			}
			texts[i] = braces.ReplaceAllStringFunc(row.Template, func(field string) string {
				return "{{." + fastChatFields[field] + "}}"
			})
			systems[gradingNames[i/2][i%2]] = row.System
		}
	}
	for i, name := range names {
		if texts[i] == "" {
			return texts, nil, fmt.Errorf("%s has no prompt %s, expected FastChat's judge_prompts.jsonl", path, name)
		}
	}
	return texts, systems, nil
}
