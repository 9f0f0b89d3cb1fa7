#!/bin/bash
# A Ray cluster for the time of a Slurm job, and a launch on it that stops before the job's time is over and goes on in
# the next one (docs/slurm.md). From the project's folder: sbatch deploy/slurm.sh GRID --store STORE [--set ...]
#SBATCH --job-name=sweep
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --exclusive
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append

margin=300 # seconds for the blocks that are at work when the launch is told to stop, and for Ray's own end
export STOP=$((SLURM_JOB_END_TIME - margin))
if [ "$(date +%s)" -ge "$STOP" ]; then
  echo "no time is left for a launch: --time must be longer than $margin s" >&2
  exit 2
fi

head=$(hostname -I | cut -d' ' -f1) # this script runs on the first node, whose name may mean 127.0.1.1 there
address=$head:$((20000 + SLURM_JOB_ID % 10000))
PATH=$PWD/.venv/bin:$PATH
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n') # the job's nodes have it from here, and nobody else
export PATH RAY_AUTH_MODE=token RAY_AUTH_TOKEN
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300 # seconds: all nodes load Python from one disk

# shellcheck disable=SC2016  # what is left is known when Ray is up
launch='left=$((STOP - $(date +%s))); exec sweep launch --address auto --wait --for $((left > 0 ? left : 0))s "$@"'
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  ray symmetric-run --address "$address" --min-nodes "$SLURM_JOB_NUM_NODES" \
  --num-cpus "$SLURM_CPUS_PER_TASK" --disable-usage-stats \
  -- bash -c "$launch" sweep "$@"
status=$?

if [ $status -eq 130 ] && [ "$(date +%s)" -ge "$STOP" ]; then # not where it was cancelled
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $status
