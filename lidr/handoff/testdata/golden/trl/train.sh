#!/bin/sh
# Trains the round with trl and leaves the checkpoint in ../model. With --check it trains nothing, and says in its
# last line whether the program that is installed takes these files.
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
nodes=${PET_NNODES:-${SKYPILOT_NUM_NODES:-${SLURM_STEP_NUM_NODES:-1}}}
if [ "${nodes%%:*}" != 1 ]; then
	echo "train.sh: started on $nodes machines, expected 1; change trainer.nodes and hand the round off again" >&2
	exit 1
fi
gpus=${PET_NPROC_PER_NODE:-${SKYPILOT_NUM_GPUS_PER_NODE:-${SLURM_GPUS_ON_NODE:-4}}}
case $gpus in *[!0-9]*) gpus=4 ;; esac # auto, gpu, cpu
if [ "$gpus" -lt 4 ]; then
	echo "train.sh: this machine has $gpus GPUs, expected 4; change trainer.gpus and hand the round off again" >&2
	exit 1
fi
export PYTHONUNBUFFERED=1 # a step is printed when it is taken
for folder in ../model/checkpoint-*; do # one that a kill has cut short lacks its last file
	[ ! -d "$folder" ] || [ -f "$folder/trainer_state.json" ] || rm -rf "$folder"
done
last=$(ls -d ../model/checkpoint-* 2>/dev/null | sort -t- -k2 -n | tail -n 1)
accelerate launch --config_file accelerate.yaml -m trl.scripts.dpo --config dpo.yaml ${last:+--resume_from_checkpoint "$last"}
