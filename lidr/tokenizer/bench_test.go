package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkEncode reads the folders of testdata and every tokenizer below LIDR_TOKENIZERS (see
// TestEqualsTokenizersLibrary), encodes article 1 of the Universal Declaration of Human Rights in its languages, with
// the words of the round before in the cache, and a megabyte of one character, which is one word.
func BenchmarkEncode(b *testing.B) {
	var folders []string
	for _, name := range goldenFolders {
		folders = append(folders, filepath.Join("testdata", name))
	}
	if where := os.Getenv("LIDR_TOKENIZERS"); where != "" {
		more, _ := published(b, b.TempDir(), where)
		folders = append(folders, more...)
	}
	texts := linesOf(b, "../doctor/article1.jsonl")
	size := 0
	for _, text := range texts {
		size += len(text)
	}
	run := strings.Repeat("a", 1<<20)
	for _, folder := range folders {
		name := filepath.Base(folder)
		var tok *Tokenizer
		b.Run(name+"/load", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if tok, err = Load(os.DirFS(folder)); err != nil {
					b.Fatal(err)
				}
			}
		})
		if tok == nil { // -bench chose others
			var err error
			if tok, err = Load(os.DirFS(folder)); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/texts", func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				for _, text := range texts {
					tok.Encode(text)
				}
			}
		})
		b.Run(name+"/run", func(b *testing.B) {
			b.SetBytes(int64(len(run)))
			for b.Loop() {
				tok.Encode(run)
			}
		})
	}
}
