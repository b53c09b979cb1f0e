package gguf

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"lidrlab/lidr/tokenizer"
)

// TestVocabulariesOfLlamaCpp compares ids with those that llama.cpp keeps beside its vocabularies, ggml-vocab-*.gguf
// with the texts in .inp and the ids of Hugging Face's tokenizers in .out, in the folder LIDR_VOCABULARIES:
// `make test-tokenizers` takes them from the source of llama-cpp-python.
func TestVocabulariesOfLlamaCpp(t *testing.T) {
	folder := os.Getenv("LIDR_VOCABULARIES")
	if folder == "" {
		t.Skip("LIDR_VOCABULARIES names no folder of ggml-vocab-*.gguf; make test-tokenizers sets it")
	}
	inputs, err := filepath.Glob(filepath.Join(folder, "*.gguf.inp"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no *.gguf.inp in %s (%v)", folder, err)
	}
	for _, path := range inputs {
		path := strings.TrimSuffix(path, ".inp")
		t.Run(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "ggml-vocab-"), ".gguf"), func(t *testing.T) {
			texts, err := os.ReadFile(path + ".inp")
			if err != nil {
				t.Fatal(err)
			}
			ids, err := os.ReadFile(path + ".out")
			if err != nil {
				t.Fatal(err)
			}
			tok, err := vocabularyAlone(path)
			if err != nil {
				if reason := refused[filepath.Base(path)]; reason == "" || !strings.Contains(err.Error(), reason) {
					t.Error(err)
				}
				t.Logf("refused: %v", err)
				return
			}
			lines := strings.Split(strings.TrimSuffix(string(ids), "\n"), "\n")
			const end = "\n__ggml_vocab_test__\n" // of each text
			all := strings.Split(strings.TrimSuffix(string(texts), end), end)
			if len(all) != len(lines) {
				t.Fatalf("%d texts and the ids of %d", len(all), len(lines))
			}
			for i, text := range all {
				var want []int
				for _, field := range strings.Fields(lines[i]) {
					id, err := strconv.Atoi(field)
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, id)
				}
				if got := tok.Encode(text); !slices.Equal(got, want) {
					t.Errorf("Encode(%q) = %v; llama.cpp keeps %v", text, got, want)
				}
			}
			t.Logf("%d texts", len(lines))
		})
	}
}

// refused are the vocabularies of families that no command reads, and what the error names.
var refused = map[string]string{
	"ggml-vocab-bert-bge.gguf":     `"bert"`,
	"ggml-vocab-gemma-4.gguf":      `"gemma4"`,
	"ggml-vocab-deepseek-llm.gguf": `"deepseek-llm"`,
	"ggml-vocab-falcon.gguf":       `"falcon"`,
	"ggml-vocab-qwen35.gguf":       `"qwen35"`,
}

// vocabularyAlone returns the tokenizer of a file that holds no tensors.
func vocabularyAlone(path string) (*tokenizer.Tokenizer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	h, err := readHeader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	w, err := h.words(1 << 20)
	if err != nil {
		return nil, err
	}
	text, _, _, err := h.tokenizerJSON(w)
	if err != nil {
		return nil, err
	}
	return tokenizer.Load(fstest.MapFS{"tokenizer.json": {Data: text}})
}
