package miniature

import (
	"embed"
	"io/fs"
)

//go:embed m0
var m0Files embed.FS

// M0 returns the pretrained model of the miniature world: a Hugging Face folder
// (config.json, model.safetensors, tokenizer.json, tokenizer_config.json,
// generation_config.json) that loads like any other.
func M0() fs.FS {
	sub, err := fs.Sub(m0Files, "m0")
	if err != nil {
		panic("miniature: " + err.Error()) // the name above is wrong
	}
	return sub
}
