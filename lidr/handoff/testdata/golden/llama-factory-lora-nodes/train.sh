#!/bin/sh
# Trains the round with llama-factory and leaves the checkpoint in ../model.
# Run it on each of the 2 machines, which share this folder: NODE_RANK is 0 to 1, MASTER_ADDR the address of the first.
: ${NODE_RANK:?} ${MASTER_ADDR:?} ${MASTER_PORT:=29500}
set -e
cd "$(dirname "$0")"
FORCE_TORCHRUN=1 NPROC_PER_NODE=2 NNODES=2 NODE_RANK=$NODE_RANK MASTER_ADDR=$MASTER_ADDR MASTER_PORT=$MASTER_PORT llamafactory-cli train dpo.yaml
[ "$NODE_RANK" != 0 ] || llamafactory-cli export merge.yaml
