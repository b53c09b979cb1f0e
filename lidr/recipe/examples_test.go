package recipe

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/recipe/launch"
)

// The examples of the launchers are whole recipes that can work, and so are the places that they name.
func TestLaunchExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("launch/examples/*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, error %v", files, err)
	}
	for _, file := range files {
		r, err := Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := r.singles(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if r.Launch.Serve.On != r.Name || r.Launch.Train.On != r.Name {
			t.Errorf("%s serves on %s and trains on %s", file, r.Launch.Serve.On, r.Launch.Train.On)
		}
	}
}

// The image is built with the Go release of go.mod, of folders that there are.
func TestContainerfile(t *testing.T) {
	t.Parallel()
	release := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(readFile(t, "../../go.mod"))[1]
	text := readFile(t, "../../.ci/Containerfile")
	if want := "/golang:" + release + "-"; !strings.Contains(text, want) {
		t.Errorf(".ci/Containerfile has no %s", want)
	}
	for _, line := range regexp.MustCompile(`(?m)^COPY (\w.*) \S+$`).FindAllStringSubmatch(text, -1) {
		for _, source := range strings.Fields(line[1]) {
			if _, err := os.Stat(filepath.Join("../..", source)); err != nil {
				t.Error(err)
			}
		}
	}
}

// anyTrainer changes the recipe miniature so that it can be served and trained elsewhere.
var anyTrainer = []string{"trainer.program=llama-factory", "trainer.template=llama3", "train.final_lr=0",
	"train.schedule=cosine", "generate.system=Be brief.", "trainer.gpus=0", "trainer.nodes=1",
	"model.path=../../datasets/miniature/m0"}

// What is wrong with a recipe's launch is one line that says what to do, before anything is started.
func TestLaunchErrors(t *testing.T) {
	vllm := `model.serve=[vllm, serve, "{path}"]`
	t.Setenv("PATH", t.TempDir())
	for _, test := range []struct {
		want string
		sets []string
	}{
		{"sbatch is not installed here, or not in PATH; run lidr drive on a machine of the cluster",
			[]string{vllm, "launch.serve.on=slurm"}},
		{"kubectl is not installed here",
			[]string{"launch.train.on=kubernetes", "launch.kubernetes.image=x", "launch.kubernetes.claim=d"}},
		{`launch.serve.on is "slrm", expected here, slurm, kubernetes or skypilot`, []string{"launch.serve.on=slrm"}},
		{"launch.serve.replica is no key of a recipe; did you mean launch.serve.replicas?",
			[]string{"launch.serve.replica=2"}},
		{"launch.kubernetes.claim is empty", []string{"launch.serve.on=kubernetes", "launch.kubernetes.image=x"}},
		{"launch.skypilot.mounts is empty", []string{"launch.train.on=skypilot"}},
		{"model.serve is empty, expected the command that serves on the cluster", []string{"launch.serve.on=slurm"}},
		{"model.endpoints and launch.serve.on: slurm are both set",
			[]string{"launch.serve.on=slurm", "model.endpoints=[http://a:1/v1]"}},
		{"launch.train.gpus is 4, expected none: a training's GPUs are trainer.gpus", []string{"launch.train.gpus=4"}},
		{"with trainer.program own", []string{"launch.train.on=slurm", "trainer.program=own"}},
	} {
		r, err := Load(miniature, append(slices.Clone(anyTrainer), test.sets...)...)
		if err == nil {
			_, err = Drive(t.Context(), r, filepath.Join(t.TempDir(), "run"), nil)
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, expected one line with %q", err, test.want)
		}
	}
	for on, want := range map[string]string{
		"kubernetes": "expected one below /data, which launch.kubernetes.mount mounts",
		"skypilot":   "expected one below /data, which launch.skypilot.mounts mounts",
	} {
		s := launch.Defaults()
		s.SkyPilot.Mounts = map[string]string{"/data": "x", "/home": "s3://x"}
		l := map[string]launch.Launcher{"kubernetes": s.Kubernetes, "skypilot": s.SkyPilot}[on]
		if err := l.Reaches("/home/me/run"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected one with %q", on, err, want)
		}
	}
	bucket := launch.SkyPilot{Mounts: map[string]string{"/data": "s3://x"}}
	if err := bucket.Reaches("/data/run"); err == nil || !strings.Contains(err.Error(), "expected a volume") {
		t.Errorf("a run folder in a bucket: error %v, expected that it has no locks", err)
	}
	r, err := Load(miniature, append(slices.Clone(anyTrainer), vllm, "launch.serve.on=slurm")...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), r, filepath.Join(t.TempDir(), "run")); err == nil ||
		!strings.Contains(err.Error(), "launch.serve.on is slurm, which lidr drive does") {
		t.Errorf("lidr recipe: error %v, expected that lidr drive does it", err)
	}
}
