package handoff

import (
	"fmt"

	"lidrlab/lidr/tokenizer"
)

// conversation is a line of data/train.jsonl, in TRL's conversational form.
type conversation struct {
	Prompt   []tokenizer.Message `json:"prompt"`
	Chosen   []tokenizer.Message `json:"chosen"`
	Rejected []tokenizer.Message `json:"rejected"`
}

// rendered is a line in TRL's standard form: texts, the prompt by the chat template. TRL ends both answers itself.
type rendered struct {
	Prompt   string `json:"prompt"`
	Chosen   string `json:"chosen"`
	Rejected string `json:"rejected"`
}

// trlLines are the pairs in TRL's conversational form, or in its standard one for a model whose chat template asks
// whether it is to think: TRL has no way to answer, and would count the empty thought as part of both answers.
func (j *job) trlLines() (any, error) {
	s, tok := j.run.Settings.Generate, j.model.Tokenizer()
	asks := tok != nil && tok.Thinks()
	var texts []rendered
	var conversations []conversation
	for _, pair := range j.pairs {
		messages, err := s.Messages(pair.Prompt, pair.Lang)
		if err != nil {
			return nil, err
		}
		if asks {
			prompt, err := tok.Thinking(s.Thinking).RenderChat(messages, true)
			if err != nil {
				return nil, err
			}
			texts = append(texts, rendered{prompt, pair.Chosen, pair.Rejected})
			continue
		}
		conversations = append(conversations, conversation{
			Prompt:   messages,
			Chosen:   []tokenizer.Message{{Role: "assistant", Content: pair.Chosen}},
			Rejected: []tokenizer.Message{{Role: "assistant", Content: pair.Rejected}},
		})
	}
	if asks {
		return texts, nil
	}
	return conversations, nil
}

func (j *job) writeTRL() error {
	lines, err := j.trlLines()
	if err != nil {
		return err
	}
	if err := j.run.WriteLines(j.path("data", "train.jsonl"), lines); err != nil {
		return err
	}
	if err := j.run.Write(j.path("dpo.yaml"), j.trlYAML()); err != nil {
		return err
	}
	t := j.trainer
	train := fmt.Sprintf("trl dpo --config dpo.yaml --accelerate_config zero3 --num_processes %d", t.GPUs*t.Nodes)
	if t.Nodes > 1 {
		train += fmt.Sprintf(" --num_machines %d --machine_rank $NODE_RANK --main_process_ip $MASTER_ADDR "+
			"--main_process_port $MASTER_PORT", t.Nodes)
	}
	return j.writeLaunch(train)
}

// trlYAML holds fields of DPOConfig and ModelConfig (trl/trainer/dpo_config.py, model_config.py).
func (j *job) trlYAML() []byte {
	s := j.run.Settings.Train
	losses, weights := []string{"sigmoid"}, []float64{1}
	if s.Objective == "dpo+nll" {
		losses, weights = append(losses, "sft"), append(weights, s.Alpha)
	}
	rows := []yamlRow{
		{"model_name_or_path", j.base.seen, "M_t, which is also the frozen reference"},
		{"dataset_name", "data", "the folder beside this file"},
		{"loss_type", losses, ""},
		{"loss_weights", weights, "1 and α; TRL before 0.20 says rpo_alpha instead of a second loss"},
		{"beta", s.Beta, "β"},
		{"max_length", s.MaxLength, "longer pairs are cut, not refused"},
		{"output_dir", "../model", ""},
	}
	return encodeYAML(`DPO+NLL as in section 3 of arXiv 2410.08964, for trl dpo --config, TRL 0.20 and later.
The loss sft is the mean NLL of all chosen tokens of one pass of one GPU; the paper's, LLaMA-Factory's, is the mean over
sequences of their mean. The two are equal with one pair a pass.`, append(rows, j.arguments()...))
}
