package handoff

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// train.sh of two machines takes rank, address and port from what starts it, and refuses other sizes than it is written
// for. The trainer here prints what it was given.
func TestLaunchVariables(t *testing.T) {
	t.Parallel()
	run, m := openRun(t, expressible())
	trainer := LlamaFactory()
	trainer.Nodes, trainer.GPUs = 2, 2
	script := written(t, run, m, trainer).path("train.sh")
	bin := t.TempDir()
	for name, text := range map[string]string{
		"llamafactory-cli": `echo "got $NNODES $NPROC_PER_NODE $NODE_RANK $MASTER_ADDR $MASTER_PORT"`,
		"scontrol":         `[ "$*" = "show hostnames n[3-4]" ] && printf 'n3\nn4\n'`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	slurm := []string{"SLURM_STEP_NUM_NODES=2", "SLURM_NODEID=1", "SLURM_JOB_NODELIST=n[3-4]"}
	for _, test := range []struct {
		name string
		set  []string
		want string
	}{
		{"by hand", []string{"NODE_RANK=1", "MASTER_ADDR=10.0.0.1"}, "got 2 2 1 10.0.0.1 29500"},
		{"srun", append(slurm, "SLURM_GPUS_ON_NODE=2", "MASTER_PORT=20007"), "got 2 2 1 n3 20007"},
		{"srun, without scontrol", append(slurm[:2:2], "SLURM_JOB_NODELIST=n[5-6]", "SLURM_LAUNCH_NODE_IPADDR=10.1.0.5"),
			"got 2 2 1 10.1.0.5 29500"},
		{"SkyPilot", []string{"SKYPILOT_NUM_NODES=2", "SKYPILOT_NODE_RANK=0", "SKYPILOT_NUM_GPUS_PER_NODE=2",
			"SKYPILOT_NODE_IPS=10.2.0.1\n10.2.0.2"}, "got 2 2 0 10.2.0.1 29500"},
		{"Kubeflow's trainer", []string{"PET_NNODES=2", "PET_NPROC_PER_NODE=auto", "PET_NODE_RANK=1",
			"PET_MASTER_ADDR=job-node-0-0.job", "PET_MASTER_PORT=29400"}, "got 2 2 1 job-node-0-0.job 29400"},
		{"an indexed job", []string{"JOB_COMPLETION_INDEX=1", "MASTER_ADDR=job-0.job"}, "got 2 2 1 job-0.job 29500"},
		{"by hand inside a job", append(slurm, "NODE_RANK=0", "MASTER_ADDR=a"), "got 2 2 0 a 29500"},
		{"nothing", nil, "NODE_RANK or MASTER_ADDR is missing; start it as NODE_RANK=0"},
		{"a batch script without srun", slurm[1:], "NODE_RANK or MASTER_ADDR is missing"},
		{"more machines", []string{"PET_NNODES=3:4", "NODE_RANK=0", "MASTER_ADDR=a"}, "on 3:4 machines, expected 2; change"},
		{"fewer GPUs", append(slurm, "SLURM_GPUS_ON_NODE=1"), "has 1 GPUs, expected 2; change trainer.gpus"},
	} {
		command := exec.Command("sh", script)
		command.Env = append(test.set, "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := command.CombinedOutput()
		if got := strings.TrimSpace(string(out)); !strings.Contains(got, test.want) || strings.Contains(got, "\n") ||
			(err == nil) != strings.HasPrefix(test.want, "got") {
			t.Errorf("%s: error %v, printed %q, expected %q", test.name, err, got, test.want)
		}
	}
}
