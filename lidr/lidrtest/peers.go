package lidrtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Peer is another program that results are compared with, in one of the Python environments of make peers-env. Its
// comparisons are the rows of the table that make peers prints, one by [Peer.Within] or [Peer.Differs].
type Peer struct {
	Python  string // the environment's interpreter
	Name    string // of the package
	Version string
}

// OpenPeer returns a package of an environment, such as training, llama-factory or tracking: those of .tools/peers. It
// skips the test unless LIDR_PEERS names the folder of the environments, as make peers sets it, and ends it if the
// package is not there.
func OpenPeer(t testing.TB, environment, name string) Peer {
	t.Helper()
	folder := os.Getenv("LIDR_PEERS")
	if folder == "" {
		t.Skip("LIDR_PEERS is not set; make peers sets it")
	}
	p := Peer{Python: filepath.Join(folder, environment, "bin", "python"), Name: name}
	version, err := p.Command(t, "-c", "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))",
		name).Output()
	if err != nil {
		t.Fatalf("%s has no %s (%v); run make peers-env ENV=%s", p.Python, name, err, environment)
	}
	p.Version = string(bytes.TrimSpace(version))
	return p
}

// Command returns a call of the interpreter that ends with the test, reaches no hub and sees no GPU.
func (p Peer) Command(t testing.TB, args ...string) *exec.Cmd {
	command := exec.CommandContext(t.Context(), p.Python, args...)
	command.Env = append(os.Environ(), "HF_HUB_OFFLINE=1", "HF_DATASETS_OFFLINE=1", "TRANSFORMERS_VERBOSITY=error",
		"TOKENIZERS_PARALLELISM=false", "CUDA_VISIBLE_DEVICES=", "PYTHONDONTWRITEBYTECODE=1", "DO_NOT_TRACK=1",
		"HF_HOME="+filepath.Join(t.TempDir(), "hub"))
	return command
}

// Run runs a script of the package under test, testdata/peers/NAME.py, and returns what it prints. A script that fails
// ends the test with the end of what it said.
func (p Peer) Run(t testing.TB, script string, args ...string) []byte {
	t.Helper()
	command := p.Command(t, append([]string{script}, args...)...)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		const most = 4000
		end := said.Bytes()
		t.Fatalf("%s %s: %v\n%s", script, args, err, end[max(0, len(end)-most):])
	}
	return out
}

// Within is a row of the table: what was compared, and the largest difference, or the number of items that differ. More
// than within fails the test.
func (p Peer) Within(t testing.TB, what string, difference, within float64) {
	t.Helper()
	verdict := "equal"
	if within > 0 {
		verdict = fmt.Sprintf("within %.2g", within)
	}
	if !(difference <= within) {
		verdict = fmt.Sprintf("DIFFERS by more than %.2g", within)
		t.Errorf("%s %s: %s: the largest difference is %g, expected at most %g", p.Name, p.Version, what, difference, within)
	}
	p.row(t, what, difference, verdict)
}

// Differs is a row of a difference that is known; why is a sentence that a reader of both codes agrees with.
func (p Peer) Differs(t testing.TB, what string, difference float64, why string) {
	t.Helper()
	p.row(t, what, difference, "differs: "+why)
}

func (p Peer) row(t testing.TB, what string, difference float64, verdict string) {
	t.Helper()
	t.Logf("peers: | %s | %s | %s | %.2g | %s |", p.Name, p.Version, what, difference, verdict)
}
