package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadGamedNamesTheMistake(t *testing.T) {
	const header = "index,preference,std_delta_len,instruction_difficulty\n"
	for text, says := range map[string]string{
		"":                        ":1: ",
		"index,preference\n":      `:1: column "std_delta_len" is missing`,
		header:                    "no verdicts",
		header + "0,0.5,1,x\n":    `:2: column "instruction_difficulty": expected a number, found "x"`,
		header + "0,NaN,1,1\n":    `:2: column "preference": expected a number`,
		header + "0.5,0.5,1,1\n":  `:2: column "index": expected a whole number`,
		header + "0,1.5,1,1\n":    `:2: column "preference": expected 0 to 1`,
		header + "0,0.5,1,Inf\n":  `:2: column "instruction_difficulty"`,
		header + "0,0.5,1\n":      "wrong number of fields",
		header + "-1,0.5,1,0.2\n": `:2: column "index"`,
	} {
		path := filepath.Join(t.TempDir(), "df_gamed.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if rows, err := LoadGamed(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v; want an error with %q", text, rows, err, says)
		}
	}
}
