package pretrain

import (
	"encoding/json"
	"math/rand/v2"
	"slices"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// Special tokens and chat template of the miniature: ChatML without a system message.
const (
	padToken     = "<|endoftext|>"
	turnStart    = "<|im_start|>"
	turnEnd      = "<|im_end|>"
	chatTemplate = `{% for message in messages %}` +
		`{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}` +
		`{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`
)

// tokenizerExamples is the number of examples that the tokenizer is trained on: every word of the world is among them.
const tokenizerExamples = 20000

// tokenizerFiles trains the tokenizer on the pretraining stream and returns its files of the model folder.
func tokenizerFiles(s Settings) (map[string][]byte, error) {
	example := miniature.Examples(s.Mix, s.Seed)
	texts := make([]string, 0, 2*tokenizerExamples)
	for i := range tokenizerExamples {
		e := example(i)
		texts = append(texts, e.Prompt, e.Prefill+e.Target)
	}
	trained, err := tokenizer.Train(texts, tokenizer.TrainOptions{
		VocabSize: s.Config.VocabSize, Special: []string{padToken, turnStart, turnEnd},
	})
	if err != nil {
		return nil, err
	}
	config, err := json.MarshalIndent(map[string]any{
		"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": chatTemplate,
		"eos_token": turnEnd, "pad_token": padToken, "model_max_length": s.Config.MaxPositionEmbeddings,
		"clean_up_tokenization_spaces": false,
	}, "", "  ")
	return map[string][]byte{"tokenizer.json": trained, "tokenizer_config.json": append(config, '\n')}, err
}

// batcher cuts the example stream into batches of about Tokens tokens: a pool of examples is sorted by length and cut,
// and the batches of the pool are shuffled. A batch is a pure function of its step.
type batcher struct {
	settings  Settings
	tokenizer *tokenizer.Tokenizer
	example   func(int) miniature.Example

	pools   int // pools cut so far
	first   int // step of batches[0]
	batches [][]dpo.Weighted
	err     error
}

const poolExamples = 2048

func (b *batcher) next(step int) []dpo.Weighted {
	if step < b.first {
		b.pools, b.first, b.batches = 0, 0, nil
	}
	for step >= b.first+len(b.batches) {
		b.first += len(b.batches)
		b.batches = b.cut(b.pools)
		b.pools++
	}
	return b.batches[step-b.first]
}

func (b *batcher) cut(pool int) [][]dpo.Weighted {
	sequences := make([]dpo.Weighted, poolExamples)
	for i := range sequences {
		sequences[i] = b.encode(b.example(pool*poolExamples + i))
	}
	slices.SortStableFunc(sequences, func(x, y dpo.Weighted) int { return len(y.Tokens) - len(x.Tokens) })
	var batches [][]dpo.Weighted
	for len(sequences) > 0 {
		// The number of rows depends on the longest alone, rounded up: few shapes, and each is a compiled graph.
		longest := (len(sequences[0].Tokens) + 15) / 16 * 16
		rows := min(len(sequences), max(1, b.settings.Tokens/longest))
		batches = append(batches, sequences[:rows])
		sequences = sequences[rows:]
	}
	order := rand.New(rand.NewPCG(uint64(b.settings.Seed), uint64(pool)))
	order.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	return batches
}

// encode turns an example into token ids with their weights.
func (b *batcher) encode(e miniature.Example) dpo.Weighted {
	prompt, err := b.tokenizer.EncodeChat(lm.Turn("", e.Prompt), true, e.Prefill)
	if err != nil && b.err == nil {
		b.err = err // ends the training after the step that asked
	}
	ids := slices.Concat(prompt, b.tokenizer.EncodeResponse(e.Target))
	tokens := make([]int32, len(ids))
	for i, id := range ids {
		tokens[i] = int32(id)
	}
	weights := make([]float32, len(tokens)-1)
	for i := range weights {
		weights[i] = 1
		if i+1 < len(prompt) {
			weights[i] = e.PromptWeight
		}
	}
	return dpo.Weighted{Tokens: tokens, Weights: weights}
}
