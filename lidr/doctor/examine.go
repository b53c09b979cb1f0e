package doctor

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"lidrlab/lidr"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// SamplePair returns a pair for [Examine], for a caller that has none.
func SamplePair() lidr.Pair {
	return lidr.Pair{
		ID: "doctor", Lang: "en", Prompt: "Anna has 3 apples and buys 4 more. How many apples does Anna have now?",
		Chosen: "3 + 4 = 7.\nAnna has 7 apples.", Rejected: "Anna hat jetzt  12 Äpfel.",
	}
}

// Examine returns a diagnosis of a model as training and generation will see it: its sizes, the exact text and ids of
// one training pair with what is counted in the loss, where BOS and EOS are, what each language costs in tokens,
// whether weights and vocabulary are sound, and how it ends an answer to the pair's prompt. An error means that the
// model could not be examined; what is wrong with the model is in the Diagnosis. The model needs its weights here.
func Examine(ctx context.Context, m *lidr.Model, s lidr.Settings, pair lidr.Pair) (*Diagnosis, error) {
	if m.Weights() == nil {
		return nil, fmt.Errorf("the weights of %s are not here, so there is nothing to examine; load its checkpoint with "+
			"lidr.LoadModel", m.Path)
	}
	d := &Diagnosis{maxTokens: s.Generate.Sampling.MaxTokens}
	d.sizes(m)
	if err := d.fingerprint(m.Checkpoint(), m.Checkpoint().Remembered()); err != nil {
		return nil, err
	}
	if err := d.weights(m.Checkpoint()); err != nil {
		return nil, err
	}
	d.vocabulary(m)
	d.template(m.Tokenizer())
	if len(d.Problems) > 0 {
		return d, nil // what follows needs all of it
	}
	if err := d.languages(m.Tokenizer()); err != nil {
		return nil, err
	}
	tokens, err := lidr.TokenPairs(m, s, []lidr.Pair{pair})
	if err != nil {
		d.problem("the pair cannot be encoded: %v", err)
		return d, nil
	}
	d.Pair = []TokenText{
		tokenText("prompt", m.Tokenizer(), tokens[0].Prompt, "not in the loss"),
		tokenText("chosen", m.Tokenizer(), tokens[0].Chosen, "each in the DPO and the NLL part of the loss"),
		tokenText("rejected", m.Tokenizer(), tokens[0].Rejected, "each in the DPO part of the loss"),
	}
	messages, err := s.Generate.Messages(pair.Prompt, pair.Lang)
	if err != nil {
		return nil, err
	}
	d.room(m, len(d.Pair[0].IDs), s.Generate.Sampling.MaxTokens)
	d.ends(m.Tokenizer(), beginsTurns(m.Tokenizer(), messages))
	if err := d.conversation(m.Tokenizer(), messages, pair); err != nil || len(d.Problems) > 0 {
		return d, err
	}
	if err := d.logprobs(ctx, m, tokens[0]); err != nil || len(d.Problems) > 0 {
		return d, err
	}
	return d, d.answer(ctx, m.LM(), lm.Request{ID: pair.ID, Messages: messages})
}

// sizes states the model's architecture and the memory that it needs.
func (d *Diagnosis) sizes(m *lidr.Model) {
	c, parameters, stored := m.Checkpoint().Config, 0, 0
	for _, t := range m.Checkpoint().Tensors {
		bytes := 4 * t.Len() // of a matrix that an adapter is merged into as it is read
		if raw, _ := t.Raw(); raw != nil {
			bytes = len(raw)
		}
		parameters, stored = parameters+t.Len(), stored+bytes
	}
	size := func(bytes int) string { return humanize.IBytes(uint64(bytes)) }
	d.fact("architecture", "%s: %d layers of width %d, %d heads of %d (%d of keys and values), feed-forward %d",
		c.Architectures[0], c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.HeadDim, c.NumKeyValueHeads,
		c.IntermediateSize)
	d.fact("parameters", "%s, published as %s", humanize.Comma(int64(parameters)), c.TorchDType)
	// AdamW holds two moments beside weight and gradient, in float32, or in a byte each; the cache holds keys and values.
	cache := 2 * 4 * c.NumHiddenLayers * c.NumKeyValueHeads * c.HeadDim
	d.fact("memory", "%s as stored, %s as float32; training all of it at least %s (moments as 8bit %s), activations not "+
		"counted; %s of cache a token", size(stored), size(4*parameters), size(16*parameters), size(10*parameters),
		size(cache))
	rotary := fmt.Sprintf("rotary base %g", c.RopeTheta)
	if s := c.RopeScaling; s != nil && s.OriginalMaxPositionEmbeddings > 0 {
		rotary += fmt.Sprintf(", %s scaling by %g of %d tokens", s.RopeType, s.Factor, s.OriginalMaxPositionEmbeddings)
	} else if s != nil {
		rotary += fmt.Sprintf(", %s scaling by %g", s.RopeType, s.Factor)
	}
	attention, windows := "full attention", 0
	for _, layer := range c.Design().Layers {
		windows += min(layer.Window, 1)
	}
	if windows > 0 {
		attention = fmt.Sprintf("attention of %d of %d layers to the last %d tokens", windows, c.NumHiddenLayers,
			c.SlidingWindow)
	}
	d.fact("context", "%s tokens, %s, %s", humanize.Comma(int64(c.MaxPositionEmbeddings)), rotary, attention)
}

