package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// tokenizers are the forms in which each family publishes its tokenizer.
const tokenizers = "../tokenizer/testdata/"

// newCheckpoint returns a random model with the tokenizer in folder.
func newCheckpoint(t testing.TB, folder string, c checkpoint.Config) (*checkpoint.Checkpoint, *tokenizer.Tokenizer) {
	t.Helper()
	fsys := os.DirFS(tokenizers + folder)
	tok, err := tokenizer.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	c.HiddenSize, c.NumHiddenLayers, c.IntermediateSize = 64, 2, 96
	c.NumAttentionHeads, c.NumKeyValueHeads, c.HeadDim = 4, 2, 16
	c.VocabSize, c.MaxPositionEmbeddings, c.RMSNormEps, c.RopeTheta, c.BOSTokenID = 1024, 512, 1e-5, 10000, -1
	ck, err := transformer.Init(c, 1).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		if ck.Files[name], err = fs.ReadFile(fsys, name); err != nil {
			t.Fatal(err)
		}
	}
	return ck, tok
}

var llama3 = checkpoint.RopeScaling{RopeType: "llama3", Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4,
	OriginalMaxPositionEmbeddings: 64}

// Every tensor is read back under llama.cpp's name with its values in llama.cpp's order, and the metadata is what
// readers need.
func TestWrite(t *testing.T) {
	for _, test := range []struct {
		folder       string
		config       checkpoint.Config
		architecture string
		tensors      int // 3 or 2, 9 a layer, and those particular to the family
		pre          string
		bos          bool
	}{
		{"llama3", checkpoint.Config{ModelType: "llama", RopeScaling: &llama3}, "llama", 3 + 9*2 + 1, "llama-bpe", true},
		{"qwen2", checkpoint.Config{ModelType: "qwen2", TieWordEmbeddings: true}, "qwen2", 2 + 12*2, "qwen2", false},
		{"qwen2", checkpoint.Config{ModelType: "qwen3"}, "qwen3", 3 + 11*2, "qwen2", false},
	} {
		t.Run(test.architecture, func(t *testing.T) {
			ck, tok := newCheckpoint(t, test.folder, test.config)
			ck.Files["README.md"] = []byte("---\nlicense: \"apache-2.0\"\n---\n# M1\n")
			var b, again bytes.Buffer
			for _, w := range []io.Writer{&b, &again} {
				if err := Write(w, ck, tok, "M1", "f32"); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(b.Bytes(), again.Bytes()) {
				t.Error("two files of one model differ")
			}
			metadata, tensors := read(t, b.Bytes())
			for key, want := range map[string]any{
				"general.architecture": test.architecture, "general.name": "M1", "general.file_type": uint32(0),
				"general.license": "apache-2.0", test.architecture + ".attention.head_count_kv": uint32(2),
				test.architecture + ".rope.freq_base": float32(10000), "tokenizer.ggml.model": "gpt2",
				"tokenizer.ggml.pre": test.pre, "tokenizer.ggml.add_bos_token": test.bos,
				"tokenizer.ggml.eos_token_id": uint32(tok.EOS()[0]), "tokenizer.chat_template": tok.ChatTemplate(),
			} {
				if metadata[key] != want {
					t.Errorf("%s is %v, expected %v", key, metadata[key], want)
				}
			}
			tokens, types := metadata["tokenizer.ggml.tokens"].([]string), metadata["tokenizer.ggml.token_type"].([]int32)
			if eos := tok.EOS()[0]; tokens[eos] != string(tok.DecodeBytes([]int{eos})) || types[eos] != control ||
				types[1023] != unused {
				t.Errorf("token %d is %q of type %d, and the last one has type %d", eos, tokens[eos], types[eos], types[1023])
			}
			if len(tensors) != test.tensors {
				t.Errorf("%d tensors, expected %d", len(tensors), test.tensors)
			}
			for _, want := range ck.Tensors {
				got := tensors[families[test.architecture].tensorName(want.Name)]
				data := make([]float32, len(got.data)/4)
				binary.Decode(got.data, binary.LittleEndian, data)
				for _, part := range []struct {
					name  string
					heads int
				}{{".q_proj.", 4}, {".k_proj.", 2}} {
					if test.architecture == "llama" && strings.Contains(want.Name, part.name) {
						data = apart(data, part.heads, want.Shape[0])
					}
				}
				if !slices.Equal(got.shape, want.Shape) || !slices.Equal(data, lidrtest.Values(t, want)) {
					t.Errorf("%s: shape %v, expected %v, or other values", want.Name, got.shape, want.Shape)
				}
			}
		})
	}
}

// apart undoes interleave: dimension i of a head comes from row 2i, i+dim/2 from row 2i+1.
func apart(data []float32, heads, rows int) []float32 {
	var out []float32
	dim, width := rows/heads, len(data)/rows
	for head := range heads {
		for _, odd := range []int{0, 1} {
			for i := range dim / 2 {
				row := head*dim + 2*i + odd
				out = append(out, data[row*width:(row+1)*width]...)
			}
		}
	}
	return out
}

// One block of q8_0 by hand: the largest magnitude is 63.5, so the scale is 0.5 (0x3800 as float16) and each value is
// doubled and rounded, halves away from zero.
func TestQ80(t *testing.T) {
	block := make([]float32, 32)
	copy(block, []float32{63.5, -63.5, 0.25, -0.25, 1.25, -1.25, 0.2, -0.3, 10})
	want := append([]byte{0x00, 0x38, 127, 0x81, 1, 0xff, 3, 0xfd, 0, 0xff, 20}, make([]byte, 23)...)
	got := make([]byte, 2*34)
	if err := checkpoint.EncodeQ80(got, append(block, make([]float32, 32)...)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, append(want, make([]byte, 34)...)) {
		t.Errorf("got % x\nwant % x and zeros", got, want)
	}
}

func TestTypes(t *testing.T) {
	ck, tok := newCheckpoint(t, "llama3", checkpoint.Config{ModelType: "llama"})
	embeddings := lidrtest.Values(t, *ck.Tensor("model.embed_tokens.weight"))
	for dtype, bytesEach := range map[string]float64{"f32": 4, "f16": 2, "bf16": 2, "q8_0": 34.0 / 32} {
		var b bytes.Buffer
		if err := Write(&b, ck, tok, "M1", dtype); err != nil {
			t.Fatal(err)
		}
		_, tensors := read(t, b.Bytes())
		if got, want := len(tensors["token_embd.weight"].data), int(bytesEach*float64(len(embeddings))); got != want {
			t.Errorf("%s: %d bytes, expected %d", dtype, got, want)
		}
		if got := len(tensors["output_norm.weight"].data); got != 64*4 {
			t.Errorf("%s: a norm has %d bytes, expected float32", dtype, got)
		}
	}
	// 1/3 is 0x3555 as float16 and 0x3eab as bfloat16 (numpy 1.26, PyTorch 2.6); 2⁻²⁵·3 is a tie between subnormals.
	got := make([]byte, 4)
	if err := encodeF16(got, []float32{1.0 / 3, 3 * 0x1p-25}); err != nil || !bytes.Equal(got, []byte{0x55, 0x35, 2, 0}) {
		t.Errorf("float16: % x, %v", got, err)
	}
	if err := encodeBF16(got, []float32{1.0 / 3, -0}); err != nil || !bytes.Equal(got[:2], []byte{0xab, 0x3e}) {
		t.Errorf("bfloat16: % x, %v", got, err)
	}
	embeddings[7] = 1e6
	if err := Write(io.Discard, ck, tok, "M1", "f16"); err == nil ||
		!strings.Contains(err.Error(), `"token_embd.weight": 1e+06 does not fit f16`) {
		t.Errorf("a value beyond float16: %v", err)
	}
}

// With θ = 10000, 16 dimensions and an original context of 64 tokens the wavelengths are 2π·10000^(i/8), that is 6.3,
// 19.9, 62.8, 199 …: below 64/4 nothing changes, above 64/1 frequencies are divided by 8, and between them the factor
// is 1/((1-s)/8 + s) with s = (64/wavelength - 1)/(4 - 1).
func TestRotaryFactors(t *testing.T) {
	got := rotaryFactors(checkpoint.Config{HeadDim: 16, RopeTheta: 10000, RopeScaling: &llama3})
	want := []float64{1, 1 / ((1-0.7404)/8 + 0.7404), 1 / ((1-0.0062)/8 + 0.0062), 8, 8, 8, 8, 8}
	for i := range want {
		if math.Abs(float64(got[i])-want[i]) > 1e-3 {
			t.Errorf("factor %d is %g, expected %g", i, got[i], want[i])
		}
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name, folder string
		config       checkpoint.Config
		edit         [2]string // in tokenizer.json
		dtype, want  string
	}{
		{"type", "llama3", checkpoint.Config{ModelType: "llama"}, [2]string{}, "q4_0", `type "q4_0" is not supported`},
		{"scaling", "qwen2", checkpoint.Config{ModelType: "qwen2", RopeScaling: &llama3}, [2]string{}, "f32",
			"rope_scaling llama3 cannot be expressed for model_type qwen2"},
		{"biases", "qwen2", checkpoint.Config{ModelType: "qwen3", AttentionBias: true}, [2]string{}, "f32",
			"attention_bias cannot be expressed"},
		{"pre-tokenizer", "llama3", checkpoint.Config{ModelType: "llama"}, [2]string{`{1,3}`, `{1,4}`}, "f32",
			"has no name in llama.cpp"},
		{"ignore_merges", "qwen2", checkpoint.Config{ModelType: "qwen2"},
			[2]string{`"ignore_merges":false`, `"ignore_merges":true`}, "f32", "with ignore_merges) has no name"},
		{"merges", "llama2", checkpoint.Config{ModelType: "llama"}, [2]string{}, "f32", "are not among the merges"},
	} {
		ck, tok := newCheckpoint(t, test.folder, test.config)
		file := ck.Files["tokenizer.json"]
		if test.edit[0] != "" && !bytes.Contains(file, []byte(test.edit[0])) {
			t.Fatalf("%s: the file has no %s", test.name, test.edit[0])
		}
		ck.Files["tokenizer.json"] = bytes.ReplaceAll(file, []byte(test.edit[0]), []byte(test.edit[1]))
		if err := Write(io.Discard, ck, tok, "M1", test.dtype); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, expected %s", test.name, err, test.want)
		}
	}
}

