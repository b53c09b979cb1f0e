package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// Decoding with a cache that grows, batched and padded, must choose the tokens that one uncached pass over the finished
// text finds likeliest.
func TestGreedyIsArgmaxOfUncachedPass(t *testing.T) {
	l := newModel(t, 300)
	answers := make([]*answer, 5)
	for i := range answers {
		var prompt []int
		for k := range 1 + 11*i {
			prompt = append(prompt, (k*k+7*i)%256)
		}
		s := lm.Sampling{MaxTokens: 20 + 40*i} // the last one outgrows its cache, the others leave the batch before
		answers[i] = &answer{prompt: prompt, limit: s.MaxTokens, sampler: newSampler(s, "", prompt)}
	}
	if err := l.decode(context.Background(), answers); err != nil {
		t.Fatal(err)
	}
	best := model.MustNewExec(l.backend, l.transformer.Store, func(scope *model.Scope, tokens *Node) *Node {
		h := l.transformer.Hidden(scope, tokens)
		return l.transformer.Head(scope, Reshape(h, h.Shape().Dim(1), h.Shape().Dim(2)))
	})
	for i, a := range answers {
		all := append(slices.Clone(a.prompt), a.tokens...)
		out, err := best.Call1(int32s(padded([][]int{all}, 1, 256), 1, 256))
		if err != nil {
			t.Fatal(err)
		}
		logits := out.Value().([][]float32)
		for k, token := range a.tokens {
			if row := logits[len(a.prompt)+k-1]; row[token] < row[argmax(row)]-1e-4 {
				t.Fatalf("answer %d, token %d is %d with logit %g; the uncached pass prefers %d with %g", i, k, token, row[token],
					argmax(row), row[argmax(row)])
			}
		}
		if a.finish == lm.FinishLength && len(a.tokens) != a.limit {
			t.Errorf("answer %d has %d tokens and ended by length, expected %d", i, len(a.tokens), a.limit)
		}
	}
}

// Answers, and the order in which they are saved, depend neither on interruptions nor on the number of batches that run
// in parallel.
func TestGenerateResumes(t *testing.T) {
	l := newModel(t, 128)
	sampling := lm.Sampling{Temperature: 1.5, TopP: 0.98, MaxTokens: 12, Stop: []string{"e", "qu"}, Seed: 3}
	reqs := requests(3*batchSize + 9)
	var order []int
	run := func(done map[int]lm.Completion, stopAfter int) error {
		return l.Generate(context.Background(), reqs, sampling, func(i int) bool { _, ok := done[i]; return ok },
			func(idx []int, out []lm.Completion) error {
				for k, i := range idx {
					if _, twice := done[i]; twice {
						t.Errorf("item %d was saved twice", i)
					}
					if len(done) == stopAfter { // killed in the middle of a batch
						return errors.New("killed")
					}
					done[i] = out[k]
					order = append(order, i)
				}
				return nil
			})
	}
	straight, resumed := map[int]lm.Completion{}, map[int]lm.Completion{}
	l.lanes = 1
	if err := run(straight, -1); err != nil {
		t.Fatal(err)
	}
	straightOrder := order
	order, l.lanes = nil, 3
	if len(straight) != len(reqs) {
		t.Fatalf("%d of %d answers were saved", len(straight), len(reqs))
	}
	for _, after := range []int{17, batchSize + 2} {
		if err := run(resumed, after); err == nil || err.Error() != "killed" {
			t.Fatalf("got error %v, expected save's own", err)
		}
	}
	if err := run(resumed, -1); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, straightOrder) {
		t.Error("the interrupted run saved its answers in another order")
	}
	ends := map[string]int{}
	for i := range reqs {
		if straight[i] != resumed[i] {
			t.Errorf("item %d: resumed %+v, straight %+v", i, resumed[i], straight[i])
		}
		ends[straight[i].FinishReason]++
		if strings.Contains(straight[i].Text, "e") || strings.Contains(straight[i].Text, "qu") {
			t.Errorf("item %d: %q holds a stop text", i, straight[i].Text)
		}
	}
	if ends[lm.FinishStop] == 0 || ends[lm.FinishLength] == 0 {
		t.Errorf("answers ended %v, expected both ways", ends)
	}
}

