package datasets

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A hostile or broken data set is refused with a one-line error that names the place, and before it takes much memory.
func TestHostileDataSet(t *testing.T) {
	line := func(prompt string) string {
		return `{"id":"1","lang":"en","prompt":` + prompt + `,"answer":"1"}` + "\n"
	}
	for want, content := range map[string]string{
		":2: the line is longer":    line(`"a"`) + `{"id":"` + strings.Repeat("x", 2*MaxLine),
		"exceeded max depth":        `{"id":"1","lang":"en","prompt":` + strings.Repeat("[", 1<<20),
		"expected a string, found":  line(strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000)),
		":2: invalid UTF-8 at byte": line(`"a"`) + line("\"\xff\xfe\""),
		"invalid escape":            line(`"\ud800"`),
		"broken JSON":               line("\"a\x00b\""),
		`field "prompt" appears`:    `{"id":"1","lang":"en","prompt":"a","prompt":"b"}` + "\n",
		"array does not end":        `[` + line(`"a"`),
		"expected a JSON object":    "\x00\x00\x00\x00\n",
	} {
		path := filepath.Join(t.TempDir(), "en.jsonl")
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := LoadPrompts(path, []string{"en"})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "en.jsonl:") ||
			len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("error %.600q, expected %q", err, want)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 8*MaxLine {
			t.Errorf("%s: %d MB were allocated", want, made>>20)
		}
	}
	// What Git LFS leaves in a clone, and what has no end, are no data sets.
	pointer := filepath.Join(t.TempDir(), "en.jsonl")
	text := "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
	if err := os.WriteFile(pointer, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pointer: "run git lfs pull", os.DevNull: "is no regular file"} {
		if _, err := LoadPrompts(path, []string{"en"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", path, err, want)
		}
	}
	// A NUL that is written as JSON has it is text like any other.
	path := filepath.Join(t.TempDir(), "en.jsonl")
	if err := os.WriteFile(path, []byte(line(`"a\u0000<script>\u202e"`)), 0o644); err != nil {
		t.Fatal(err)
	}
	if prompts, err := LoadPrompts(path, []string{"en"}); err != nil || prompts[0].Text != "a\x00<script>\u202e" {
		t.Errorf("%+v, %v", prompts, err)
	}
}
