#!/bin/sh
# Trains the round with llama-factory and leaves the checkpoint in ../model.
set -e
cd "$(dirname "$0")"
FORCE_TORCHRUN=1 NPROC_PER_NODE=4 llamafactory-cli train dpo.yaml
