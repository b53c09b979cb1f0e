#!/bin/sh
# Trains the round with llama-factory and leaves the checkpoint in ../model. With --check it trains nothing, and says in its
# last line whether the program that is installed takes these files.
set -e
cd "$(dirname "$0")"
if [ "$1" = --check ]; then # by the Python that the program names in its first line, or the one beside it
	program=$(command -v llamafactory-cli) || { echo "check: llamafactory-cli is not installed here, or not in PATH"; exit 1; }
	python=$(sed -n '1s/^#! *\(.*python[0-9.]*\)$/\1/p' "$program" 2>/dev/null || :)
	case $python in */env\ *) python=${python#*/env } ;; esac
	exec "${python:-$(dirname "$program")/python}" check.py
fi
export PYTHONUNBUFFERED=1 # a step is printed when it is taken
for folder in ../model/checkpoint-*; do # one that a kill has cut short lacks its last file
	[ ! -d "$folder" ] || [ -f "$folder/trainer_state.json" ] || rm -rf "$folder"
done
llamafactory-cli train sft.yaml
