package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/tokenizer"
)

// tiny returns the parts of a whole model of one layer, with a vocabulary of the 256 bytes.
func tiny() ([]pair, []tensor) {
	var tokens []string
	for b := range 256 {
		r := rune(b)
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			r = rune(0x100 + len(slices.DeleteFunc(slices.Clone(tokens), func(s string) bool { return s < "\u0100" })))
		}
		tokens = append(tokens, string(r))
	}
	tokens = append(tokens, "th", "<|end|>")
	types := slices.Repeat([]int32{normal}, len(tokens))
	types[257] = control
	pairs := []pair{{"general.architecture", "llama"}, {"llama.context_length", uint32(8)},
		{"llama.embedding_length", uint32(4)}, {"llama.block_count", uint32(1)}, {"llama.feed_forward_length", uint32(2)},
		{"llama.attention.head_count", uint32(2)}, {"llama.attention.layer_norm_rms_epsilon", float32(1e-5)},
		{keyModel, "gpt2"}, {keyPre, "gpt-2"}, {keyTokens, tokens}, {keyTypes, types}, {keyMerges, []string{"t h"}},
		{keyEOS, uint32(257)}, {keyTemplate, "{{ messages[0].content }}<|end|>"}}
	var tensors []tensor
	for _, t := range []struct {
		name  string
		shape []int
	}{{"token_embd.weight", []int{258, 4}}, {"output_norm.weight", []int{4}}, {"blk.0.attn_norm.weight", []int{4}},
		{"blk.0.ffn_norm.weight", []int{4}}, {"blk.0.attn_q.weight", []int{4, 4}}, {"blk.0.attn_k.weight", []int{4, 4}},
		{"blk.0.attn_v.weight", []int{4, 4}}, {"blk.0.attn_output.weight", []int{4, 4}}, {"blk.0.ffn_gate.weight",
			[]int{2, 4}},
		{"blk.0.ffn_up.weight", []int{2, 4}}, {"blk.0.ffn_down.weight", []int{4, 2}}} {
		n := 1
		for _, d := range t.shape {
			n *= d
		}
		tensors = append(tensors, tensor{name: t.name, shape: t.shape, data: zeros(n), dtype: f32})
	}
	return pairs, tensors
}

