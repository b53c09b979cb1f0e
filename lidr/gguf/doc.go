// Package gguf reads and writes models as GGUF, the one-file format of llama.cpp, Ollama and LM Studio
// (github.com/ggml-org/ggml, docs/gguf.md), with their tokenizer and chat template.
//
//	lidr doctor SmolLM2-135M-Instruct.Q4_1.gguf       # every command that takes a model takes a GGUF file
//	lidr iterate --model smollm2:135m …               # or a model of Ollama on this disk
//	lidr import smollm2:135m smollm2                  # a Hugging Face folder for transformers
//	lidr gguf runs/demo/M1/model --out m1 --type f16  # and back
//	ollama create NAME -f m1/Modelfile
//
// In a cell, lidr.LoadModel("model.gguf") and lidr.ExportGGUF(m1, "m1", "f16") do the same.
//
// # Reading
//
// [Read] makes what checkpoint.Load makes of a Hugging Face folder. Architectures are those of [families]; a key of the
// metadata that may change the computation and is not known is an error. Tensors are of the types F32, F16, BF16, Q4_0,
// Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, IQ4_NL and IQ4_XS, and become the float32 that gguf-py makes of them, in every
// bit. Tokenizers are byte-level BPE ("gpt2"), with the ways to cut words of [preTokenizers], and SentencePiece's
// ("llama"), whose merges follow from the scores. GGUF does not say whether text is normalized to NFC: it is where the
// published tokenizers of that name do it (Qwen 2, Command R).
//
// A file may be hostile: reading takes memory in proportion to its size, and every error is a line that names the key
// or the tensor.
//
// # Writing
//
// Weights are stored as f32, f16, bf16 or q8_0. The Modelfile's settings are greedy, and its chat template was compared
// with the model's own. Names, metadata and layout are those of llama.cpp's own converter (convert_hf_to_gguf.py), read
// by Ollama v0.11.4 and later. A property of a model that the format cannot express is an error: a reader would guess,
// and its answers would be slightly wrong. No other reader does Unicode normalization: where tokenizer.json requires
// NFC, text that is not in that form gets other tokens there.
package gguf
