package recipe

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/handoff"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/serve"
)

// serveModel serves a checkpoint under a name at an address until the function it returns is called.
func serveModel(t *testing.T, path, name, address string) (stop func()) {
	t.Helper()
	m, err := lidr.LoadModel(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := serve.New(local.New(m.Engine(), m.Weights(), m.Tokenizer()), m.Tokenizer(),
		serve.Options{Name: name, MaxBatch: 8, MaxQueue: 256})
	if err != nil {
		t.Fatal(err)
	}
	l, err := serve.Listen(t.Context(), address, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, l) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A run whose models are behind one server, one after the other, and trained by another program, is one command given
// again: each time it says what it waits for, and it asks nothing again of a model that is served no more. M1 gains
// nothing, so the run ends with it, whether it is served or not.
func TestServedRun(t *testing.T) {
	dir, address := filepath.Join(t.TempDir(), "run"), freeAddress(t)
	r, err := Load(miniature, "rounds=2", "stop_when_saturated=true", "prompts.n=4", "evaluate.n=2",
		"evaluate.translations=0", "train.final_lr=0",
		"train.schedule=cosine",
		"train.batch_pairs=4", "trained=[de]", "unseen=[]", "model.endpoints=[http://"+address+"/v1]",
		"trainer.program=llama-factory", "trainer.template=llama3", "generate.system=Be brief.",
		"model.path=../../datasets/miniature/m0")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	run := func() (string, error) {
		return Run(t.Context(), r, dir, lidr.WithProgress(func(e lidr.Event) { asked += e.Total - e.Done }))
	}
	if _, err := run(); !errors.Is(err, ErrUnserved) || !strings.Contains(err.Error(), "serve it under the name M0") {
		t.Fatalf("error %v, expected that M0 has to be served", err)
	}
	stop := serveModel(t, miniature, "M0", address)
	t.Setenv("PATH", "")
	if _, err := run(); !errors.Is(err, handoff.ErrElsewhere) {
		t.Fatalf("error %v, expected that the training waits for its program", err)
	}
	stop()
	t.Setenv("PATH", fakeTrainer(t))
	if _, err := run(); !errors.Is(err, ErrUnserved) || !strings.Contains(err.Error(), "serve it under the name M1") {
		t.Fatalf("error %v, expected that M1 has to be served", err)
	}
	stop = serveModel(t, filepath.Join(dir, "M1", "model"), "M1", address)
	report, err := run()
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if asked == 0 {
		t.Error("no progress was told")
	}
	asked = 0
	again, err := run()
	if err != nil || again != report || asked > 0 {
		t.Errorf("without any server: error %v, report %s for %s, %d items asked for again", err, again, report, asked)
	}
	folders, err := Folders(filepath.Dir(dir))
	if err != nil || len(folders) != 1 || folders[0].State != "reported" || folders[0].Models != "M0 to M1" {
		t.Errorf("the run folders are %+v, error %v", folders, err)
	}
}

// fakeTrainer is a PATH on which llamafactory-cli, and the Python that asks it, are the program of package handoff's
// tests.
func fakeTrainer(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	build := exec.Command(goTool, "build", "-ldflags=-w", "-o", filepath.Join(folder, "llamafactory-cli"),
		"../handoff/testdata/trainer")
	build.Env = append(os.Environ(), "PATH="+path)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Link(filepath.Join(folder, "llamafactory-cli"), filepath.Join(folder, "python")); err != nil {
		t.Fatal(err)
	}
	return folder + string(os.PathListSeparator) + path
}

var (
	path      = os.Getenv("PATH")
	goTool, _ = exec.LookPath("go")
)
