package launch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// some jobs, as the driver makes them.
func someJobs() map[string]Job {
	serve := Job{Name: "lidr-1a2b3c4d-serve-m0-0", Command: []string{"vllm", "serve", "/data/my model", "--port", "8000"},
		Dir: "/data/run/launch", Nodes: 1, Serves: true, Stage: Stage{GPUs: 1, CPUs: 8, Memory: 64, Minutes: 240, Port: 8000}}
	train := Job{Name: "lidr-1a2b3c4d-train-m1", Command: []string{"sh", "-c", `sh "$0" --check && exec sh "$0"`,
		"/data/run/M1/handoff/train.sh"}, Dir: "/data/run/launch", Nodes: 2,
		Stage: Stage{GPUs: 8, Memory: 400, Minutes: 1440}}
	drive := Job{Name: "lidr-1a2b3c4d-drive", Command: []string{"lidr", "drive", "/data/own.yaml"},
		Dir: "/data/run/launch", Nodes: 1}
	return map[string]Job{"serve": serve, "train": train, "drive": drive}
}

// The scripts and manifests are those of testdata. .tools/manifests decodes them into the Go types of Kubernetes and
// Kubeflow's trainer; SkyPilot 0.14.1 has read its tasks.
func TestDocuments(t *testing.T) {
	t.Parallel()
	k := Defaults().Kubernetes
	k.Namespace, k.Image, k.Claim, k.Account = "lidr", "vllm:1", "data", "driver"
	kubeflow := k
	kubeflow.TrainJob = true
	slurm := Slurm{Options: []string{"--partition=gpu"}, Prologue: "module load cuda\n",
		Container: "apptainer exec --nv x.sif"}
	sky := SkyPilot{Infra: "aws", Accelerators: "A100", Spot: true, Image: "docker:vllm:1", Setup: "pip list\n",
		Mounts: map[string]string{"/data": "s3://runs", "/models": "models"}}
	found := map[string]string{}
	for name, job := range someJobs() {
		found["slurm-"+name+".sh"] = slurm.script(job)
		for kind, objects := range map[string][]fields{
			"kubernetes": k.objects(job), "kubeflow": kubeflow.objects(job), "skypilot": {sky.task(job)},
		} {
			if kind == "kubeflow" && name != "train" {
				continue
			}
			text, err := documents(objects...)
			if err != nil {
				t.Fatal(err)
			}
			found[kind+"-"+name+".yaml"] = string(text)
		}
	}
	for name, text := range found {
		if want, err := os.ReadFile(filepath.Join("testdata", name)); err != nil || string(want) != text {
			t.Errorf("%s, error %v, is\n%s", name, err, text)
		}
		if strings.HasSuffix(name, ".sh") {
			check := exec.Command("sh", "-n")
			check.Stdin = strings.NewReader(text)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s: %v %s", name, err, out)
			}
		}
	}
}

// commands puts shell scripts of some names in the place of PATH.
func commands(t *testing.T, scripts map[string]string) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", folder+":/usr/bin:/bin")
}

