package langid

import (
	_ "embed"
	"sync"

	"lidrlab/lidr/langid/fasttext"
)

//go:embed model/lid.176.ftz
var file []byte

// model reads the embedded file, once.
var model = sync.OnceValue(func() *fasttext.Model {
	m, err := fasttext.Read(file)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return m
})
