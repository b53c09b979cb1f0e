// Package tokenizer turns text into token ids and back, as a model's tokenizer.json says: byte-level BPE of the Llama-3
// and Qwen2 kind, and SentencePiece's BPE of Llama 2 and Mistral. It renders chat templates, trains new tokenizers, and
// imports no other package of this module.
//
// Two functions keep control and content apart: Encode recognises special tokens such as <|im_end|> in its text, and
// EncodeContent takes the same characters as ordinary text. EncodeChat encodes messages as content, so that no message
// can end its own turn.
//
// Tests compare it with Hugging Face's transformers.js on thousands of texts.
//
// It is strict: a normalizer, pre-tokenizer, model or decoder that it cannot follow exactly is an error at Load.
package tokenizer
