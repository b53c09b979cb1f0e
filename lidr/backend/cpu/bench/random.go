//go:build linux

package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/tokenizer"
)

// growthConfig is a Llama of a published shape with room for the longest context that is measured.
func growthConfig(hidden, layers, heads, keys, ffn, vocabulary int) checkpoint.Config {
	return checkpoint.Config{
		Architectures: []string{"LlamaForCausalLM"}, ModelType: "llama", TorchDType: "bfloat16", BOSTokenID: -1,
		HiddenSize: hidden, NumHiddenLayers: layers, NumAttentionHeads: heads, NumKeyValueHeads: keys,
		HeadDim: hidden / heads, IntermediateSize: ffn, VocabSize: vocabulary, MaxPositionEmbeddings: 16384,
		RMSNormEps: 1e-5, RopeTheta: 10000, TieWordEmbeddings: true,
	}
}

// model returns a model's folder, or one of random weights of a like shape, noted, where it was not made.
func (b *bench) model(name, form, size string) string {
	folder := filepath.Join(b.models, name, form)
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	if b.random[size] == "" {
		dir, _, err := b.randomModel(size)
		if err != nil {
			b.note("no random weights for %s: %v", folder, err)
			return folder
		}
		b.random[size] = dir
	}
	b.note("%s is missing, so random weights of the shape %s were measured: .tools/peers/models.sh says why", folder, size)
	return b.random[size]
}

// randomModel writes a folder of random bfloat16 weights with the miniature's tokenizer, tensor by tensor, so that this
// process stays small.
func (b *bench) randomModel(size string) (dir string, t *tokenizer.Tokenizer, err error) {
	m, err := lidr.LoadModel("miniature")
	if err != nil {
		return "", nil, err
	}
	cfg := sizes[size]
	cfg.EOSTokenIDs = m.Checkpoint().Config.EOSTokenIDs
	if dir, err = os.MkdirTemp("", "bench-model"); err != nil {
		return "", nil, err
	}
	for name, data := range m.Checkpoint().Files {
		if strings.HasPrefix(name, "tokenizer") {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return "", nil, err
			}
		}
	}
	if err := writeConfig(dir, cfg); err != nil {
		return "", nil, err
	}
	return dir, m.Tokenizer(), writeRandom(filepath.Join(dir, "model.safetensors"), checkpoint.ExpectedTensors(cfg))
}

func writeConfig(dir string, c checkpoint.Config) error {
	data, err := json.Marshal(map[string]any{
		"architectures": c.Architectures, "model_type": c.ModelType, "torch_dtype": c.TorchDType, "hidden_act": "silu",
		"hidden_size": c.HiddenSize, "num_hidden_layers": c.NumHiddenLayers, "head_dim": c.HeadDim,
		"num_attention_heads": c.NumAttentionHeads, "num_key_value_heads": c.NumKeyValueHeads,
		"intermediate_size": c.IntermediateSize, "vocab_size": c.VocabSize, "rms_norm_eps": c.RMSNormEps,
		"max_position_embeddings": c.MaxPositionEmbeddings, "rope_theta": c.RopeTheta,
		"tie_word_embeddings": c.TieWordEmbeddings, "eos_token_id": c.EOSTokenIDs,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644)
}

// writeRandom writes normal weights of standard deviation 0.02, drawn from a table of 65,536, and norms of one.
func writeRandom(path string, shapes map[string][]int) (err error) {
	const one = 0x3f80 // 1 as bfloat16
	r := rand.New(rand.NewPCG(1, 1))
	var table [1 << 16]uint16
	for i := range table {
		table[i] = uint16(math.Float32bits(float32(0.02*r.NormFloat64())) >> 16)
	}
	names, header, end := slices.Sorted(maps.Keys(shapes)), map[string]any{}, 0
	size := func(name string) int {
		n := 1
		for _, d := range shapes[name] {
			n *= d
		}
		return n
	}
	for _, name := range names {
		begin := end
		end += 2 * size(name)
		header[name] = map[string]any{"dtype": "BF16", "shape": shapes[name], "data_offsets": []int{begin, end}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	text = fmt.Appendf(text, "%*s", (8-len(text)%8)%8, "") // tensors begin at a multiple of eight
	w := bufio.NewWriterSize(f, 1<<20)
	w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text))))
	w.Write(text)
	for _, name := range names {
		values := make([]byte, 0, 2*size(name))
		for range size(name) / 2 {
			two := r.Uint32()
			first, second := table[two>>16], table[two&0xffff]
			if len(shapes[name]) == 1 {
				first, second = one, one
			}
			values = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(values, first), second)
		}
		w.Write(values)
	}
	return w.Flush() // the first failure of all writes
}