func TestPrefillAndContext(t *testing.T) {
	l := newModel(t, 64)
	r := requests(1)[0]
	plain, err := l.CountTokens(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Prefill = "<translated>"
	if n, _ := l.CountTokens(r); n != plain+len(r.Prefill) { // the fixture spells text byte by byte
		t.Errorf("%d tokens with a prefill of %d bytes, %d without", n, len(r.Prefill), plain)
	}
	var got lm.Completion
	save := func(_ []int, out []lm.Completion) error { got = out[0]; return nil }
	if err := l.Generate(context.Background(), []lm.Request{r}, lm.Sampling{MaxTokens: 1000}, nil, save); err != nil {
		t.Fatal(err)
	}
	if got.PromptTokens+got.Tokens != l.ContextLength() || got.FinishReason != lm.FinishLength {
		t.Errorf("%+v, expected the context of %d to be filled", got, l.ContextLength())
	}
	r.Messages[0].Content = strings.Repeat("long ", 20)
	err = l.Generate(context.Background(), []lm.Request{r}, lm.Sampling{MaxTokens: 1}, nil, save)
	if err == nil || !strings.Contains(err.Error(), "request 0/en") ||
		!strings.Contains(err.Error(), "context length 64") {
		t.Errorf("too long a prompt gave error %v", err)
	}
	if err := l.Generate(context.Background(), nil, lm.Sampling{MaxTokens: 1, TopP: 2}, nil, save); err == nil ||
		!strings.Contains(err.Error(), "top_p") {
		t.Errorf("top_p 2 gave error %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Generate(cancelled, requests(1), lm.Sampling{MaxTokens: 1}, nil, save); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave error %v", err)
	}
}

func TestLogprobs(t *testing.T) {
	l := newModel(t, 128)
	reqs := requests(70)
	responses := make([]string, len(reqs))
	for i := range responses {
		responses[i] = strings.Repeat("ja<|im_end|>", i%3)
	}
	sums, tokens, err := l.Logprobs(context.Background(), reqs, responses)
	if err != nil {
		t.Fatal(err)
	}
	exec := model.MustNewExec(l.backend, l.transformer.Store, func(scope *model.Scope, tokens *Node) *Node {
		return l.transformer.TokenLogprobs(scope, tokens)
	})
	for _, i := range []int{0, 1, 2, 69} {
		prompt, _ := l.encode(reqs[i])
		response := append([]int(nil), l.tokenizer.EncodeContent(responses[i])...)
		response = append(response, l.tokenizer.EOS()[0])
		if tokens[i] != len(response) || len(response) != len(responses[i])+1 {
			// byte by byte: the special token is only text
			t.Errorf("item %d: %d tokens, expected %d", i, tokens[i], len(responses[i])+1)
		}
		all := append(prompt, response...)
		out, err := exec.Call1(int32s(padded([][]int{all}, 1, len(all)), 1, len(all)))
		if err != nil {
			t.Fatal(err)
		}
		want := 0.0
		for _, lp := range tensors.MustCopyFlatData[float32](out)[len(prompt)-1:] {
			want += float64(lp)
		}
		if math.Abs(sums[i]-want) > 1e-4*math.Abs(want) {
			t.Errorf("item %d: log-probability %g, alone and unpadded %g", i, sums[i], want)
		}
	}
}

func TestBrokenWeightsAreReported(t *testing.T) {
	l := newModel(t, 64)
	ck, err := l.transformer.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	norm, err := ck.Tensor("model.norm.weight").Float32s()
	if err != nil {
		t.Fatal(err)
	}
	norm[0] = float32(math.NaN())
	broken, err := transformer.New(ck)
	if err != nil {
		t.Fatal(err)
	}
	l = New(l.backend, broken, l.tokenizer)
	err = l.Generate(context.Background(), requests(1), lm.Sampling{MaxTokens: 3}, nil,
		func([]int, []lm.Completion) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "not numbers") {
		t.Errorf("weights with NaN gave error %v", err)
	}
}

// newModel returns a random model with a tokenizer that spells text byte by byte.
func newModel(t testing.TB, context int) *Model {
	t.Helper()
	b, err := backend.Open("")
	if err != nil {
		t.Fatal(err)
	}
	tok := byteTokenizer(t)
	m := transformer.Init(checkpoint.Config{
		ModelType: "llama", HiddenSize: 32, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 8,
		IntermediateSize: 48, VocabSize: tok.VocabSize(), MaxPositionEmbeddings: context, RMSNormEps: 1e-5, RopeTheta: 10000,
	}, 1)
	return New(b, m, tok)
}

func byteTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	vocab := map[string]int{} // GPT-2's byte alphabet: printable Latin-1 as itself, the rest from U+0100 on
	next := rune(256)
	for b := range rune(256) {
		if b >= '!' && b <= '~' || b >= '¡' && b <= '¬' || b >= '®' {
			vocab[string(b)] = int(b)
		} else {
			vocab[string(next)] = int(b)
			next++
		}
	}
	var added []map[string]any
	for i, s := range []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"} {
		added = append(added, map[string]any{"id": 256 + i, "content": s, "special": true})
	}
	file, err := json.Marshal(map[string]any{
		"added_tokens":  added,
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
		"decoder":       map[string]any{"type": "ByteLevel"},
		"model":         map[string]any{"type": "BPE", "vocab": vocab, "merges": []string{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := `{"eos_token": "<|im_end|>", "chat_template": "{% for m in messages %}{{ '<|im_start|>' + m['role'] + ` +
		`'\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' ` +
		`}}{% endif %}"}`
	tok, err := tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: file},
		"tokenizer_config.json": {Data: []byte(config)}})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func requests(n int) (reqs []lm.Request) {
	for i := range n {
		text := strings.Repeat("ab ", i%4) + fmt.Sprint(i)
		reqs = append(reqs,
			lm.Request{ID: fmt.Sprintf("%d/en", i), Messages: []tokenizer.Message{{Role: "user", Content: text}}})
	}
	return reqs
}
