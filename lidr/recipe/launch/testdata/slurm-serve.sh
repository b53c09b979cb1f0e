#!/bin/sh
#SBATCH --job-name=lidr-1a2b3c4d-serve-m0-0
#SBATCH --output=/data/run/launch/lidr-1a2b3c4d-serve-m0-0.log
#SBATCH --open-mode=append
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --dependency=singleton
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --time=240
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
srun --kill-on-bad-exit=1 --cpus-per-task=8 apptainer exec --nv x.sif vllm serve '/data/my model' --port 8000 &
while :; do
	wait $! && code=0 || code=$?
	kill -0 $! 2>/dev/null || exit $code
done
