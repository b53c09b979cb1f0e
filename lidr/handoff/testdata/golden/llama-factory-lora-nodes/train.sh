#!/bin/sh
# Trains the round with llama-factory and leaves the checkpoint in ../model. With --check it trains nothing, and says in its
# last line whether the program that is installed takes these files.
# Run it on each of the 2 machines, which share this folder: NODE_RANK is 0 to 1, MASTER_ADDR the address of the first.
set -e
cd "$(dirname "$0")"
if [ "$1" = --check ]; then # by the Python that the program names in its first line, or the one beside it
	program=$(command -v llamafactory-cli) || { echo "check: llamafactory-cli is not installed here, or not in PATH"; exit 1; }
	python=$(sed -n '1s/^#! *\(.*python[0-9.]*\)$/\1/p' "$program" 2>/dev/null || :)
	case $python in */env\ *) python=${python#*/env } ;; esac
	exec "${python:-$(dirname "$program")/python}" check.py
fi
export PYTHONUNBUFFERED=1 # a step is printed when it is taken
for folder in ../adapter/checkpoint-*; do # one that a kill has cut short lacks its last file
	[ ! -d "$folder" ] || [ -f "$folder/trainer_state.json" ] || rm -rf "$folder"
done
: ${NODE_RANK:?} ${MASTER_ADDR:?} ${MASTER_PORT:=29500}
FORCE_TORCHRUN=1 NPROC_PER_NODE=2 NNODES=2 NODE_RANK=$NODE_RANK MASTER_ADDR=$MASTER_ADDR MASTER_PORT=$MASTER_PORT llamafactory-cli train dpo.yaml
[ "$NODE_RANK" != 0 ] || llamafactory-cli export merge.yaml
