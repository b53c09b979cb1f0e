// Package checkpoint reads and writes language models in the layout of the Hugging Face hub: a folder with config.json,
// the weights as safetensors (one file, or shards with an index) and the tokenizer's files.
//
// It is strict, because a model that is loaded with a part missing still answers, but wrongly: an unknown architecture,
// a configuration key that changes the computation, a missing or surplus tensor or a wrong shape is an error that names
// it. Everything is read through fs.FS, so that the same code reads a folder on disk and one embedded in the binary.
// Reading a file of any origin takes bounded memory.
package checkpoint
