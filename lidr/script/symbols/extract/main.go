// Extract writes the tables of package symbols, in whose folder it runs: those that `yaegi extract` writes, but of the
// compiler's export data. Yaegi reads every package's source, and that of all it imports, once a package: minutes.
package main

import (
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	_ "unsafe" // for go:linkname

	"github.com/traefik/yaegi/extract"
)

// genContent is the part of yaegi's Extract that writes a table, which does not say where the package is to come from.
//
//go:linkname genContent github.com/traefik/yaegi/extract.(*Extractor).genContent
func genContent(e *extract.Extractor, importPath string, p *types.Package) ([]byte, error)

// packages are those that scripts see.
var packages = []string{
	"lidrlab/lidr", "lidrlab/lidr/dpo", "lidrlab/lidr/eval",
	"lidrlab/lidr/lm", "lidrlab/lidr/lm/remote", "lidrlab/lidr/ablation",
	"lidrlab/lidr/judge", "lidrlab/lidr/handoff", "lidrlab/lidr/choices",
	"lidrlab/lidr/scorers", "lidrlab/lidr/recipe", "lidrlab/lidr/trial",
	"lidrlab/lidr/tracking", "lidrlab/lidr/cards",
	"lidrlab/lidr/doctor", "lidrlab/lidr/pretrain", "lidrlab/lidr/report",
	"lidrlab/plots", "lidrlab/datasets",
	"lidrlab/datasets/miniature", "lidrlab/datasets/paper",
	"github.com/go-gota/gota/dataframe", "github.com/go-gota/gota/series",
	"gonum.org/v1/plot", "gonum.org/v1/plot/font", "gonum.org/v1/plot/text",
	"gonum.org/v1/plot/plotter", "gonum.org/v1/plot/plotutil",
	"gonum.org/v1/plot/vg", "gonum.org/v1/plot/vg/draw",
}

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes one file a package, under yaegi's names.
func write() error {
	args := append([]string{"list", "-deps", "-export", "-f", "{{.ImportPath}} {{.Export}}"}, packages...)
	command := exec.Command("go", args...)
	command.Stderr = os.Stderr
	list, err := command.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(list)) {
		importPath, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[importPath] = file
	}
	compiled := importer.ForCompiler(token.NewFileSet(), "gc", func(importPath string) (io.ReadCloser, error) {
		return os.Open(exports[importPath])
	})
	for _, importPath := range packages {
		pkg, err := compiled.Import(importPath)
		if err != nil {
			return err
		}
		table, err := genContent(&extract.Extractor{Dest: "symbols"}, importPath, pkg)
		if err != nil {
			return err
		}
		name := strings.NewReplacer("/", "-", ".", "_", "~", "_").Replace(importPath)
		if err := os.WriteFile(name+".go", table, 0o644); err != nil {
			return err
		}
	}
	return nil
}
