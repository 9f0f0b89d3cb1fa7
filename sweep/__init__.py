"""The framework: grid, plan, tasks, executors, store."""

from sweep.compiled import keep_compiled

keep_compiled()  # here, since numba looks for its folder when a kernel is imported, in whatever process that is
