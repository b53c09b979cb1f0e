package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr"
)

// largeRun is a run folder with 100,000 pairs of some 1,050 characters in three languages and scripts.
func largeRun(b *testing.B) (dir string, size int64) {
	b.Helper()
	dir = b.TempDir()
	s := lidr.MiniatureSettings()
	settings, err := json.Marshal(s)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "settings.json"), settings, 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "M0"), 0o755); err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	vocabulary := map[string][]string{
		"en": strings.Fields("the answer is that a model learns from its own words when they are translated well"),
		"ru": strings.Fields("ответ в том что модель учится на своих словах если они хорошо переведены"),
		"zh": strings.Fields("答案 是 模型 从 自己 的 话 中 学习 如果 翻译 得 好"),
	}
	text := func(lang string, characters int) string {
		var out strings.Builder
		for n := 0; n < characters; {
			word := vocabulary[lang][random.IntN(len(vocabulary[lang]))]
			out.WriteString(word + " ")
			n += len([]rune(word)) + 1
		}
		return out.String()
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for i := range 100_000 {
		lang := []string{"en", "ru", "zh"}[i%3]
		pair := lidr.Pair{ID: fmt.Sprintf("p%06d", i), Lang: lang, Prompt: text(lang, 350), Chosen: text(lang, 350),
			Rejected: text(lang, 300+random.IntN(100)), Source: "en>" + lang}
		if i == 77_777 {
			pair.Rejected += "serendipity"
		}
		if err := encoder.Encode(pair); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "M0", "pairs.jsonl"), lines.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	return dir, int64(lines.Len())
}

// BenchmarkLarge times a page of a run with 100,000 pairs: when it is first opened, the page after it, by a filter and
// an order that were not asked for before, and a search through all texts.
func BenchmarkLarge(b *testing.B) {
	dir, size := largeRun(b)
	page := func(b *testing.B, s *Server, query string) {
		if w := get(s, "/browse?kind=pairs"+query); w.Code != 200 || !strings.Contains(w.Body.String(), `class="item"`) {
			b.Fatalf("%s: status %d, %.300s", query, w.Code, w.Body)
		}
	}
	open := func(b *testing.B) *Server {
		s, err := New([]string{dir}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	b.Run("open", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			page(b, open(b), "")
		}
	})
	s := open(b)
	page(b, s, "")
	n := 0
	b.Run("next", func(b *testing.B) {
		for b.Loop() {
			n = (n + 25*997) % 99_000
			page(b, s, fmt.Sprintf("&from=%d", n))
		}
	})
	b.Run("order", func(b *testing.B) {
		for b.Loop() {
			s.folders[0].lists.forget("rows")
			page(b, s, "&lang=ru&sort=-length")
		}
	})
	b.Run("search", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			s.folders[0].lists.forget("rows")
			page(b, s, "&text=serendipity")
		}
	})
	b.Run("search again", func(b *testing.B) {
		for b.Loop() {
			page(b, s, "&text=serendipity")
		}
	})
}

// forget drops what is kept under keys that begin so.
func (r *recent) forget(prefix string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.value {
		if strings.HasPrefix(key, prefix) {
			delete(r.value, key)
		}
	}
}
