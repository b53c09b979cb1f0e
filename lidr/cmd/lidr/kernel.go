package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"lidrlab/lidr/ledger"
)

// kernelName is a name of our own, so that a GoNB kernel of the user's stays as it is.
const kernelName = "lidr-gonb"

// kernelSpec is Jupyter's kernel.json: https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs.
type kernelSpec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Env           map[string]string `json:"env"`
}

func kernelCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "kernel", Short: "Set up Jupyter's kernel for the notebooks"}
	cmd.AddCommand(kernelInstallCommand())
	return cmd
}

func kernelInstallCommand() *cobra.Command {
	prefix := ""
	gopls := false
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Build the GoNB kernel and write its kernel spec, so that Jupyter offers it",
		Long: `Build the GoNB kernel into the clone's bin folder and write its kernel spec, so that Jupyter offers it.

A notebook anywhere reaches the clone's packages when its first cell is

  %noautoget
  !*test -f go.work || go work init . "$LIDR_HOME"

Take the kernel away again with: jupyter kernelspec remove ` + kernelName,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := jupyterDataDir(prefix)
			if err != nil {
				return err
			}
			path := filepath.Join(data, "kernels", kernelName, "kernel.json")
			if err := installKernel(cmd.Context(), path, gopls); err != nil {
				return err
			}
			fmt.Println("wrote", path)
			if _, err := exec.LookPath("jupyter"); err != nil {
				fmt.Fprintln(os.Stderr, "jupyter is not on PATH: install it with "+
					"`apt-get install jupyter-notebook jupyter-nbconvert` or `pip install notebook`")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&prefix, "prefix", "",
		"folder to whose share/jupyter the spec is written, such as a Python environment's (default: the user's own)")
	cmd.Flags().BoolVar(&gopls, "gopls", false, "build gopls too, with which Jupyter completes names and shows their "+
		"documentation: a minute the first time, 1.3 GB while in use")
	return cmd
}

// installKernel builds GoNB, and the goimports that it calls, as go.mod pins them, and writes the spec to path.
// gopls, whose requirements do not agree with this module's, has a go.mod of its own. A kernel works without it and
// completes no names, so it is no error where gopls cannot be built, such as on a machine without a network.
func installKernel(ctx context.Context, path string, gopls bool) error {
	goPath, err := exec.LookPath("go")
	if err != nil {
		return errors.New("go is not on PATH, and the kernel compiles cells with it: " +
			"install Go from https://go.dev/dl, or add its bin folder to PATH")
	}
	// Absolute, as Jupyter starts the kernel in the notebook's folder.
	if goPath, err = filepath.Abs(goPath); err != nil {
		return err
	}
	home, err := findClone()
	if err != nil {
		return err
	}
	spec, err := newKernelSpec(home, goPath)
	if err != nil {
		return err
	}
	run := func(dir string, stdout io.Writer, args ...string) error {
		command := exec.CommandContext(ctx, goPath, args...)
		command.Dir, command.Stdout, command.Stderr = dir, stdout, os.Stderr
		return command.Run()
	}
	bin := filepath.Join(home, "bin") + string(filepath.Separator)
	err = run(home, os.Stderr, "build", "-o", bin, "github.com/janpfeifer/gonb", "golang.org/x/tools/cmd/goimports")
	if err == nil {
		// A notebook's workspace reads the go.mod of every module required anywhere: with them in the cache, cells compile
		// offline.
		err = run(home, io.Discard, "list", "-m", "all")
	}
	if err != nil {
		return fmt.Errorf("building the kernel in %s: %w; the first time needs the module proxy: see go env GOPROXY",
			home, err)
	}
	if gopls {
		err := run(filepath.Join(home, ".tools"), os.Stderr, "build", "-o", bin, "golang.org/x/tools/gopls")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "gopls was not built (%v): the kernel works, and Jupyter will not complete names\n", err)
		}
	}
	if err := ledger.WriteFile(filepath.Join(filepath.Dir(path), "kernel.js"), kernelScript); err != nil {
		return err
	}
	return ledger.WriteJSON(path, spec)
}

// kernelScript is for the classic notebook, Debian's, alone: it reads the file beside the spec.
//
//go:embed kernel.js
var kernelScript []byte

// newKernelSpec is the spec of the kernel in home/bin: what a cell's build needs is in its environment, wherever
// Jupyter was started.
func newKernelSpec(home, goPath string) (*kernelSpec, error) {
	show := exec.Command(goPath, "env", "-json", "GOFLAGS", "GOEXPERIMENT")
	show.Dir = home
	out, err := show.Output()
	if err != nil {
		return nil, fmt.Errorf("go env in %s: %w", home, err)
	}
	var env map[string]string
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("go env in %s: %w", home, err)
	}
	// The same experiments as the programs of the clone: with others the last bits of results differ. Every cell is linked
	// anew, and without debugging tables that takes a quarter less.
	env["GOFLAGS"] = strings.TrimSpace(env["GOFLAGS"] + " -ldflags=-w")
	env["LIDR_HOME"] = home
	bin := filepath.Join(home, "bin")
	env["PATH"] = strings.Join([]string{bin, filepath.Dir(goPath), "${PATH}"}, string(filepath.ListSeparator))
	return &kernelSpec{
		// Errors as text: HTML would hide a compiler's message from nbconvert and from pages that show the notebook.
		Argv:          []string{filepath.Join(bin, "gonb"), "--kernel", "{connection_file}", "-raw_error=true"},
		DisplayName:   "lidr (GoNB)",
		Language:      "go",
		InterruptMode: "message",
		Env:           env,
	}, nil
}

// findClone returns the folder of this module: above the working folder, or above the program's own.
func findClone() (string, error) {
	work, err := os.Getwd()
	if err != nil {
		return "", err
	}
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	for _, dir := range []string{work, filepath.Dir(program)} {
		for ; ; dir = filepath.Dir(dir) {
			mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
			if err == nil && strings.HasPrefix(string(mod), "module lidrlab\n") {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", fmt.Errorf("neither %s nor %s lies in a clone of lidr: run this inside of one", work, program)
}

// jupyterDataDir is where Jupyter, or the Jupyter of the Python environment in prefix, looks for kernels:
// https://docs.jupyter.org/en/latest/use/jupyter-directories.html#data-files.
func jupyterDataDir(prefix string) (string, error) {
	if prefix != "" {
		return filepath.Join(prefix, "share", "jupyter"), nil
	}
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" && runtime.GOOS != "darwin" {
		return filepath.Join(dir, "jupyter"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w; set JUPYTER_DATA_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}
