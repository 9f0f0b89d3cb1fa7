"""Numerical experiments at every point of a grid, on all cores or a cluster; results are labelled xarray datasets.

What is here, the framework in Python, is loaded when it is first used: to import this takes no time.
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sweep.compiled import keep_compiled

if TYPE_CHECKING:
    from sweep.api.grids import Grid
    from sweep.api.launching import launch, plan
    from sweep.api.stores import compare, report, rerun, status, tasks, verify
    from sweep.api.trees import open_tree as open  # noqa: A004 - as one opens a file
    from sweep.errors import SweepError
    from sweep.kernels.contract import Kernel, Output, parameter
    from sweep.kernels.function import kernel

__all__ = [
    "Grid",
    "Kernel",
    "Output",
    "SweepError",
    "compare",
    "kernel",
    "launch",
    "open",
    "parameter",
    "plan",
    "report",
    "rerun",
    "status",
    "tasks",
    "verify",
]

_HOMES = {
    "Grid": "sweep.api.grids:Grid",
    "Kernel": "sweep.kernels.contract:Kernel",
    "Output": "sweep.kernels.contract:Output",
    "SweepError": "sweep.errors:SweepError",
    "compare": "sweep.api.stores:compare",
    "kernel": "sweep.kernels.function:kernel",
    "launch": "sweep.api.launching:launch",
    "open": "sweep.api.trees:open_tree",
    "parameter": "sweep.kernels.contract:parameter",
    "plan": "sweep.api.launching:plan",
    "report": "sweep.api.stores:report",
    "rerun": "sweep.api.stores:rerun",
    "status": "sweep.api.stores:status",
    "tasks": "sweep.api.stores:tasks",
    "verify": "sweep.api.stores:verify",
}

keep_compiled()  # here, since numba looks for its folder when a kernel is imported, in whatever process that is


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("sweep-rg")
    if name not in _HOMES:
        raise AttributeError(f"module 'sweep' has no attribute {name!r}")
    module, _, there = _HOMES[name].partition(":")
    found = globals()[name] = getattr(importlib.import_module(module), there)
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
