#!/bin/sh
# Trains the round with trl and leaves the checkpoint in ../model. With --check it trains nothing, and says in its
# last line whether the program that is installed takes these files.
# Run it on each of the 2 machines, which share this folder: NODE_RANK is 0 to 1, MASTER_ADDR the address of the first.
# Slurm's srun, SkyPilot and Kubeflow's trainer say both.
set -e
cd "$(dirname "$0")"
if [ "$1" = --check ]; then # by the Python that the program names in its first line, or the one beside it
	program=$(command -v trl) || { echo "check: trl is not installed here, or not in PATH"; exit 1; }
	python=$(sed -n '1s/^#! *\(.*python[0-9.]*\)$/\1/p' "$program" 2>/dev/null || :)
	case $python in */env\ *) python=${python#*/env } ;; esac
	exec "${python:-$(dirname "$program")/python}" check.py
fi
# The sizes as Kubeflow's trainer and torchrun (PET_), SkyPilot or Slurm's srun tell them: a step's pairs are shared out
# over so many GPUs.
nodes=${PET_NNODES:-${SKYPILOT_NUM_NODES:-${SLURM_STEP_NUM_NODES:-2}}}
if [ "${nodes%%:*}" != 2 ]; then
	echo "train.sh: started on $nodes machines, expected 2; change trainer.nodes and hand the round off again" >&2
	exit 1
fi
gpus=${PET_NPROC_PER_NODE:-${SKYPILOT_NUM_GPUS_PER_NODE:-${SLURM_GPUS_ON_NODE:-1}}}
case $gpus in *[!0-9]*) gpus=1 ;; esac # auto, gpu, cpu
if [ "$gpus" -lt 1 ]; then
	echo "train.sh: this machine has $gpus GPUs, expected 1; change trainer.gpus and hand the round off again" >&2
	exit 1
fi
export PYTHONUNBUFFERED=1 # a step is printed when it is taken
for folder in ../model/checkpoint-*; do # one that a kill has cut short lacks its last file
	[ ! -d "$folder" ] || [ -f "$folder/trainer_state.json" ] || rm -rf "$folder"
done
: "${NODE_RANK:=${PET_NODE_RANK:-${SKYPILOT_NODE_RANK:-${SLURM_STEP_NUM_NODES:+$SLURM_NODEID}}}}"
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
export NODE_RANK MASTER_ADDR MASTER_PORT
last=$(ls -d ../model/checkpoint-* 2>/dev/null | sort -t- -k2 -n | tail -n 1)
accelerate launch --config_file accelerate.yaml --machine_rank $NODE_RANK --main_process_ip $MASTER_ADDR --main_process_port $MASTER_PORT -m trl.scripts.dpo --config dpo.yaml ${last:+--resume_from_checkpoint "$last"}