// fileOf returns a file of those parts.
func fileOf(t testing.TB, pairs []pair, tensors []tensor) []byte {
	t.Helper()
	b := bytes.NewBuffer(headerBytes(pairs, tensors))
	for _, tensor := range tensors {
		if err := tensor.write(b); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// with returns the pairs with one in place of that of the same key, or after them.
func with(pairs []pair, key string, value any) []pair {
	pairs = slices.Clone(pairs)
	for i, p := range pairs {
		if p.key == key {
			pairs[i].value = value
			return pairs
		}
	}
	return append(pairs, pair{key, value})
}

// readError reads a file and returns its error, with the tokenizer's. It allocates little more than the file holds.
func readError(t *testing.T, name string, file []byte) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ck, err := Read(bytes.NewReader(file), int64(len(file)))
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 8<<20+100*uint64(len(file)) {
		t.Errorf("%s: %d bytes were allocated for a file of %d", name, spent, len(file))
	}
	if err == nil {
		_, err = tokenizer.Load(folderOf(ck))
	}
	if err != nil && strings.ContainsAny(err.Error(), "\n\r\x00") {
		t.Errorf("%s: %q is not a line of text", name, err)
	}
	return err
}

// Every damaged or hostile file is an error that says where and what, without memory spent on what it claims.
func TestHostile(t *testing.T) {
	pairs, tensors := tiny()
	file := fileOf(t, pairs, tensors)
	if err := readError(t, "whole", file); err != nil {
		t.Fatal(err)
	}
	begin := func(counts ...uint64) []byte {
		b := binary.LittleEndian.AppendUint32([]byte("GGUF"), 3)
		for _, n := range counts {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		return b
	}
	raw := func(key string, rest ...any) []byte {
		b := bytes.NewBuffer(begin(0, 1))
		putString(b, key)
		put(b, rest...)
		return b.Bytes()
	}
	entryOf := func(rest ...any) []byte {
		b := bytes.NewBuffer(begin(1, 0))
		putString(b, "t")
		put(b, rest...)
		return b.Bytes()
	}
	shaped := func(i int, shape ...int) []tensor {
		out := slices.Clone(tensors)
		n := 1
		for _, d := range shape {
			n *= d
		}
		out[i].shape, out[i].data = shape, zeros(n)
		return out
	}
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"empty":         {nil, "ends within the first four bytes"},
		"another":       {[]byte("PK\x03\x04...."), "expected GGUF"},
		"version 1":     {append([]byte("GGUF\x01\x00\x00\x00"), make([]byte, 64)...), "version 1 of GGUF; expected 2 or 3"},
		"big-endian":    {append([]byte("GGUF\x00\x00\x00\x03"), make([]byte, 64)...), "big-endian"},
		"tensors":       {begin(1_000_000, 0), "1000000 tensors"},
		"all tensors":   {begin(math.MaxUint64, 0), "at most 65536"},
		"pairs":         {begin(0, 1<<40), "metadata pairs"},
		"key":           {begin(0, 1, 1<<60), "a key of the metadata is a string of 1152921504606846976 bytes"},
		"string":        {raw("a", typeString, uint64(1<<60)), `metadata "a" is a string of 1152921504606846976 bytes`},
		"short string":  {raw("a", typeString, uint64(1<<20)), `ends within metadata "a"`},
		"array":         {raw("a", typeArray, typeUint8, uint64(1_000_000_000)), `metadata "a" has 1000000000 elements`},
		"short array":   {raw("a", typeArray, typeFloat64, uint64(1<<22)), `ends within metadata "a"`},
		"strings":       {raw("a", typeArray, typeString, uint64(1<<22)), `ends within metadata "a"`},
		"nested":        {raw("a", typeArray, typeArray, uint64(1)), `metadata "a" is an array of arrays`},
		"type":          {raw("a", uint32(13)), `metadata "a" has type 13`},
		"element type":  {raw("a", typeArray, uint32(99), uint64(1)), `metadata "a" has elements of type 99`},
		"truth":         {raw("a", typeBool, uint8(2)), `metadata "a" is the truth value 2`},
		"number":        {raw("a", typeUint64, uint64(math.MaxUint64)), `metadata "a" is 18446744073709551615`},
		"key in UTF-16": {raw("\xff\xfea", typeBool, uint8(1)), "the key is not UTF-8"},
		"twice":         {fileOf(t, append(pairs, pairs[0]), tensors), `metadata "general.architecture" is there twice`},
		"dimensions":    {entryOf(uint32(1 << 31)), `tensor "t" has 2147483648 dimensions`},
		"no dimension":  {entryOf(uint32(0)), `tensor "t" has 0 dimensions`},
		"overflow":      {entryOf(uint32(2), uint64(1<<33), uint64(1<<33)), `tensor "t" has a dimension of 8589934592`},
		"zero":          {entryOf(uint32(1), uint64(0)), `tensor "t" has a dimension of 0`},
		"unread type":   {entryOf(uint32(1), uint64(256), uint32(16)), `tensor "t" has type iq2_xxs, which is not read`},
		"new type":      {entryOf(uint32(1), uint64(256), uint32(77)), `tensor "t" has type number 77`},
		"odd row": {entryOf(uint32(1), uint64(100), uint32(12)),
			"rows of 100 values of type q4_k; expected a multiple of 256"},
		"outside": {entryOf(uint32(1), uint64(1<<39), uint32(0), uint64(0), make([]byte, 64)),
			`tensor "t" needs 2199023255552 bytes`},
		"far":        {entryOf(uint32(1), uint64(4), uint32(0), uint64(1<<63)), "beyond the end of the file"},
		"misaligned": {entryOf(uint32(1), uint64(4), uint32(0), uint64(4), make([]byte, 64)), "expected a multiple of 32"},
		"overlap": {func() []byte {
			b := bytes.NewBuffer(begin(2, 0))
			for _, name := range []string{"a", "b"} {
				putString(b, name)
				put(b, uint32(1), uint64(8), uint32(0), uint64(0))
			}
			return append(b.Bytes(), make([]byte, 256)...)
		}(), `tensors "a" and "b" overlap`},
		"same name": {fileOf(t, pairs, append(tensors, tensors[1])), `tensor "output_norm.weight" is there twice`},
		"alignment": {fileOf(t, with(pairs, "general.alignment", uint32(3)), tensors), `"general.alignment" is 3`},
		"vast alignment": {fileOf(t, with(pairs, "general.alignment", uint32(1<<31)), tensors),
			`"general.alignment" is 2147483648`},

		"no architecture": {fileOf(t, pairs[1:], tensors), `metadata "general.architecture" is missing`},
		"architecture": {fileOf(t, with(pairs, "general.architecture", "rwkv7"), tensors),
			`architecture "rwkv7" is not computed`},
		"adapter":    {fileOf(t, with(pairs, "general.type", "adapter"), tensors), "llama-export-lora"},
		"images":     {fileOf(t, with(pairs, "general.type", "mmproj"), tensors), "reads images"},
		"vocabulary": {fileOf(t, pairs, nil), "holds a vocabulary alone"},
		"layers": {fileOf(t, with(pairs, "llama.block_count", uint32(4000)), tensors),
			`"llama.block_count" is 4000, and the file has 11 tensors`},
		"all layers": {fileOf(t, with(pairs, "llama.block_count", uint32(math.MaxUint32)), tensors),
			`"llama.block_count" is 4294967295`},
		"width": {fileOf(t, with(pairs, "llama.embedding_length", uint32(1<<14)), tensors),
			`has shape [258 4]; the metadata call for [258 16384]`},
		"experts": {fileOf(t, with(pairs, "llama.expert_count", uint32(8)), tensors), `metadata "llama.expert_count" is 8`},
		"scaling": {fileOf(t, with(pairs, "llama.rope.scaling.type", "yarn"), tensors), "yarn"},
		"scaling of no name": {fileOf(t, with(pairs, "llama.rope.scaling.factor", float32(4)), tensors),
			`rope_scaling type "linear" is not supported`},
		"scaling by a number": {fileOf(t, with(pairs, "llama.rope.scaling.type", uint32(2)), tensors),
			`"llama.rope.scaling.type" is 2`},
		"attention factor": {fileOf(t, with(pairs, "llama.rope.scaling.attn_factor", float32(1.5)), tensors),
			`"llama.rope.scaling.attn_factor" is 1.5`},
		"encoder": {fileOf(t, with(pairs, "llama.attention.causal", false), tensors), `"llama.attention.causal" is false`},
		"turned":  {fileOf(t, with(pairs, "llama.rope.dimension_count", "half"), tensors), `dimension_count" is "half"`},
		"head": {fileOf(t, with(pairs, "llama.attention.key_length", "two"), tensors),
			`attention.key_length" is "two"`},
		"no epsilon": {fileOf(t, pairs[:6], tensors), "is missing, and a llama model has it"},
		"shape": {fileOf(t, pairs, shaped(4, 4, 2)),
			`tensor "blk.0.attn_q.weight" has shape [4 2]; the metadata call for [4 4]`},
		"missing": {fileOf(t, pairs, tensors[:10]), `tensor "blk.0.ffn_down.weight" is missing`},
		"surplus": {fileOf(t, pairs, append(slices.Clone(tensors),
			tensor{name: "blk.0.ssm_a", shape: []int{1}, data: zeros(1),
				dtype: f32})), `tensor "blk.0.ssm_a" belongs to no llama model`},

		"no number": {fileOf(t, pairs, func() []tensor {
			out := shaped(5, 4, 4)
			lidrtest.Values(t, out[5].data)[7] = float32(math.NaN())
			return out
		}()), `tensor "blk.0.attn_k.weight" has NaN as value 7`},

		"no tokens": {fileOf(t, with(pairs, keyTokens, "none"), tensors), `metadata "tokenizer.ggml.tokens" is missing`},
		"same tokens": {fileOf(t, with(pairs, keyTokens, slices.Repeat([]string{"a"}, 258)), tensors),
			`ids 0 and 1 are both "a"`},
		"UTF-8": {fileOf(t, with(pairs, keyTokens, slices.Repeat([]string{"\xff"}, 258)), tensors),
			`token 0, "\xff", is not UTF-8`},
		"tokens": {fileOf(t, with(pairs, keyTokens, slices.Repeat([]string{"a"}, 300)), tensors), "has 300 tokens"},
		"types":  {fileOf(t, with(pairs, keyTypes, []int32{1}), tensors), "is shorter than"},
		"model": {fileOf(t, with(pairs, keyModel, "t5"), tensors),
			`"tokenizer.ggml.model" is "t5"; expected gpt2 or llama`},
		"scores":       {fileOf(t, with(pairs, keyModel, "llama"), tensors), `metadata "tokenizer.ggml.scores" is missing`},
		"pre":          {fileOf(t, with(pairs, keyPre, "falcon"), tensors), `"falcon", a pre-tokenizer that is not known`},
		"merges":       {fileOf(t, with(pairs, keyMerges, []string{"th"}), tensors), `merge 0 is "th"; expected two tokens`},
		"other merges": {fileOf(t, with(pairs, keyMerges, []string{"t x"}), tensors), "its tokens are not all in vocab"},
		"eos":          {fileOf(t, with(pairs, keyEOS, uint32(9999)), tensors), `"tokenizer.ggml.eos_token_id" is 9999`},
		"no bos": {fileOf(t, with(pairs, keyAddBOS, true), tensors),
			`metadata "tokenizer.ggml.bos_token_id" is missing`},
		"long template": {fileOf(t, with(pairs, keyTemplate, strings.Repeat("x", 8<<20)), tensors),
			"chat template of 8388608 bytes"},
	} {
		if err := readError(t, name, test.file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, expected %s", name, err, test.want)
		}
	}
	bomb := strings.Repeat("{% for i in range(99999) %}", 9) + "x" + strings.Repeat("{% endfor %}", 9)
	if err := readError(t, "bomb", fileOf(t, with(pairs, keyTemplate, bomb), tensors)); err != nil {
		t.Errorf("a template that never ends is compiled, and never rendered to its end: %v", err)
	}
}

// A file that ends at any byte before its last is an error that says so.
func TestTruncated(t *testing.T) {
	pairs, tensors := tiny()
	file := fileOf(t, pairs, tensors)
	last := len(file) - aligned(8*4) + 8*4 // padding may be missing
	for n := range last {
		_, err := Read(bytes.NewReader(file[:n]), int64(n))
		if err == nil || !strings.Contains(err.Error(), "copy or download it again") {
			t.Fatalf("%d of %d bytes: %v", n, len(file), err)
		}
	}
}

// FuzzRead looks for a file that ends the program, or takes memory beyond its size.
func FuzzRead(f *testing.F) {
	pairs, tensors := tiny()
	f.Add(fileOf(f, pairs, tensors))
	scores := make([]float32, 258)
	f.Add(fileOf(f, with(with(pairs, keyModel, "llama"), keyScores, scores), tensors))
	f.Add(fileOf(f, with(pairs, "general.architecture", "gemma3"), tensors))
	f.Add(fileOf(f, nil, nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		ck, err := Read(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		values := 0
		for _, tensor := range ck.Tensors {
			values += tensor.Len()
		}
		if values > 13*len(file) {
			t.Fatalf("%d values of %d bytes", values, len(file))
		}
		if want := checkpoint.ExpectedTensors(ck.Config); len(want) != len(ck.Tensors) {
			t.Fatalf("%d tensors, expected %d", len(ck.Tensors), len(want))
		}
		if _, err := tokenizer.Load(folderOf(ck)); err == nil {
			_ = fmt.Sprint(ck.Fingerprint())
		}
	})
}

func zeros(n int) checkpoint.Tensor { return checkpoint.NewTensor("", []int{n}, make([]float32, n)) }

func hashOfModel(t testing.TB, ck *checkpoint.Checkpoint) string {
	t.Helper()
	hash, err := ck.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
