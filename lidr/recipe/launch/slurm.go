package launch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lidrlab/lidr/durable"
)

// Slurm says how jobs are submitted to Slurm. Their scripts come from the driver, by sbatch.
type Slurm struct {
	// Options are further options of sbatch, of every job: --partition=gpu, --account=x.
	Options []string `json:"options"`
	// Container stands between srun and the command of servers and trainings, not of a driver that submits them:
	// "apptainer exec --nv vllm.sif", or with Pyxis
	// "--container-image=vllm/vllm-openai:v0.11.0 --container-mounts=/data:/data".
	Container string `json:"container"`
	// Prologue are lines of shell before srun: module load cuda. LIDR_HOST is the address at which a server of the node
	// is asked, its host name where it is not set: export LIDR_HOST=$(hostname -I | cut -d' ' -f1).
	Prologue string `json:"prologue"`
}

// slurmScript runs a command on all machines of a job. Two minutes before its time is over it has itself queued again,
// by the signal that --signal asks for; that ends wait, and not what it waits for.
const slurmScript = `
again() {
	echo "lidr: its time is nearly over, so that the job is queued again"
	scontrol requeue "$SLURM_JOB_ID"
}
trap again USR1
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((20000 + SLURM_JOB_ID %% 10000))
export MASTER_ADDR MASTER_PORT
%s
srun --kill-on-bad-exit=1%s %s &
while :; do
	wait $! && code=0 || code=$?
	kill -0 $! 2>/dev/null || exit $code
done
`

// script is a job as sbatch takes it. Of two jobs of one name, Slurm runs one after the other: --dependency=singleton.
func (s Slurm) script(j Job) string {
	options := []string{
		"--job-name=" + j.Name, "--output=" + quoted([]string{j.file(".log")}), "--open-mode=append",
		fmt.Sprintf("--nodes=%d", j.Nodes), "--ntasks-per-node=1",
		"--requeue", "--dependency=singleton",
	}
	if !j.Serves { // a server that no driver starts again ends with its time
		options = append(options, "--signal=B:USR1@120")
	}
	for _, count := range []struct {
		n      int
		format string
	}{{j.GPUs, "--gpus-per-node=%d"}, {j.CPUs, "--cpus-per-task=%d"}, {j.Memory, "--mem=%dG"}, {j.Minutes, "--time=%d"}} {
		if count.n > 0 {
			options = append(options, fmt.Sprintf(count.format, count.n))
		}
	}
	text := "#!/bin/sh\n"
	for _, option := range append(options, s.Options...) {
		text += "#SBATCH " + option + "\n"
	}
	command := quoted(j.Command)
	if s.Container != "" {
		command = s.Container + " " + command
	}
	step := ""
	if j.CPUs > 0 { // srun takes it from no #SBATCH line since Slurm 22.05
		step = fmt.Sprintf(" --cpus-per-task=%d", j.CPUs)
	}
	return text + fmt.Sprintf(slurmScript, strings.TrimSpace(s.Prologue), step, command)
}

// Start implements [Launcher].
func (s Slurm) Start(ctx context.Context, j Job) (string, error) {
	path := j.file(".sh")
	if err := durable.WriteFile(path, []byte(s.script(j))); err != nil {
		return "", err
	}
	out, err := call(ctx, "sbatch", "--parsable", path)
	switch {
	case refused(err, "submit limit", "SubmitJobLimit", "SubmitJobPerUserLimit", "temporarily unable to accept",
		"Resource temporarily unavailable", "MaxJobCount"):
		return "", fmt.Errorf("%w: %w; wait until squeue --me is shorter, or cancel a job, and run the same command again",
			ErrFull, err)
	case err != nil:
		return "", fmt.Errorf("%w; correct launch.slurm.options, which %s has, and run the same command again", err, path)
	}
	id, _, _ := strings.Cut(strings.TrimSpace(out), ";") // ID or ID;CLUSTER
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return "", fmt.Errorf("sbatch --parsable printed %q, expected the number of a job", out)
	}
	return id, nil
}