// What Slurm says of a job, by whichever of its commands still knows it, in its own words and as what it means.
func TestSlurmStates(t *testing.T) {
	gone := "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1"
	off := "echo 'Slurm accounting storage is disabled' >&2; exit 1"
	for _, test := range []struct {
		squeue, sacct, scontrol string
		state                   State
		said                    string
	}{
		{"echo 'PENDING|Priority'", "", "", Waiting, "PENDING (Priority)"},
		{"echo 'PENDING|QOSMaxJobsPerUserLimit'", "", "", Waiting, "PENDING (QOSMaxJobsPerUserLimit)"},
		{"echo 'PENDING|PartitionTimeLimit'", "", "", Failed, "PENDING (PartitionTimeLimit)"},
		{"echo 'REQUEUED|None'", "", "", Waiting, "REQUEUED"},
		{"echo 'RUNNING|None'", "", "", Running, "RUNNING"},
		{"echo 'COMPLETING|None'", "", "", Running, "COMPLETING"},
		{"", "echo 'COMPLETED|0:0'", "", Done, "COMPLETED"},
		{gone, "echo 'PREEMPTED|0:0'", "", Lost, "PREEMPTED"},
		{gone, "echo 'NODE_FAIL|1:0'", "", Lost, "NODE_FAIL (1:0)"},
		{gone, "echo 'TIMEOUT|0:0'", "", Lost, "TIMEOUT"},
		{gone, "echo 'OUT_OF_MEMORY|0:125'", "", Failed, "OUT_OF_MEMORY (0:125)"},
		{gone, "echo 'FAILED|1:0'", "", Failed, "FAILED (1:0)"},
		{gone, "echo 'CANCELLED by 1000|0:0'", "", Failed, "CANCELLED by 1000"},
		{gone, "echo 'PREEMPTED|0:0'; echo 'COMPLETED|0:0'", "", Done, "COMPLETED"},
		{gone, off, "echo 'JobId=7 JobName=x JobState=NODE_FAIL Reason=None'", Lost, "NODE_FAIL"},
		{gone, off, gone, Lost, "forgotten by Slurm"},
		{"echo 'SOMETHING_NEW|None'", "", "", Failed, "SOMETHING_NEW"},
	} {
		commands(t, map[string]string{"squeue": test.squeue, "sacct": test.sacct, "scontrol": test.scontrol})
		got, err := Slurm{}.State(t.Context(), Job{}, "7")
		if err != nil || got.State != test.state || got.Said != test.said {
			t.Errorf("squeue %q, sacct %q: %v, error %v, expected %v %q", test.squeue, test.sacct, got, err, test.state,
				test.said)
		}
	}
	commands(t, map[string]string{"squeue": "echo 'squeue: error: Unable to contact slurm controller' >&2; exit 1"})
	if got, err := (Slurm{}).State(t.Context(), Job{}, "7"); err == nil {
		t.Errorf("without a controller: %v, expected an error", got)
	}
}

// A queue that is full, and a submission that is refused, are one line that says what to do.
func TestSubmissionRefused(t *testing.T) {
	for _, test := range []struct {
		program, said, want string
		launcher            Launcher
		full                bool
	}{
		{"sbatch", "sbatch: error: AssocMaxSubmitJobLimit", "wait until squeue --me is shorter", Slurm{}, true},
		{"sbatch", "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates " +
			"accounting/QOS policy (job submit limit, user's size and/or time limits)", "wait until squeue", Slurm{}, true},
		{"sbatch", "sbatch: error: invalid partition specified: gpuu", "correct launch.slurm.options", Slurm{}, false},
		{"kubectl", `Error from server (Forbidden): jobs "x" is forbidden: exceeded quota: gpus`,
			"wait until other jobs are over", Kubernetes{}, true},
		{"kubectl", "error: no context exists", "no context exists", Kubernetes{}, false},
		{"sky", "sky.exceptions.ResourcesUnavailableError: Failed to acquire resources", "run the same command again later",
			SkyPilot{Accelerators: "A100"}, true},
	} {
		commands(t, map[string]string{test.program: `case $1 in delete) ;; *) cat >&2 <<'END'` + "\n" + test.said +
			"\nEND\nexit 1;; esac"})
		job := someJobs()["train"]
		job.Dir = t.TempDir()
		_, err := test.launcher.Start(t.Context(), job)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") ||
			errors.Is(err, ErrFull) != test.full {
			t.Errorf("%s: error %v, expected one with %q", test.said, err, test.want)
		}
	}
}

