// Package gguf writes a model as GGUF, the one-file format of llama.cpp, Ollama and LM Studio
// (github.com/ggml-org/ggml, docs/gguf.md), with its tokenizer and chat template, and an Ollama Modelfile for it.
//
// Names, metadata and layout are those of llama.cpp's own converter (convert_hf_to_gguf.py), read by Ollama v0.11.4 and
// later. A property of a model that the format cannot express is an error: a reader would guess, and its answers would
// be slightly wrong. No reader does Unicode normalization: where tokenizer.json requires NFC (Qwen), text that is not
// in that form gets other tokens there.
package gguf
