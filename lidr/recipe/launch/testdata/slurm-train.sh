#!/bin/sh
#SBATCH --job-name=lidr-1a2b3c4d-train-m1
#SBATCH --output=/data/run/launch/lidr-1a2b3c4d-train-m1.log
#SBATCH --open-mode=append
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --dependency=singleton
#SBATCH --signal=B:USR1@120
#SBATCH --gpus-per-node=8
#SBATCH --mem=400G
#SBATCH --time=1440
#SBATCH --partition=gpu

again() {
	echo "lidr: its time is nearly over, so that the job is queued again"
	scontrol requeue "$SLURM_JOB_ID"
}
trap again USR1
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000))
export MASTER_ADDR MASTER_PORT
module load cuda
srun --kill-on-bad-exit=1 apptainer exec --nv x.sif sh -c 'sh "$0" --check && exec sh "$0"' /data/run/M1/handoff/train.sh &
while :; do
	wait $! && code=0 || code=$?
	kill -0 $! 2>/dev/null || exit $code
done
