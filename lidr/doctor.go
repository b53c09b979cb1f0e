package lidr

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// Diagnosis is what [Doctor] found. Printed, it is what `lidr doctor` shows.
type Diagnosis struct {
	Facts    []Fact
	Pair     []TokenText // the prompt, the chosen and the rejected response
	Warnings []string    // what deserves a look
	Problems []string    // what makes training or answers wrong
}

// Fact is something about a model.
type Fact struct{ Name, Value string }

// TokenText is a text as the model sees it.
type TokenText struct {
	Name   string
	IDs    []int
	Pieces []string // of each id, white space and special tokens made visible
	Loss   string   // the parts of the loss that count each of them
}

// SamplePair is a pair for [Doctor] where none of one's own is at hand.
func SamplePair() Pair {
	return Pair{
		ID: "doctor", Lang: "en", Prompt: "Anna has 3 apples and buys 4 more. How many apples does Anna have now?",
		Chosen: "3 + 4 = 7.\nAnna has 7 apples.", Rejected: "Anna hat jetzt  12 Äpfel.",
	}
}

// Doctor looks at a model as training and generation will see it: its sizes, the exact text and ids of one training pair
// with what is counted in the loss, where BOS and EOS stand, whether weights and vocabulary are sound, and how it ends an
// answer to the pair's prompt. An error means that it could not look; what it dislikes is in the Diagnosis.
func Doctor(ctx context.Context, m *Model, s GenerateSettings, pair Pair) (*Diagnosis, error) {
	if err := m.trainable(); err != nil {
		return nil, err
	}
	d := &Diagnosis{}
	d.sizes(m)
	d.weights(m.checkpoint)
	d.vocabulary(m)
	d.template(m.tokenizer)
	if len(d.Problems) > 0 {
		return d, nil // what follows needs all of it
	}
	tokens, err := tokenPairs(m, s, []Pair{pair})
	if err != nil {
		d.problem("the pair cannot be encoded: %v", err)
		return d, nil
	}
	d.Pair = []TokenText{
		tokenText("prompt", m.tokenizer, tokens[0].Prompt, "not in the loss"),
		tokenText("chosen", m.tokenizer, tokens[0].Chosen, "each in the DPO and the NLL part of the loss"),
		tokenText("rejected", m.tokenizer, tokens[0].Rejected, "each in the DPO part of the loss"),
	}
	ask, err := asker(s)
	if err != nil {
		return nil, err
	}
	messages, err := ask(pair.Prompt, pair.Lang)
	if err != nil {
		return nil, err
	}
	d.ends(m, d.Pair[0].IDs)
	d.conversation(m.tokenizer, messages, pair)
	if len(d.Problems) > 0 {
		return d, nil
	}
	return d, d.run(ctx, m, lm.Request{ID: pair.ID, Messages: messages}, pair)
}

func (d *Diagnosis) fact(name, format string, args ...any) {
	d.Facts = append(d.Facts, Fact{name, fmt.Sprintf(format, args...)})
}

func (d *Diagnosis) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

func (d *Diagnosis) problem(format string, args ...any) {
	d.Problems = append(d.Problems, fmt.Sprintf(format, args...))
}

func (d *Diagnosis) sizes(m *Model) {
	c, parameters := m.checkpoint.Config, 0
	for _, t := range m.checkpoint.Tensors {
		parameters += len(t.Data)
	}
	bytes := func(n int) string { return humanize.IBytes(uint64(n)) }
	d.fact("architecture", "%s: %d layers of width %d, %d heads of %d (%d of keys and values), feed-forward %d",
		c.Architectures[0], c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.HeadDim, c.NumKeyValueHeads, c.IntermediateSize)
	d.fact("parameters", "%s, published as %s", humanize.Comma(int64(parameters)), c.TorchDType)
	// AdamW holds two moments beside weight and gradient, all in float32; the cache holds keys and values.
	d.fact("memory", "%s as float32; training all of it at least %s, activations not counted; %s of cache a token",
		bytes(4*parameters), bytes(16*parameters), bytes(2*4*c.NumHiddenLayers*c.NumKeyValueHeads*c.HeadDim))
	rotary := fmt.Sprintf("rotary base %g", c.RopeTheta)
	if s := c.RopeScaling; s != nil {
		rotary += fmt.Sprintf(", %s scaling by %g of %d tokens", s.RopeType, s.Factor, s.OriginalMaxPositionEmbeddings)
	}
	d.fact("context", "%s tokens, %s, full attention", humanize.Comma(int64(c.MaxPositionEmbeddings)), rotary)
	d.fact("fingerprint", "%s", m.Fingerprint())
}

