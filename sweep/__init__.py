"""The framework: grid, plan, tasks, executors, store."""
