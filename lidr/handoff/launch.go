package handoff

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// launchHead is the head of train.sh: its arguments are the program, what is said of several machines, the program's
// command, the folder of its checkpoints, machines and GPUs.
const launchHead = `#!/bin/sh
# Trains the round with %s and leaves the checkpoint in ../model. With --check it trains nothing, and says in its
# last line whether the program that is installed takes these files.
%sset -e
cd "$(dirname "$0")"
if [ "$1" = --check ]; then # by the Python that the program names in its first line, or the one beside it
	program=$(command -v %[3]s) || { echo "check: %[3]s is not installed here, or not in PATH"; exit 1; }
	python=$(sed -n '1s/^#! *\(.*python[0-9.]*\)$/\1/p' "$program" 2>/dev/null || :)
	case $python in */env\ *) python=${python#*/env } ;; esac
	exec "${python:-$(dirname "$program")/python}" check.py
fi
# The sizes as Kubeflow's trainer and torchrun (PET_), SkyPilot or Slurm's srun tell them: a step's pairs are shared out
# over so many GPUs.
nodes=${PET_NNODES:-${SKYPILOT_NUM_NODES:-${SLURM_STEP_NUM_NODES:-%[5]d}}}
if [ "${nodes%%%%:*}" != %[5]d ]; then
	echo "train.sh: started on $nodes machines, expected %[5]d; change trainer.nodes and hand the round off again" >&2
	exit 1
fi
gpus=${PET_NPROC_PER_NODE:-${SKYPILOT_NUM_GPUS_PER_NODE:-${SLURM_GPUS_ON_NODE:-%[6]d}}}
case $gpus in *[!0-9]*) gpus=%[6]d ;; esac # auto, gpu, cpu
if [ "$gpus" -lt %[6]d ]; then
	echo "train.sh: this machine has $gpus GPUs, expected %[6]d; change trainer.gpus and hand the round off again" >&2
	exit 1
fi
export PYTHONUNBUFFERED=1 # a step is printed when it is taken
for folder in ../%[4]s/checkpoint-*; do # one that a kill has cut short lacks its last file
	[ ! -d "$folder" ] || [ -f "$folder/trainer_state.json" ] || rm -rf "$folder"
done
`

// meeting finds out which of several machines a process is on, and where they meet: by hand, or as Kubeflow's trainer
// and torchrun (PET_), SkyPilot, Slurm's srun, or an indexed job of Kubernetes tell it.
const meeting = `: "${NODE_RANK:=${PET_NODE_RANK:-${SKYPILOT_NODE_RANK:-${SLURM_STEP_NUM_NODES:+$SLURM_NODEID}}}}"
: "${NODE_RANK:=$JOB_COMPLETION_INDEX}"
: "${MASTER_ADDR:=${PET_MASTER_ADDR:-$(printf '%s\n' "$SKYPILOT_NODE_IPS" | head -n 1)}}"
if [ -z "$MASTER_ADDR" ] && [ -n "$SLURM_JOB_NODELIST" ]; then
	MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" 2>/dev/null | head -n 1)
	: "${MASTER_ADDR:=$SLURM_LAUNCH_NODE_IPADDR}"
fi
: "${MASTER_PORT:=${PET_MASTER_PORT:-29500}}"
if [ -z "$NODE_RANK" ] || [ -z "$MASTER_ADDR" ]; then
	echo "train.sh: NODE_RANK or MASTER_ADDR is missing; start it as NODE_RANK=0 MASTER_ADDR=ADDRESS sh train.sh, and so" \
		"on, or by srun, SkyPilot or Kubeflow's trainer" >&2
	exit 1
fi
export NODE_RANK MASTER_ADDR MASTER_PORT`

// writeLaunch writes train.sh, which runs commands in its own folder, and what its --check needs.
func (j *job) writeLaunch(commands ...string) error {
	machines := ""
	if nodes := j.trainer.Nodes; nodes > 1 {
		machines = fmt.Sprintf("# Run it on each of the %d machines, which share this folder: NODE_RANK is 0 to %d, "+
			"MASTER_ADDR the address of the first.\n# Slurm's srun, SkyPilot and Kubeflow's trainer say both.\n", nodes, nodes-1)
		commands = append([]string{meeting}, commands...)
	}
	head := fmt.Sprintf(launchHead, j.trainer.Program, machines, j.trainer.command(),
		filepath.Base(logFolder(j.run, j.next)), j.trainer.Nodes, j.trainer.GPUs)
	text := head + strings.Join(commands, "\n") + "\n"
	return errors.Join(j.writeCheck(), j.run.Write(j.path("train.sh"), []byte(text)))
}

// launch says in words what to run on which machine.
func (j *job) launch() string {
	script := "sh " + j.path("train.sh")
	if j.trainer.Nodes == 1 {
		return script
	}
	lines := make([]string, j.trainer.Nodes)
	for rank := range lines {
		lines[rank] = fmt.Sprintf("NODE_RANK=%d MASTER_ADDR=… %s", rank, script)
	}
	return strings.Join(lines, " and ")
}

// path joins parts below M<t+1>/handoff.
func (j *job) path(parts ...string) string {
	return filepath.Join(j.run.Path(j.next, "handoff"), filepath.Join(parts...))
}