// What Kubernetes says of a job that does not run: whether it may yet, and why not.
func TestKubernetesStates(t *testing.T) {
	for _, test := range []struct {
		job, pods string
		state     State
		said      string
	}{
		{`{"status":{"active":1,"ready":1}}`, "", Running, "running"},
		{`{"status":{"readyReplicas":1}}`, "", Running, "running"},
		{`{"status":{"jobsStatus":[{"name":"node","ready":2}]}}`, "", Running, "running"},
		{`{"status":{"conditions":[{"type":"Complete","status":"True"}]}}`, "", Done, "complete"},
		{`{"status":{"conditions":[{"type":"Failed","status":"True","reason":"DeadlineExceeded"}]}}`, `{}`, Lost,
			"its time was over"},
		{`{"status":{"conditions":[{"type":"Failed","status":"True","reason":"BackoffLimitExceeded"}]}}`,
			`{"items":[{"status":{"containerStatuses":[{"state":{"terminated":{"reason":"OOMKilled","exitCode":137}}}]}}]}`,
			Failed, "failed: BackoffLimitExceeded (OOMKilled, exit code 137)"},
		{`{"status":{"active":1}}`, `{"items":[{"status":{"conditions":[{"type":"PodScheduled","status":"False",
			"reason":"Unschedulable","message":"0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}]}}]}`, Waiting,
			"waiting (Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.)"},
		{`{"status":{"active":1}}`, `{"items":[{"status":{"containerStatuses":[{"state":{"waiting":{
			"reason":"ImagePullBackOff","message":"not found"}}}]}}]}`, Failed, "waiting (ImagePullBackOff: not found)"},
		{`{"status":{}}`, `{"items":[{"status":{"containerStatuses":[{"restartCount":1,"state":{"waiting":{
			"reason":"CrashLoopBackOff","message":"back-off"}}}]}}]}`, Waiting, "waiting (CrashLoopBackOff: back-off)"},
	} {
		commands(t, map[string]string{"kubectl": `case $2 in pods) cat <<'END'` + "\n" + test.pods +
			"\nEND\n;; *) cat <<'END'\n" + test.job + "\nEND\n;; esac"})
		got, err := Kubernetes{}.State(t.Context(), Job{Name: "x"}, "job/x")
		if err != nil || got.State != test.state || got.Said != test.said {
			t.Errorf("%s: %v, error %v, expected %v %q", test.job, got, err, test.state, test.said)
		}
	}
	commands(t, map[string]string{"kubectl": `echo 'Error from server (NotFound): jobs.batch "x" not found' >&2; exit 1`})
	if got, err := (Kubernetes{}).State(t.Context(), Job{}, "job/x"); err != nil || got.State != Lost {
		t.Errorf("of a job that was deleted: %v, error %v", got, err)
	}
}

// A server whose time is over ends well, and is to be started again; a training that ends well is done.
func TestSkyPilotEnds(t *testing.T) {
	commands(t, map[string]string{"sky": `case $1 in
status) echo '[{"name":"x","status":"UP"}]';;
queue) echo '{"x":[{"job_id":1,"status":"SUCCEEDED"}]}';;
esac`})
	for serves, want := range map[bool]State{true: Lost, false: Done} {
		if got, err := (SkyPilot{}).State(t.Context(), Job{Serves: serves}, "x"); err != nil || got.State != want {
			t.Errorf("serves %v: %v, error %v, expected %v", serves, got, err, want)
		}
	}
}

// Whatever the commands print is a state or an error.
func FuzzStates(f *testing.F) {
	f.Add(`{"status":{"conditions":[{"type":"Failed","status":"True"}],"ready":-1}}`)
	f.Add(`{"items":[{"status":{"containerStatuses":[{"state":{"waiting":null},"lastState":{"terminated":{}}}]}}]}`)
	f.Add("Refreshing…\n[{\"name\":\"x\",\"status\":\"UP\"}]")
	f.Add(`{"x":[{"job_id":1,"status":"SUCCEEDED"},{"job_id":0,"status":"FAILED"}]}`)
	f.Add("TIMEOUT+")
	f.Fuzz(func(t *testing.T, out string) {
		_, _ = jobStatus(out)
		_, _, _ = podsSay(out)
		if status, err := skyClusters(out, "x"); err == nil && status == "gone" && strings.HasPrefix(out, `[{"name":"x"`) &&
			strings.HasSuffix(out, `"status":"UP"}]`) {
			t.Errorf("%q: gone", out)
		}
		_, _ = skyJob(out, "x")
		if state := stateOf(out); state < Waiting || state > Lost {
			t.Errorf("%q: %v", out, state)
		}
	})
}
