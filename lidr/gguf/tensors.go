package gguf

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
)

// tensor is a named array, row-major, and the format that it is stored in.
type tensor struct {
	name  string
	shape []int
	data  []float32
	heads int // > 0: rows are interleaved within each head when they are written
	dtype dtype
}

// architectureOf returns llama.cpp's name of the model's architecture, or an error saying why it cannot compute the
// model.
func architectureOf(c checkpoint.Config) (string, error) {
	architectures := map[string]string{"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
	architecture := architectures[c.ModelType]
	switch {
	case architecture == "":
		return "", fmt.Errorf("model_type %q has no architecture in llama.cpp that is known here; expected llama, "+
			"mistral, qwen2 or qwen3",
			c.ModelType)
	case c.RopeScaling != nil && architecture != "llama":
		return "", fmt.Errorf("rope_scaling %s cannot be expressed for model_type %s: llama.cpp reads its factors for "+
			"llama only", c.RopeScaling.RopeType, c.ModelType)
	case c.AttentionBias && architecture == "qwen3":
		return "", fmt.Errorf("attention_bias cannot be expressed for model_type qwen3: llama.cpp reads no biases there")
	case c.QKVBias() && c.NumAttentionHeads*c.HeadDim != c.HiddenSize:
		return "", fmt.Errorf("query biases of %d heads of %d cannot be expressed: llama.cpp expects hidden_size of them, %d",
			c.NumAttentionHeads, c.HeadDim, c.HiddenSize)
	}
	return architecture, nil
}

// layerNames maps the parts of a layer from their Hugging Face names to llama.cpp's.
var layerNames = map[string]string{
	"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
	"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
	"self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
	"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}

// tensorName translates the name of a tensor: model.layers.3.mlp.up_proj.weight is blk.3.ffn_up.weight there.
func tensorName(name string) string {
	switch name {
	case "model.embed_tokens.weight":
		return "token_embd.weight"
	case "model.norm.weight":
		return "output_norm.weight"
	case "lm_head.weight":
		return "output.weight"
	}
	layer, part, _ := strings.Cut(strings.TrimPrefix(name, "model.layers."), ".")
	end := strings.LastIndex(part, ".")
	return "blk." + layer + "." + layerNames[part[:end]] + part[end:]
}

// tensorsOf lists the tensors: the factors of a scaled rotary embedding, then the others in the order of their Hugging
// Face names.
func tensorsOf(ck *checkpoint.Checkpoint, architecture string, matrix dtype) ([]tensor, error) {
	var tensors []tensor
	if factors := rotaryFactors(ck.Config); factors != nil {
		tensors = append(tensors, tensor{name: "rope_freqs.weight", shape: []int{len(factors)}, data: factors,
			dtype: f32})
	}
	for _, t := range ck.Tensors {
		out := tensor{name: tensorName(t.Name), shape: t.Shape, data: t.Data, dtype: f32}
		if len(t.Shape) > 1 {
			out.dtype = matrix
			if width := t.Shape[1]; width%matrix.block != 0 {
				return nil, fmt.Errorf("tensor %q has rows of %d values, not a multiple of %d; write f16, bf16 or f32",
					t.Name, width, matrix.block)
			}
		}
		if architecture == "llama" && strings.Contains(t.Name, ".q_proj.") {
			out.heads = ck.Config.NumAttentionHeads
		}
		if architecture == "llama" && strings.Contains(t.Name, ".k_proj.") {
			out.heads = ck.Config.NumKeyValueHeads
		}
		tensors = append(tensors, out)
	}
	return tensors, nil
}

// write encodes the data, padded to the alignment.
func (t tensor) write(w io.Writer) error {
	data := t.data
	if t.heads > 0 {
		data = interleave(data, t.heads, t.shape[0])
	}
	buf := make([]byte, t.dtype.bytes(chunk))
	for part := range slices.Chunk(data, chunk) {
		b := buf[:t.dtype.bytes(len(part))]
		if err := t.dtype.encode(b, part); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	size := t.dtype.bytes(len(data))
	_, err := w.Write(make([]byte, aligned(size)-size))
	return err
}

// interleave reorders a query's or key's rows. The rotary embedding rotates pairs of a head's dimensions: i with
// i+dim/2 in Hugging Face's layout, 2i with 2i+1 in that of llama.cpp's llama architecture (the qwens keep Hugging
// Face's), so rows i and i+dim/2 move to 2i and 2i+1 (convert_hf_to_gguf.py, LlamaModel.permute).
func interleave(data []float32, heads, rows int) []float32 {
	out := make([]float32, len(data))
	width, dim := len(data)/rows, rows/heads
	for row := range rows {
		head, i := row/dim, row%dim
		to := head*dim + 2*(i%(dim/2)) + i/(dim/2)
		copy(out[to*width:(to+1)*width], data[row*width:(row+1)*width])
	}
	return out
}

// rotaryFactors returns the divisors of the rotary frequencies in llama.cpp under Llama 3.1's scaling, nil without it
// (convert_hf_to_gguf.py, LlamaModel.generate_extra_tensors): the factor for long wavelengths, 1 for short ones, and
// between them the inverse of a blend.
func rotaryFactors(c checkpoint.Config) []float32 {
	s := c.RopeScaling
	if s == nil {
		return nil
	}
	factors := make([]float32, c.HeadDim/2)
	original := float64(s.OriginalMaxPositionEmbeddings)
	for i := range factors {
		wavelength := 2 * math.Pi * math.Pow(c.RopeTheta, 2*float64(i)/float64(c.HeadDim))
		switch {
		case wavelength < original/s.HighFreqFactor:
			factors[i] = 1
		case wavelength > original/s.LowFreqFactor:
			factors[i] = float32(s.Factor)
		default:
			smooth := (original/wavelength - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
			factors[i] = float32(1 / ((1-smooth)/s.Factor + smooth))
		}
	}
	return factors
}
