package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each program of testdata/meaning ends in what it writes when it is compiled, and writes that. The interpreter by
// itself gives each another meaning.
func TestMeaning(t *testing.T) {
	paths, err := filepath.Glob("testdata/meaning/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("found %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".go"), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, after, _ := strings.Cut(string(source), "\n// Output:\n")
			want := strings.ReplaceAll(strings.ReplaceAll(after, "// ", ""), "//", "")
			if got := runScript(t, string(source)); strings.ReplaceAll(got.out, " \n", "\n") != want || got.code != 0 {
				t.Errorf("wrote %q, %q, exit code %d; expected %q", got.out, got.errors, got.code, want)
			}
		})
	}
}