func (d *Diagnosis) weights(ck *checkpoint.Checkpoint) {
	for _, t := range ck.Tensors {
		bad := slices.IndexFunc(t.Data, func(x float32) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) })
		if bad >= 0 {
			d.problem("tensor %s holds %v at index %d: the file is damaged, or training had diverged when it was written", t.Name, t.Data[bad], bad)
		}
	}
}

func (d *Diagnosis) vocabulary(m *Model) {
	tok, c := m.tokenizer, m.checkpoint.Config
	have, rows := tok.VocabSize(), c.VocabSize
	d.fact("tokenizer", "%s, %s tokens; the model has room for %s", tok.Kind(), humanize.Comma(int64(have)), humanize.Comma(int64(rows)))
	if have > rows {
		d.problem("the tokenizer has %d tokens and the model %d: they do not belong together", have, rows)
	} else if have < rows/2 {
		d.warn("the tokenizer has %d tokens and the model %d: do they belong together?", have, rows)
	}
	for _, id := range c.EOSTokenIDs {
		if !slices.Contains(tok.EOS(), id) {
			d.warn("config.json ends answers at %d %s, but generation_config.json does not: answers go on there", id, visible(tok, id))
		}
	}
}

func (d *Diagnosis) template(tok *tokenizer.Tokenizer) {
	if tok.ChatTemplate() == "" {
		d.problem("there is no chat template: this is a base model, or chat_template.jinja is missing; take the instruction-tuned model, or put the template of its family beside it")
		return
	}
	d.fact("chat template", "%d bytes, sha256 %x", len(tok.ChatTemplate()), sha256.Sum256([]byte(tok.ChatTemplate())))
}

// ends looks for BOS and EOS in the pair.
func (d *Diagnosis) ends(m *Model, prompt []int) {
	tok := m.tokenizer
	bos, named := tok.BOS()
	count := 0
	for _, id := range prompt {
		if id == bos {
			count++
		}
	}
	switch {
	case !named:
		d.fact("BOS", "none")
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
	d.fact("EOS", "%s is appended to a response and counted; answers end at %s", ends[0], strings.Join(ends, ", "))
}

// conversation compares the pair, prompt and response and EOS, with how the template itself writes a finished turn.
func (d *Diagnosis) conversation(tok *tokenizer.Tokenizer, messages []tokenizer.Message, pair Pair) {
	own, err := tok.EncodeChat(append(slices.Clone(messages), tokenizer.Message{Role: "assistant", Content: pair.Chosen}), false, "")
	if err != nil {
		d.warn("the template cannot write a finished conversation: %v", err)
		return
	}
	prompt := d.Pair[0].IDs
	if eos := tok.EOS()[0]; len(own) < len(prompt) || !slices.Contains(own[len(prompt):], eos) {
		d.warn("the template ends an answer without EOS; %s is appended all the same, so that the model learns to stop", visible(tok, eos))
		return
	}
	ours := append(slices.Clone(prompt), d.Pair[1].IDs...)
	for i, id := range ours {
		if i >= len(own) || own[i] != id {
			piece := func(ids []int) string {
				var b strings.Builder
				for _, id := range ids[min(i, len(ids)):min(i+6, len(ids))] {
					b.WriteString(visible(tok, id))
				}
				return b.String()
			}
			d.warn("from token %d on, the template writes a finished answer as %q where training and generation have %q: harmless if it is spacing or an empty thought", i, piece(own), piece(ours))
			return
		}
	}
}

// run measures the pair and lets the model answer its prompt.
func (d *Diagnosis) run(ctx context.Context, m *Model, r lm.Request, pair Pair) error {
	sums, counts, err := m.lm.Logprobs(ctx, []lm.Request{r, r}, []string{pair.Chosen, pair.Rejected})
	if err != nil {
		return err
	}
	d.fact("log p", "chosen %.2f over %d tokens, rejected %.2f over %d", sums[0], counts[0], sums[1], counts[1])
	if math.IsNaN(sums[0]+sums[1]) || math.IsInf(sums[0]+sums[1], 0) {
		d.problem("the model's probabilities are not finite")
		return nil
	}
	const limit = 96
	return m.lm.Generate(ctx, []lm.Request{r}, lm.Sampling{MaxTokens: limit}, nil, func(_ []int, out []lm.Completion) error {
		d.fact("answer", "%s (%d tokens, %s)", showSpaces(out[0].Text), out[0].Tokens, out[0].FinishReason)
		if out[0].FinishReason != lm.FinishStop {
			d.warn("the answer to a short question had not ended after %d tokens: a base model, another model's template, or a wordy model", out[0].Tokens)
		}
		return nil
	})
}
