package datasets

import (
	"strings"
	"testing"
)

// A Parquet file is found by the same name, and without its reader the error says which import brings one.
func TestParquetWithoutReader(t *testing.T) {
	const want = `import _ "lidrlab/datasets/parquet"`
	for name, load := range map[string]func(dir string) error{
		"mgsm_de.parquet": func(dir string) error { _, err := LoadPrompts(dir, []string{"de"}); return err },
		"de.parquet":      func(dir string) error { _, err := LoadExemplars(dir, "de"); return err },
		"de_val.parquet":  func(dir string) error { _, err := LoadChoices(dir, "m_hellaswag", "de"); return err },
	} {
		if err := load(folder(t, name, "PAR1")); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want an error with %s", name, err, want)
		}
	}
}