// stored is a tensor in the file.
type stored struct {
	shape []int
	data  []byte
}

// read is a reader of GGUF for these tests, written from the format's description.
func read(t *testing.T, file []byte) (map[string]any, map[string]stored) {
	t.Helper()
	r := bytes.NewReader(file)
	number := func(into any) {
		if err := binary.Read(r, binary.LittleEndian, into); err != nil {
			t.Fatal(err)
		}
	}
	u32 := func() (n uint32) { number(&n); return }
	u64 := func() (n uint64) { number(&n); return }
	text := func() string { b := make([]byte, u64()); number(b); return string(b) }
	if magic := u32(); magic != 0x46554747 || u32() != 3 {
		t.Fatalf("the file begins with %#x, expected GGUF of version 3", magic)
	}
	tensors, pairs := u64(), u64()
	metadata := map[string]any{}
	for range pairs {
		key := text()
		switch kind := u32(); kind {
		case 4:
			metadata[key] = u32()
		case 6:
			metadata[key] = math.Float32frombits(u32())
		case 7:
			var b bool
			number(&b)
			metadata[key] = b
		case 8:
			metadata[key] = text()
		case 9:
			element, n := u32(), u64()
			switch element {
			case 5:
				list := make([]int32, n)
				number(list)
				metadata[key] = list
			case 6:
				list := make([]float32, n)
				number(list)
				metadata[key] = list
			case 8:
				list := make([]string, n)
				for i := range list {
					list[i] = text()
				}
				metadata[key] = list
			}
		default:
			t.Fatalf("%s has type %d", key, kind)
		}
	}
	type place struct {
		name   string
		shape  []int
		kind   uint32
		offset uint64
	}
	var places []place
	for range tensors {
		p := place{name: text()}
		for range u32() {
			p.shape = append([]int{int(u64())}, p.shape...)
		}
		p.kind, p.offset = u32(), u64()
		places = append(places, p)
	}
	start := uint64(len(file)-r.Len()+31) / 32 * 32
	out := map[string]stored{}
	for _, p := range places {
		n := 1
		for _, d := range p.shape {
			n *= d
		}
		size := map[uint32]int{0: 4 * n, 1: 2 * n, 8: n / 32 * 34, 30: 2 * n}[p.kind]
		at := start + p.offset
		if at%32 != 0 || at+uint64(size) > uint64(len(file)) {
			t.Fatalf("%s: %d bytes of type %d at %d of %d", p.name, size, p.kind, at, len(file))
		}
		out[p.name] = stored{p.shape, file[at : at+uint64(size)]}
	}
	if len(out) != int(tensors) {
		t.Fatal(fmt.Errorf("%d tensors have %d names", tensors, len(out)))
	}
	return metadata, out
}
