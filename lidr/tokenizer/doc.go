// Package tokenizer turns text into token ids and back, as a model's tokenizer.json says: byte-level BPE (Llama 3,
// Qwen, Cohere, Granite, OLMo 2, Phi-4-mini, SmolLM, Mistral's Tekken) and SentencePiece's BPE (Llama 2, Mistral,
// Gemma, Phi-3). It renders chat templates and trains new tokenizers.
//
// Two functions keep control and content apart: Encode recognises special tokens such as <|im_end|> in its text, and
// EncodeContent takes the same characters as ordinary text. EncodeChat encodes messages as content, so that no message
// can end its own turn.
//
// Tests compare it with Hugging Face's tokenizers library, transformers and transformers.js on ten thousand texts,
// which hold characters of every block of Unicode: make test-tokenizers, make test-tokenizer-npm. Where that library
// differs from Unicode's newest version, as in normalizing by the tables of Unicode 9, so does this package. The
// library reads text only; here a byte that is not UTF-8 is encoded by the token of that byte.
//
// It is strict: a normalizer, pre-tokenizer, model or decoder that it cannot follow exactly is an error at Load.
package tokenizer
