#!/bin/sh
# Trains the round with trl and leaves the checkpoint in ../model.
# Run it on each of the 2 machines, which share this folder: NODE_RANK is 0 to 1, MASTER_ADDR the address of the first.
: ${NODE_RANK:?} ${MASTER_ADDR:?} ${MASTER_PORT:=29500}
set -e
cd "$(dirname "$0")"
trl dpo --config dpo.yaml --accelerate_config zero3 --num_processes 2 --num_machines 2 --machine_rank $NODE_RANK --main_process_ip $MASTER_ADDR --main_process_port $MASTER_PORT
