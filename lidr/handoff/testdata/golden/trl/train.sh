#!/bin/sh
# Trains the round with trl and leaves the checkpoint in ../model.
set -e
cd "$(dirname "$0")"
trl dpo --config dpo.yaml --accelerate_config zero3 --num_processes 4
