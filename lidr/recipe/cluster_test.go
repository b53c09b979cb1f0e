//go:build unix

package recipe

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/recipe/launch"
)

// computed are the hashes of what a run has computed: not of what says where.
func computed(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	hashes := lidrtest.Hashes(t, dir)
	for path := range hashes {
		name := filepath.Base(path)
		if strings.HasPrefix(path, launchFolder+string(os.PathSeparator)) || name == file || name == "files.json" ||
			name == "trainer.log" || name == "serve.log" {
			delete(hashes, path)
		}
	}
	return hashes
}

// Two rounds run unattended on each kind of cluster, whose commands are stand-ins that really run the jobs: servers and
// trainings, one of which is preempted. The driver is killed on the way, and started again it ends with the bytes of an
// undisturbed one on this machine; no job is submitted twice, and none is left.
func TestDriveOnClusters(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	base, err := filepath.Abs("../../datasets/miniature/m0")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", fakeTrainer(t))
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	recipe := func(more string) string {
		return write(t, "own.yaml", `preset: miniature
rounds: 2
trained: [de]
unseen: []
prompts: {n: 4}
generate: {system: Be brief.}
evaluate: {n: 2, translations: 0}
train: {batch_pairs: 4, final_lr: 0, schedule: cosine}
trainer: {program: llama-factory, template: llama3, gpus: 0}
`+strings.ReplaceAll(more, "PORT", port))
	}
	drive := func(file, dir string) *exec.Cmd {
		process := exec.Command(os.Args[0], "drive", file, dir)
		process.Stderr = os.Stderr
		return process
	}
	calmDir, start := filepath.Join(t.TempDir(), "run"), time.Now()
	if err := drive(recipe(fmt.Sprintf("model: {path: %q, endpoints: [\"http://%s/v1\"]}", base, address)), calmDir).
		Run(); err != nil {
		t.Fatal(err)
	}
	minutes := 60
	if _, err := exec.LookPath("timeout"); err != nil {
		minutes = 0 // SkyPilot's machines have it, and not every one that runs this test
	}
	took, calm := time.Since(start), computed(t, calmDir)
	model := fmt.Sprintf("model: {path: %q, serve: [%q, serve, \"{path}\", --name, \"{name}\", --listen, "+
		"\"127.0.0.1:{port}\"]}\n", base, self)
	for _, test := range []struct {
		on, launch      string
		replicas, kills int
	}{
		{"slurm", "slurm: {options: [--partition=gpu], prologue: export LIDR_HOST=127.0.0.1}", 2, 4},
		{"kubernetes", "kubernetes: {image: x, claim: data, mount: /}", 1, 2},
		{"skypilot", "skypilot: {mounts: {/: data}}", 1, 2},
	} {
		t.Run(test.on, func(t *testing.T) {
			folder, dir := fakeCluster(t), filepath.Join(t.TempDir(), "run")
			if err := os.WriteFile(filepath.Join(folder, "preempt"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			file := recipe(model + fmt.Sprintf("launch:\n  serve: {on: %s, port: PORT, replicas: %d, minutes: %d}\n"+
				"  train: {on: %[1]s}\n  %[4]s\n", test.on, test.replicas, minutes, test.launch))
			for kills := test.kills; ; kills-- {
				process := drive(file, dir)
				if err := process.Start(); err != nil {
					t.Fatal(err)
				}
				wait := time.Hour
				if kills > 0 {
					wait = time.Duration((0.1 + 0.6*rand.Float64()) * float64(took))
				}
				timer := time.AfterFunc(wait, func() { _ = process.Process.Kill() })
				err := process.Wait()
				if killed := !timer.Stop(); err == nil {
					break
				} else if !killed {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(calm, computed(t, dir)); diff != "" {
				t.Errorf("the run on %s differs: %s", test.on, diff)
			}
			times := map[string]int{}
			for _, name := range strings.Fields(readFile(t, filepath.Join(folder, "started.txt"))) {
				times[name[strings.Index(name[5:], "-")+6:]]++
			}
			want := map[string]int{"train-m1": 2, "train-m2": 1}
			for m := range 3 {
				for r := range test.replicas {
					want[fmt.Sprintf("serve-m%d-%d", m, r)] = 1
				}
			}
			if diff := cmp.Diff(want, times); diff != "" {
				t.Errorf("the jobs were started otherwise than once each: %s", diff)
			}
			for _, j := range fakeJobs() {
				if j.active() {
					t.Errorf("job %s (%s) is left", j.id(), j.read("name"))
				}
			}
			left, err := filepath.Glob(filepath.Join(dir, launchFolder, "*.id"))
			if err != nil || len(left) > 0 {
				t.Errorf("ids of jobs are left: %v, error %v", left, err)
			}
		})
	}
}

// The driver is submitted once, however often it is asked for, and again when it has ended.
func TestSubmitOnce(t *testing.T) {
	fakeCluster(t)
	r, err := Load(miniature, append(slices.Clone(anyTrainer), "launch.drive.on=slurm", "launch.serve.on=slurm",
		"launch.slurm.options=[--partition=gpu]", "launch.slurm.container=not-there")...) // and is not the driver's
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	submit := func(want string) {
		t.Helper()
		if id, err := Submit(t.Context(), r, dir, []string{"sleep", "100"}); err != nil || id != want {
			t.Errorf("job %q, error %v, expected job %s", id, err, want)
		}
	}
	submit("1")
	unlock := lockBeside(t, dir) // as the driver does that is at work
	submit("1")
	unlock()
	if err := os.Remove(fakeIDs(t, dir)[0]); err != nil { // a driver that was killed before it wrote the id down
		t.Fatal(err)
	}
	submit("1")
	for _, j := range fakeJobs() {
		j.end("COMPLETED")
	}
	submit("2")
}

// lockBeside locks a run folder as another process does.
func lockBeside(t *testing.T, dir string) (unlock func()) {
	t.Helper()
	lock := flock.New(filepath.Join(dir, ledger.LockName))
	if got, err := lock.TryLock(); !got || err != nil {
		t.Fatalf("locked %v, error %v", got, err)
	}
	return func() {
		if err := lock.Unlock(); err != nil {
			t.Error(err)
		}
	}
}

func fakeServer(t *testing.T, dir string) (s *server, job launch.Job) {
	t.Helper()
	places := launch.Slurm{Options: []string{"--partition=gpu"}, Prologue: "export LIDR_HOST=127.0.0.1"}
	s = &server{launcher: places, stage: launch.Stage{On: "slurm", Replicas: 1}, ids: map[string]string{},
		dir: filepath.Join(dir, launchFolder), clients: filepath.Join(dir, launchFolder, "endpoints"), note: t.Logf}
	return s, launch.Job{Name: "lidr-1a2b3c4d-serve-m0-0", Dir: s.dir, Nodes: 1, Serves: true, Stage: s.stage,
		Command: []string{"sleep", "100"}}
}

// A second driver of a folder ends with what it says, and leaves the first one's servers alone.
func TestSecondDriverLeavesServers(t *testing.T) {
	fakeCluster(t)
	dir := filepath.Join(t.TempDir(), "run")
	s, job := fakeServer(t, dir)
	if _, err := begin(t.Context(), s.launcher, job); err != nil {
		t.Fatal(err)
	}
	defer lockBeside(t, dir)()
	r, err := Load(miniature, append(slices.Clone(anyTrainer), "launch.serve.on=slurm", "model.serve=[vllm]")...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Drive(t.Context(), r, dir, nil); err == nil || !strings.Contains(err.Error(), "is working in") {
		t.Errorf("error %v, expected that another process works there", err)
	}
	if jobs := fakeJobs(); len(jobs) != 1 || !jobs[0].active() {
		t.Errorf("the first driver's server was ended: %v", jobs)
	}
	fakeIDs(t, dir)
}

// A server that is being submitted while its driver is interrupted is ended, though nobody was told its id.
func TestInterruptedSubmission(t *testing.T) {
	folder := fakeCluster(t)
	slow := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n%s/sbatch \"$@\" >/dev/null\nexec sleep 100\n", folder)
	if err := os.WriteFile(filepath.Join(slow, "sbatch"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", slow+string(os.PathListSeparator)+os.Getenv("PATH"))
	dir := filepath.Join(t.TempDir(), "run")
	s, job := fakeServer(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for len(fakeJobs()) == 0 || !fakeJobs()[0].active() {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	if err := s.serve(ctx, []launch.Job{job}, "M0"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, expected that it was interrupted", err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "*.id"))
	if err != nil || len(left) > 0 || fakeJobs()[0].active() {
		t.Errorf("the job is %s, ids %v, error %v", fakeJobs()[0].read("state"), left, err)
	}
}

// A training that Slurm queues again without end, since its time is over before its first checkpoint, is ended.
func TestTrainingThatGetsNoFurther(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"sbatch": "echo 7", "scancel": "echo $1 >>" + folder + "/ended",
		"squeue": `case "$*" in *--me*) exit;; esac
cd ` + folder + `
if [ -e ran ]; then rm ran; echo 'PENDING|BeginTime'; else touch ran; echo . >>times; echo 'RUNNING|None'; fi`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	r, err := Load(miniature)
	if err != nil {
		t.Fatal(err)
	}
	run, err := lidr.Open(filepath.Join(t.TempDir(), "run"), r.Settings)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	trains := &trains{launch.Slurm{}, launch.Stage{On: "slurm"}, run.Path(launchFolder)}
	err = trains.train(t.Context(), run, r.Trainer, "M1", "train.sh", "key")
	if err == nil || !strings.Contains(err.Error(), "raise launch.train.minutes") {
		t.Errorf("error %v, expected that it got no further", err)
	}
	if times, ended := readFile(t, folder+"/times"), readFile(t, folder+"/ended"); len(times) != 2*(restarts+1) ||
		ended != "7\n" {
		t.Errorf("it ran %d times, and %q were ended", len(times)/2, ended)
	}
}

func fakeIDs(t *testing.T, dir string) []string {
	t.Helper()
	ids, err := filepath.Glob(filepath.Join(dir, launchFolder, "*.id"))
	if err != nil || len(ids) != 1 {
		t.Fatalf("ids %v, error %v, expected one", ids, err)
	}
	return ids
}

// A server that is there already is asked which weights it has: others than the run's, under its name, are refused.
func TestOtherWeightsAreRefused(t *testing.T) {
	t.Parallel()
	model, err := checkpoint.Load(os.DirFS("../../datasets/miniature/m0"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := model.Tensors[0].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	values[0]++
	model.Tensors[0] = checkpoint.NewTensor(model.Tensors[0].Name, model.Tensors[0].Shape, values)
	other, address := filepath.Join(t.TempDir(), "other"), freeAddress(t)
	if err := checkpoint.Save(other, model, "F32"); err != nil {
		t.Fatal(err)
	}
	defer serveModel(t, miniature, "M0", address)()
	for path, want := range map[string]string{
		other: "serves other weights under the name M0 than " + other, miniature: "",
	} {
		server, err := remote.Open(t.Context(), remote.Options{Model: "M0", Endpoints: []string{"http://" + address + "/v1"}})
		if err != nil {
			t.Fatal(err)
		}
		err = same(server, "M0", path, address)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected one with %q", path, err, want)
		}
	}
}
