// Package local is a language model computed with GoMLX on this machine: prompts are read in batches of similar length,
// answers are decoded with a key-value cache, and tokens are drawn in Go.
//
// The cache lies in pages (pages.go), so that it grows and is shared without being copied: what prompts begin with
// alike is computed once (prefixes.go). On our backend a prompt's bits depend neither on the pieces that it is read in
// nor on the beginning that it finds; elsewhere, with capped scores, and where a rotary embedding depends on a text's
// length, each prompt is read whole, and only equal ones share their reading.
package local

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// smallHidden is the hidden size up to which a decoding step is too little work to divide among the cores, so that each
// core decodes a batch of its own instead. Our backend gives the same bits for any number of threads; GoMLX's go
// backend may deadlock when it is called from several goroutines.
const smallHidden = 256

// Model implements lm.Model.
type Model struct {
	backend     compute.Backend
	transformer *transformer.Model
	tokenizer   *tokenizer.Tokenizer
	eos         map[int]bool
	lanes       int  // batches decoded side by side
	shares      bool // a text may be read in pieces, and behind another's beginning, with the same bits

	mu        sync.Mutex // one computation at a time
	prefill   *model.Exec
	step      *model.Exec
	copyPages *model.Exec
	logprobs  *model.Exec
	hidden    *model.Exec
	head      *model.Exec
	place     func() error // called before the first computation

	identify    sync.Once
	fingerprint string
}

var _ lm.Model = (*Model)(nil)

// New returns m with its tokenizer as a language model on backend b. The weights must not change while it is in use:
// make a new one after training.
func New(b compute.Backend, m *transformer.Model, t *tokenizer.Tokenizer) *Model {
	l := &Model{backend: b, transformer: m, tokenizer: t, eos: map[int]bool{}, lanes: 1}
	if b.String() == cpu.Name && m.Config.HiddenSize <= smallHidden {
		l.lanes = runtime.GOMAXPROCS(0)
	}
	for _, id := range t.EOS() {
		l.eos[id] = true
	}
	l.shares = m.EachAlone(b) && m.ShortLength() == 0
	type nodes = []*graph.Node
	l.prefill = model.MustNewExec(b, m.Store, func(scope *model.Scope, in nodes) nodes {
		logits, cache := m.Prefill(scope, in[0], in[1], in[2], in[3], in[4])
		return nodes{logits, cache}
	}).SetMaxCache(-1)
	l.step = model.MustNewExec(b, m.Store, func(scope *model.Scope, in nodes) nodes {
		logits, cache := m.Step(scope, in[0], in[1], in[2], in[3], in[4])
		return nodes{logits, cache}
	}).SetMaxCache(-1)
	l.copyPages = model.MustNewExec(b, m.Store, func(_ *model.Scope, in nodes) nodes {
		return nodes{transformer.CopyPages(in[0], in[1], in[2])}
	}).SetMaxCache(-1)
	l.logprobs = model.MustNewExec(b, m.Store, func(scope *model.Scope, in nodes) nodes {
		return nodes{m.TokenLogprobs(scope, in[0])}
	}).SetMaxCache(-1)
	l.hidden = model.MustNewExec(b, m.Store, func(scope *model.Scope, in nodes) nodes {
		return nodes{m.Hidden(scope, in[0])}
	}).SetMaxCache(-1)
	l.head = model.MustNewExec(b, m.Store, func(scope *model.Scope, in nodes) nodes {
		return nodes{m.Head(scope, in[0])}
	}).SetMaxCache(-1)
	l.place = sync.OnceValue(func() error {
		err := m.ToDevice(b)
		// The memory that the weights were loaded into is free: without a collection now it would be reused only when twice
		// as much is in use.
		runtime.GC()
		return err
	})
	return l
}

// Fingerprint returns the SHA-256, in hex, of weights, tokenizer and chat template, and of the way in which a quantized
// model computes, whose answers are others.
func (l *Model) Fingerprint() string {
	l.identify.Do(func() {
		err := l.identity()
		if q := l.transformer.Quantization; q != "" {
			sum := sha256.Sum256([]byte(l.fingerprint + " in integers, " + q))
			l.fingerprint = hex.EncodeToString(sum[:])
		}
		if err != nil { // a weight has been freed: no answer may be stored under a valid fingerprint
			sum := sha256.Sum256([]byte(err.Error()))
			l.fingerprint = "unreadable-" + hex.EncodeToString(sum[:])
		}
	})
	return l.fingerprint
}

// identity sets the fingerprint of the weights and of an adapter beside them.
func (l *Model) identity() error {
	ck, err := l.transformer.Base()
	if err != nil {
		return err
	}
	if l.fingerprint, err = ck.Fingerprint(); err != nil {
		return err
	}
	adapter, err := l.transformer.Adapter()
	if err != nil || adapter == nil {
		return err
	}
	beside, err := adapter.Hash()
	sum := sha256.Sum256([]byte(l.fingerprint + " beside the adapter " + beside))
	l.fingerprint = hex.EncodeToString(sum[:])
	return err
}

// MappedBytes returns the size of the weights that are read from mapped files: memory that the kernel counts as free.
func (l *Model) MappedBytes() int { return l.transformer.Mapped }

// ContextLength returns the number of tokens that prompt and answer may have together.
func (l *Model) ContextLength() int { return l.transformer.Config.MaxPositionEmbeddings }

// CountTokens returns the number of prompt tokens of r.
func (l *Model) CountTokens(r lm.Request) (int, error) {
	ids, err := l.encode(r)
	return len(ids), err
}

// encode returns the prompt tokens of r.
func (l *Model) encode(r lm.Request) ([]int, error) {
	ids, err := l.tokenizer.Thinking(r.Thinking).EncodeChat(r.Messages, true, r.Prefill)
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", r.ID, err)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("request %s: the prompt is empty, expected at least one token", r.ID)
	}
	for _, id := range ids {
		if v := l.transformer.Config.VocabSize; id < 0 || id >= v {
			return nil, fmt.Errorf("request %s: the tokenizer gives token %d, but the model's vocabulary ends at %d; the two "+
				"do not belong together", r.ID, id, v-1)
		}
	}
	return ids, nil
}

// spelling returns the bytes that a token adds to the text; a special token adds none.
func (l *Model) spelling(token int) []byte {
	one := []int{token}
	if l.tokenizer.Decode(one) == "" {
		return nil
	}
	return l.tokenizer.DecodeBytes(one)
}

// text returns decoded bytes as valid UTF-8: an answer cut off inside a character ends in U+FFFD.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// int32s returns a tensor of the given values.
func int32s(values []int32, dims ...int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(values, dims...)
}
