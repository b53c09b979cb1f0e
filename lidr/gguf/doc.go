// Package gguf writes a model as GGUF, the one-file format of llama.cpp, Ollama and LM Studio
// (github.com/ggml-org/ggml, docs/gguf.md), with its tokenizer and chat template, and an Ollama Modelfile for it.
// Weights are stored as f32, f16, bf16 or q8_0.
//
//	lidr gguf runs/demo/M1/model --out m1 --type f16
//	ollama create NAME -f m1/Modelfile
//
// In a cell, lidr.ExportGGUF(m1, "m1", "f16") writes the same. The Modelfile's settings are greedy, and its chat
// template was compared with the model's own.
//
// Names, metadata and layout are those of llama.cpp's own converter (convert_hf_to_gguf.py), read by Ollama v0.11.4 and
// later. A property of a model that the format cannot express is an error: a reader would guess, and its answers would
// be slightly wrong. No reader does Unicode normalization: where tokenizer.json requires NFC (Qwen), text that is not
// in that form gets other tokens there.
package gguf