// Find implements [Launcher].
func (s Slurm) Find(ctx context.Context, j Job) (string, error) {
	out, err := call(ctx, "squeue", "--me", "--noheader", "--name="+j.Name, "--format=%i|%T")
	if err != nil {
		return "", err
	}
	for _, line := range strings.Split(out, "\n") {
		id, state, ok := strings.Cut(strings.TrimSpace(line), "|")
		if ok && stateOf(state) <= Running {
			return id, nil
		}
	}
	return "", nil
}

// slurmStates are those of squeue and sacct that are neither a failure nor of a job that waits or runs.
var slurmStates = map[string]State{
	"PENDING": Waiting, "CONFIGURING": Waiting, "REQUEUED": Waiting, "REQUEUE_FED": Waiting, "REQUEUE_HOLD": Waiting,
	"RESV_DEL_HOLD": Waiting, "SPECIAL_EXIT": Waiting, "SUSPENDED": Waiting, "RESIZING": Waiting,
	"RUNNING": Running, "COMPLETING": Running, "SIGNALING": Running, "STAGE_OUT": Running, "STOPPED": Running,
	"COMPLETED": Done,
	"PREEMPTED": Lost, "NODE_FAIL": Lost, "BOOT_FAIL": Lost, "TIMEOUT": Lost, "REVOKED": Lost,
	"LAUNCH_FAILED": Lost, "RECONFIG_FAIL": Lost,
}

// stateOf is [Failed] for FAILED, OUT_OF_MEMORY, CANCELLED, DEADLINE and words that are not known.
func stateOf(word string) State {
	word, _, _ = strings.Cut(strings.TrimRight(strings.TrimSpace(word), "+"), " ") // CANCELLED by 1000
	if state, known := slurmStates[word]; known {
		return state
	}
	return Failed
}

// State implements [Launcher]: by squeue of a job that is not over, then by sacct, then by scontrol, which forgets
// after some minutes; a job that none of them knows is lost.
func (s Slurm) State(ctx context.Context, j Job, id string) (Status, error) {
	is := func(word, more string) Status {
		said := word
		if more != "" && more != "None" && more != "0:0" {
			said += " (" + more + ")"
		}
		status := Status{stateOf(word), said, j.file(".log")}
		if hopeless[more] {
			status.State = Failed
		}
		return status
	}
	out, err := call(ctx, "squeue", "--noheader", "--jobs="+id, "--format=%T|%r")
	if word, reason, ok := strings.Cut(strings.TrimSpace(out), "|"); err == nil && ok {
		return is(word, reason), nil
	} else if err != nil && !refused(err, "invalid job id") {
		return Status{}, err
	}
	out, err = call(ctx, "sacct", "--noheader", "--parsable2", "--allocations", "--jobs="+id, "--format=State,ExitCode")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if word, code, ok := strings.Cut(lines[len(lines)-1], "|"); err == nil && ok {
		return is(word, code), nil
	}
	out, err = call(ctx, "scontrol", "show", "job", id)
	if _, after, ok := strings.Cut(out, "JobState="); err == nil && ok {
		return is(strings.Fields(after + " ?")[0], ""), nil
	} else if err != nil && !errors.As(err, new(*refusal)) {
		return Status{}, err
	}
	return Status{Lost, "forgotten by Slurm", j.file(".log")}, nil
}

// hopeless are reasons for which a job would wait for ever.
var hopeless = map[string]bool{
	"DependencyNeverSatisfied": true, "BadConstraints": true, "PartitionTimeLimit": true, "PartitionNodeLimit": true,
	"AssociationTimeLimit": true, "InvalidAccount": true, "InvalidQOS": true, "QOSTimeLimit": true, "JobHeldAdmin": true,
}

// Address implements [Launcher]: a server announces itself.
func (Slurm) Address(context.Context, Job, string) (string, error) { return "", nil }

// Stop implements [Launcher].
func (Slurm) Stop(ctx context.Context, _ Job, id string) error {
	_, err := call(ctx, "scancel", id)
	if refused(err, "invalid job id", "already completing or completed") {
		return nil
	}
	return err
}

// Reaches implements [Launcher]: whether the disk is shared cannot be seen from here.
func (Slurm) Reaches(string) error { return nil }

// Announces implements [Launcher].
func (Slurm) Announces() bool { return true }
