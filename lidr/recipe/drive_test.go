package recipe

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/serve"
)

// TestMain lets the test binary stand in for lidr: it drives, keeps a server and serves, so that a test can kill it.
func TestMain(m *testing.M) {
	var err error
	fake := fakes[filepath.Base(os.Args[0])]
	switch args := os.Args; {
	case fake != nil && os.Getenv(fakeVariable) != "":
		err = fake(args[1:])
	case len(args) > 9 && args[1] == "announce": // announce --folder F --as NAME --model NAME -- COMMAND...
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = Attend(ctx, args[3], args[5], args[7], args[9:], os.Stdout)
	case len(args) > 3 && args[1] == "drive": // drive FILE FOLDER
		err = driven(args[2], args[3])
	case len(args) > 3 && args[1] == "keep":
		err = Keep(os.Stdin, args[3:], os.Stdout)
	case len(args) == 7 && args[1] == "serve": // serve PATH --name NAME --listen ADDRESS
		err = serving(args[2], args[4], args[6])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func driven(file, dir string) error {
	r, err := Load(file)
	if err != nil {
		return err
	}
	_, err = Drive(context.Background(), r, dir, []string{os.Args[0], "keep", "--"})
	return err
}

func serving(path, name, address string) error {
	m, err := lidr.LoadModel(path)
	if err != nil {
		return err
	}
	l, err := serve.Listen(context.Background(), address, "")
	if err != nil {
		return err
	}
	s, err := serve.New(local.New(m.Engine(), m.Weights(), m.Tokenizer()), m.Tokenizer(),
		serve.Options{Name: name, MaxBatch: 8, MaxQueue: 256})
	if err != nil {
		return err
	}
	return s.Serve(context.Background(), l)
}

// Two rounds with served models, driven by a process that is killed ten times at any moment, end with the bytes of
// undisturbed ones, and leave no server behind.
func TestDriveKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Setenv("PATH", fakeTrainer(t))
	address, folder := freeAddress(t), t.TempDir()
	base, err := filepath.Abs("../../datasets/miniature/m0")
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "own.yaml", `preset: miniature
rounds: 2
trained: [de]
unseen: []
prompts: {n: 4}
generate: {system: Be brief.}
evaluate: {n: 2, translations: 0}
train: {batch_pairs: 4, final_lr: 0, schedule: cosine}
trainer: {program: llama-factory, template: llama3}
model: {path: "`+base+`", endpoints: ["http://`+address+`/v1"]}
`)
	drive := func(dir string) *exec.Cmd {
		process := exec.Command(os.Args[0], "drive", file, filepath.Join(folder, dir, "run"))
		process.Stderr = os.Stderr
		return process
	}
	start := time.Now()
	if err := drive("calm").Run(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	calm := lidrtest.Hashes(t, filepath.Join(folder, "calm", "run"))
	kills := 0
	for runs := 0; kills < 10; runs++ { // mostly one; a fast one may end before ten kills, and another takes the rest
		dir := fmt.Sprintf("killed-%d", runs)
		for ended := false; !ended; {
			process := drive(dir)
			if err := process.Start(); err != nil {
				t.Fatal(err)
			}
			wait := time.Hour
			if kills < 10 {
				wait = time.Duration((0.02 + 0.3*rand.Float64()) * float64(took))
			}
			timer := time.AfterFunc(wait, func() { _ = process.Process.Kill() })
			err := process.Wait()
			switch killed := !timer.Stop(); {
			case err == nil:
				ended = true
			case killed:
				kills++
			default:
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(calm, lidrtest.Hashes(t, filepath.Join(folder, dir, "run"))); diff != "" {
			t.Errorf("the killed run differs: %s", diff)
		}
	}
	err = (&server{}).answers(t.Context(), "http://"+address+"/v1", "")
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a server is left at %s: %v", address, err)
	}
}

// closer closes something at the first write.
type closer struct{ io.Closer }

func (c closer) Write(p []byte) (int, error) { return len(p), c.Close() }

// What a kept command has started ends with it: Keep returns when the last of them has let go of the output.
func TestKeepEndsAll(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	held, holder := io.Pipe()
	start := time.Now()
	err = Keep(held, []string{sh, "-c", "sleep 100 & echo started; wait"}, closer{holder})
	if took := time.Since(start); err != nil || took > time.Minute {
		t.Errorf("error %v after %s", err, took)
	}
}
