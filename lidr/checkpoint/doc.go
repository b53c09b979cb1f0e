// Package checkpoint reads and writes language models in the layout of the Hugging Face hub: a folder with config.json,
// the weights as safetensors (one file, or shards with an index) and the tokenizer's files.
//
// It is strict, because a model that is loaded with a part missing still answers, but wrongly: an unknown architecture,
// a configuration key that changes the computation, a missing or surplus tensor or a wrong shape is an error that names
// it. Everything is read through fs.FS, so that the same code reads a folder on disk and one embedded in the binary.
// Reading a file of any origin takes bounded memory.
//
// # Weights stay where they are stored
//
// A file of weights on disk is mapped and not read: a [Tensor] is a part of it, in the type that it is stored in, and
// is widened where its values are asked for. Our backend computes with F32, BF16 and F16 where they lie, so that a
// model takes the memory of its file, which the system shares among programs and takes back when it is short. What
// streams (an archive), and any file on Windows, is read into memory as it is stored.
//
// A mapped file that is replaced by another of its name, or deleted, stays what it was. One that is written to is an
// error of the next computation, by its size and its modification time, which its name begins; an access behind the end
// of one that is cut meanwhile is that error too, never the end of the process. So no answer is given under a
// fingerprint that was of other weights, unless somebody edits weights in place and sets the time back, or while a
// computation reads them.
//
// A fingerprint ([Checkpoint.Hash]) is of the float32 values, so the stored type is no part of it. It takes about a
// second for a gigabyte of BF16. Inside a run's folder it is computed whenever a model is loaded; elsewhere it is
// remembered ([Checkpoint.Fingerprint]).
//
// # Models that work
//
// Checked on 29 November 2026 against transformers 5.23.0 with torch 2.15.0 and PyTorch 1.13.1, all in float32 on a
// processor. "Golden": logits within 2e-5 of theirs, log-probabilities, gradients and equal greedy tokens of a tiny
// random model (lidr/transformer). "Folders": what transformers saves of such a model loads, in each version of
// 4.44.2, 4.51.3, 4.57.3, 5.0.0 and 5.23.0 that has the family (testdata/transformers). "Sizes": those whose
// configuration is in the tests, written after the published one. All families are read from GGUF files and written to
// them, but for what package gguf says.
//
//	family          model_type   golden by     folders of   sizes
//	Llama 1 to 3    llama        PyTorch       4.44 – 5.23  Llama-2-7b, 3.1-8B, 3.2-1B
//	SmolLM 2        llama        a real model  4.44 – 5.23  135M-Instruct
//	Mistral         mistral      both          4.44 – 5.23  7B v0.1, v0.3
//	Qwen 1.5 to 2.5 qwen2        both          4.44 – 5.23  Qwen2.5-7B
//	Qwen 3          qwen3        both          4.51 – 5.23  Qwen3-8B
//	Gemma 2         gemma2       transformers  4.44 – 5.23  gemma-2-2b-it
//	Gemma 3, text   gemma3_text  transformers  4.51 – 5.23  270m, 1b-it
//	SmolLM 3        smollm3      transformers  4.57 – 5.23  SmolLM3-3B
//	Aya, Command R  cohere       transformers               aya-expanse-8b
//	Command R7B     cohere2      transformers  4.51 – 5.23  c4ai-command-r7b-12-2024
//	Granite 3       granite      transformers  4.51 – 5.23  granite-3.1-2b-instruct
//	Phi-3, Phi-4    phi3         transformers  4.44 – 5.23  Phi-3-mini-4k, Phi-4-mini
//	OLMo 2          olmo2        transformers  4.51 – 5.23  OLMo-2-1124-7B
//
// Real models, whose greedy answers to 16 prompts in 12 languages, up to 64 tokens each, equal transformers' token by
// token (make test-real):
//
//	SmolLM2-135M-Instruct, Q4_1               from GGUF and from the folder that transformers writes  16 of 16
//	Qwen2.5-Coder-0.5B-Instruct, Q4_K_M       from GGUF and from the folder that transformers writes  16 of 16
//	Gemma 3 270M, Q4_K_M                      from GGUF and from the folder that transformers writes  16 of 16
//
// Larger sizes of a family differ in numbers of config.json alone. Not computed: mixtures of experts, models that take
// images or sound, quantized safetensors, and rotary embeddings scaled by "yarn" or "dynamic".
package checkpoint