// fingerprint hashes the weights, even of files whose fingerprint is remembered.
func (d *Diagnosis) fingerprint(ck *checkpoint.Checkpoint, remembered string) error {
	hash, err := ck.Correct()
	if err != nil {
		return err
	}
	d.fact("fingerprint", "%s", hash)
	if remembered != "" && remembered != hash {
		d.warn("the fingerprint %.12s was remembered of these files, whose paths, sizes and times are as they were: they "+
			"were changed in a way that leaves no trace, or the cache was; what was made under it since is of another model",
			remembered)
	}
	return nil
}

// weights looks for numbers that are not finite.
func (d *Diagnosis) weights(ck *checkpoint.Checkpoint) error {
	broken := func(x float32) bool { return !finite(float64(x)) }
	for _, t := range ck.Tensors {
		found := false
		err := t.Each(func(from int, values []float32) error {
			if i := slices.IndexFunc(values, broken); i >= 0 && !found {
				found = true
				d.problem("tensor %s holds %v at index %d: the file is damaged, or training had diverged when it was written",
					t.Name, values[i], from+i)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// vocabulary compares the tokenizer with the model's embedding and the files that name EOS.
func (d *Diagnosis) vocabulary(m *lidr.Model) {
	tok, c := m.Tokenizer(), m.Checkpoint().Config
	tokens, rows := tok.VocabSize(), c.VocabSize
	d.fact("tokenizer", "%s, %s tokens; the model has room for %s",
		tok.Kind(), humanize.Comma(int64(tokens)), humanize.Comma(int64(rows)))
	if missing := tok.MissingBytes(); len(missing) > 0 {
		d.fact("missing bytes", "% x: no token spells these %d, and text loses them", missing, len(missing))
	}
	if tokens > rows {
		d.problem("the tokenizer has %d tokens and the model %d: they do not belong together", tokens, rows)
	} else if tokens < rows/2 {
		d.warn("the tokenizer has %d tokens and the model %d: do they belong together?", tokens, rows)
	}
	for _, id := range c.EOSTokenIDs {
		if !slices.Contains(tok.EOS(), id) {
			d.warn("config.json ends answers at %d %s, but generation_config.json does not: answers go on there",
				id, visible(tok, id))
		}
	}
}

// beginsTurns reports whether the assistant's turn, without an answer yet, begins with BOS, as turns of SmolLM2 do,
// whose BOS is <|im_start|>.
func beginsTurns(tok *tokenizer.Tokenizer, messages []tokenizer.Message) bool {
	bos, hasBOS := tok.BOS()
	closed, err := tok.EncodeChat(messages, false, "")
	if err != nil || !hasBOS {
		return false
	}
	open, err := tok.EncodeChat(messages, true, "")
	return err == nil && len(open) > len(closed) && open[len(closed)] == bos
}

// ends looks for BOS in the prompt and names what ends an answer. beginsTurns says that every turn begins with BOS.
func (d *Diagnosis) ends(tok *tokenizer.Tokenizer, beginsTurns bool) {
	prompt, chosen := d.Pair[0].IDs, d.Pair[1].IDs
	bos, hasBOS := tok.BOS()
	count := 0
	for _, id := range prompt {
		if id == bos {
			count++
		}
	}
	switch {
	case !hasBOS:
		d.fact("BOS", "none")
	case beginsTurns && prompt[0] == bos:
		d.fact("BOS", "%s %d begins every turn", visible(tok, bos), bos)
	case count > 1:
		d.fact("BOS", "%s %d, %d times in the prompt", visible(tok, bos), bos, count)
		d.problem("BOS is doubled: the chat template writes it %d times for one question", count)
	case count == 1 && prompt[0] == bos:
		d.fact("BOS", "%s %d, once, at the beginning", visible(tok, bos), bos)
	case count == 1:
		d.fact("BOS", "%s %d, once, inside the prompt", visible(tok, bos), bos)
		d.problem("BOS does not begin the prompt")
	default:
		d.fact("BOS", "%s %d is not in the prompt", visible(tok, bos), bos)
		if tok.BeginsDocuments() {
			d.warn("the tokenizer puts BOS before a text, but the chat template leaves it out: is the template this model's?")
		}
	}
	var ends []string
	for _, id := range tok.EOS() {
		ends = append(ends, fmt.Sprintf("%s %d", visible(tok, id), id))
	}
	counted := slices.IndexFunc(chosen, func(id int) bool { return slices.Contains(tok.EOS(), id) })
	if counted < 0 {
		d.fact("EOS", "cut off with the end of this answer; answers end at %s", strings.Join(ends, ", "))
		return
	}
	var behind strings.Builder
	for _, id := range chosen[counted+1:] {
		behind.WriteString(visible(tok, id))
	}
	tail := "nothing behind it"
	if behind.Len() > 0 {
		tail = fmt.Sprintf("%q behind it", behind.String())
	}
	d.fact("EOS", "%s ends a response and is counted, and %s; answers end at %s", visible(tok, chosen[counted]), tail,
		strings.Join(ends, ", "))
}

// conversation compares what is trained on with how the template writes a finished turn.
func (d *Diagnosis) conversation(tok *tokenizer.Tokenizer, messages []tokenizer.Message, pair lidr.Pair) error {
	finished := append(slices.Clone(messages), tokenizer.Message{Role: "assistant", Content: pair.Chosen})
	written, err := tok.EncodeChat(finished, false, "")
	if err != nil {
		return err
	}
	prompt := d.Pair[0].IDs
	if eos := tok.EOS()[0]; len(written) < len(prompt) || !slices.Contains(written[len(prompt):], eos) {
		d.warn("the template ends an answer without EOS; %s is appended all the same, so that the model learns to stop",
			visible(tok, eos))
		return nil
	}
	trained := slices.Concat(prompt, d.Pair[1].IDs)
	for i, id := range trained {
		if i < len(written) && written[i] == id {
			continue
		}
		from := func(ids []int) string {
			var b strings.Builder
			for _, id := range ids[min(i, len(ids)):min(i+6, len(ids))] {
				b.WriteString(visible(tok, id))
			}
			return b.String()
		}
		d.warn("from token %d on, the template writes a finished answer as %q where training and generation have %q: "+
			"harmless if it is spacing or an empty thought", i, from(written), from(trained))
		break
	}
	return nil
}

// answerTokens is how much of an answer is generated: enough for one to [SamplePair].
const answerTokens = 96

// logprobs measures the pair as training does.
func (d *Diagnosis) logprobs(ctx context.Context, m *lidr.Model, pair dpo.Pair) error {
	sides := []dpo.Sequence{{Prompt: pair.Prompt, Response: pair.Chosen}, {Prompt: pair.Prompt, Response: pair.Rejected}}
	sums := make([]float64, len(sides))
	none := func(int) bool { return false }
	err := dpo.Logprobs(ctx, m.Engine(), m.Weights(), sides, none, func(idx []int, of []float64) error {
		for k, i := range idx {
			sums[i] = of[k]
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.fact("log p", "chosen %.2f over %d tokens, rejected %.2f over %d", sums[0], len(pair.Chosen), sums[1],
		len(pair.Rejected))
	if !finite(sums[0] + sums[1]) {
		d.problem("the model's probabilities are not finite")
	}
	return nil
}

// answer lets the model answer the pair's prompt.
func (d *Diagnosis) answer(ctx context.Context, m lm.Model, r lm.Request) error {
	shown := func(_ []int, out []lm.Completion) error {
		d.fact("answer", "%s (%d tokens, %s)", showSpaces(out[0].Text), out[0].Tokens, out[0].FinishReason)
		if out[0].FinishReason != lm.FinishStop {
			d.warn("the answer to a short question had not ended after %d tokens: a base model, another model's template, "+
				"or a wordy model", out[0].Tokens)
		}
		return nil
	}
	return m.Generate(ctx, []lm.Request{r}, lm.Sampling{MaxTokens: answerTokens}, nil, shown)
}
