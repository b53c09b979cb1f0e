package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/tokenizer"
)

const (
	version             = 3
	alignment           = 32 // the format's default
	quantizationVersion = 2  // GGML_QNT_VERSION
	chunk               = 1 << 18
)

// Write writes a checkpoint with its tokenizer as a GGUF file. dtype is the format of matrices: "f32", "f16", "bf16" or
// "q8_0" (8-bit integers with a common f16 scale for every 32); vectors stay float32. name is the name that people see.
// Equal arguments give equal bytes. A model that the format cannot express is an error that says why.
func Write(w io.Writer, ck *checkpoint.Checkpoint, tok *tokenizer.Tokenizer, name, dtype string) error {
	matrix, err := writable(dtype)
	if err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	architecture, family, err := architectureOf(ck.Config)
	if err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	vocabulary, err := vocabularyOf(ck, tok)
	if err != nil {
		return fmt.Errorf("gguf: tokenizer: %w", err)
	}
	tensors, err := tensorsOf(ck, family, matrix)
	if err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	general := []pair{{"general.architecture", architecture}, {"general.type", "model"}, {"general.name", name},
		{"general.file_type", matrix.fileType}, {"general.quantization_version", uint32(quantizationVersion)}}
	if license := licenseOf(ck); license != "" {
		general = append(general, pair{"general.license", license})
	}
	metadata := slices.Concat(general, hyperparameters(ck.Config, architecture, family), vocabulary)
	if _, err := w.Write(headerBytes(metadata, tensors)); err != nil {
		return err
	}
	for _, t := range tensors {
		if err := t.write(w); err != nil {
			return fmt.Errorf("gguf: tensor %q: %w", t.name, err)
		}
	}
	return nil
}

// pair is an entry of the metadata: a uint32, float32, bool or string, or a slice of int32, float32 or string.
type pair struct {
	key   string
	value any
}

// headerBytes returns everything before the tensors' data: the sizes of both lists, the metadata, and each tensor's
// name, dimensions (the one that varies fastest first), type and offset, padded so that the data are aligned.
func headerBytes(metadata []pair, tensors []tensor) []byte {
	var b bytes.Buffer
	b.WriteString(Magic)
	put(&b, uint32(version), uint64(len(tensors)), uint64(len(metadata)))
	for _, p := range metadata {
		putString(&b, p.key)
		putValue(&b, p.value)
	}
	offset := uint64(0)
	for _, t := range tensors {
		putString(&b, t.name)
		put(&b, uint32(len(t.shape)))
		for _, size := range slices.Backward(t.shape) {
			put(&b, uint64(size))
		}
		put(&b, t.dtype.id, offset)
		offset += uint64(aligned(t.dtype.bytes(t.data.Len())))
	}
	b.Write(make([]byte, aligned(b.Len())-b.Len()))
	return b.Bytes()
}

func aligned(n int) int { return (n + alignment - 1) / alignment * alignment }

// put appends fixed-size numbers; writing to a bytes.Buffer cannot fail.
func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		binary.Write(b, binary.LittleEndian, v)
	}
}

func putString(b *bytes.Buffer, s string) {
	put(b, uint64(len(s)))
	b.WriteString(s)
}

// putValue appends the number of a value's type (enum gguf_metadata_value_type) and the value.
func putValue(b *bytes.Buffer, value any) {
	switch v := value.(type) {
	case uint32:
		put(b, typeUint32, v)
	case float32:
		put(b, typeFloat32, v)
	case bool:
		put(b, typeBool, v)
	case string:
		put(b, typeString)
		putString(b, v)
	case []int32:
		put(b, typeArray, typeInt32, uint64(len(v)), v)
	case []float32:
		put(b, typeArray, typeFloat32, uint64(len(v)), v)
	case []string:
		put(b, typeArray, typeString, uint64(len(v)))
		for _, s := range v {
			putString(b, s)
		}
	default:
		panic(fmt.Sprintf("gguf: metadata of type %T", value))
	}
}

// licenseOf returns the license that the model card's front matter names, "" if it names none.
func licenseOf(ck *checkpoint.Checkpoint) string {
	card, ok := strings.CutPrefix(string(ck.Files["README.md"]), "---\n")
	if !ok {
		return ""
	}
	front, _, _ := strings.Cut(card, "\n---")
	for line := range strings.Lines(front) {
		if license, ok := strings.CutPrefix(line, "license:"); ok {
			return strings.Trim(strings.TrimSpace(license), `"'`)
		}
	}
	return ""
}
