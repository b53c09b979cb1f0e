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
export PYTHONUNBUFFERED=1 # a step is printed when it is taken
for folder in ../model/checkpoint-*; do # one that a kill has cut short lacks its last file
	[ ! -d "$folder" ] || [ -f "$folder/trainer_state.json" ] || rm -rf "$folder"
done
last=$(ls -d ../model/checkpoint-* 2>/dev/null | sort -t- -k2 -n | tail -n 1)
accelerate launch --config_file accelerate.yaml -m trl.scripts.dpo --config dpo.yaml ${last:+--resume_from_checkpoint "$last"}
