"""Executors: run tasks, yield outcomes. `inline` for debugging, `ray` for everything else."""
