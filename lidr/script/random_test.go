package script

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Random programs write the same compiled and interpreted: a few here, and as many as LIDR_RANDOM says, with the seed
// that LIDR_SEED says. Those that differ are written into the folder LIDR_RANDOM_KEEP.
func TestRandomPrograms(t *testing.T) {
	programs, seed := 20, 1
	for name, number := range map[string]*int{"LIDR_RANDOM": &programs, "LIDR_SEED": &seed} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			*number = n
		}
	}
	const batch = 20
	refused := 0
	for first := 0; first < programs; first += batch {
		work := t.TempDir()
		var accepted []int
		for id := first; id < min(first+batch, programs); id++ {
			accepted = append(accepted, id)
		}
		path := filepath.Join(work, "one.go")
		writeFile(t, path, randomMain(uint64(seed), accepted))
		if issues, err := Check(path); err != nil || len(issues) > 0 {
			accepted = slices.DeleteFunc(accepted, func(id int) bool {
				writeFile(t, path, randomMain(uint64(seed), []int{id}))
				issues, err := Check(path)
				if err != nil || len(issues) > 0 {
					t.Logf("program %d is refused: %v %v", id, issues, err)
					refused++
				}
				return err != nil || len(issues) > 0
			})
		}
		source := filepath.Join(work, "programs", "main.go")
		if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, source, randomMain(uint64(seed), accepted))
		writeFile(t, filepath.Join(work, "go.mod"), "module conformance\n\ngo 1.21\n")
		if err := os.Remove(filepath.Join(work, "one.go")); err != nil {
			t.Fatal(err)
		}
		if bad := compileAll(t, work); len(bad) > 0 {
			t.Fatalf("the compiler refuses %v", bad)
		}
		compiled := sections(execute(t, work, filepath.Join(work, "bin", "programs")).out)
		got := execute(t, work, os.Args[0], "run-script", source)
		interpreted := sections(got.out)
		if got.code != 0 {
			t.Errorf("programs from %d: %s", first, got.errors)
		}
		for _, id := range accepted {
			name := strconv.Itoa(id)
			if interpreted[name] != compiled[name] {
				if folder := os.Getenv("LIDR_RANDOM_KEEP"); folder != "" {
					writeFile(t, filepath.Join(folder, "program"+name+".go"), randomMain(uint64(seed), []int{id}))
				}
				t.Errorf("program %d of seed %d: %s", id, seed, firstDifference(interpreted[name], compiled[name]))
			}
		}
		if t.Failed() && programs > batch {
			t.Logf("stopped after %d programs", first+batch)
			break
		}
	}
	if refused > programs/10 {
		t.Errorf("%d of %d programs are refused", refused, programs)
	}
}

// randomMain is a main that runs random programs one after another.
func randomMain(seed uint64, ids []int) string {
	var source strings.Builder
	source.WriteString("//go:build go1.21\n\npackage main\n\nimport " +
		"(\n\t\"errors\"\n\t\"fmt\"\n\t\"strings\"\n\t\"sync\"\n)\n\nvar (\n\t_ = errors.New\n\t_ = strings.ToUpper\n\t_ " +
		"sync.Mutex\n)\n")
	for _, of := range strings.Fields("int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 float32 float64") {
		fmt.Fprintf(&source, "\nfunc as_%s(x %s) %s { return x }\n", of, of, of) // no constant
	}
	for _, id := range ids {
		source.WriteString(generate(seed, id))
	}
	source.WriteString("\nfunc main() {\n")
	for _, id := range ids {
		fmt.Fprintf(&source, "\tfmt.Println(\"== %d\")\n\tprogram%d()\n", id, id)
	}
	source.WriteString("}\n")
	return source.String()
}

// sections cuts an output into those of the programs.
func sections(out string) map[string]string {
	cut := map[string]string{}
	for _, section := range strings.Split("\n"+out, "\n== ") {
		id, text, _ := strings.Cut(section, "\n")
		cut[id] = text
	}
	return cut
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
