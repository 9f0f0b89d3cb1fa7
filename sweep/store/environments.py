"""What computes: the packages, BLAS and kind of processor on which the bits of results may depend."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

PACKAGES = ("sweep-rg", "numpy", "numba", "llvmlite")  # those that every kernel stands on

Environment = Mapping[str, str]


def environment_here(packages: Iterable[str] = ()) -> dict[str, str]:
    """Return what this process computes with, by name: Python, processor, BLAS, the packages of every kernel and more.

    Parameters
    ----------
    packages : iterable of str
        Further distributions that kernels use.
    """
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    blas: dict[str, Any] = min(libraries, key=lambda library: "numpy" not in library["filepath"], default={})
    simd = np.show_config(mode="dicts")["SIMD Extensions"]  # numpy's exp, log and the like differ between these
    machine = {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "BLAS": f"{blas.get('internal_api', 'unknown')} {blas.get('version', '')}".strip(),
        "BLAS core type": str(blas.get("architecture", "unknown")),
        "numpy's SIMD": (simd.get("found") or simd.get("baseline") or ["none"])[-1],
    }
    return {name: package_version(name) for name in [*PACKAGES, *packages]} | machine


def package_version(package: str) -> str:
    """Return which version of a distribution is installed, in words where none is."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def environment_differences(theirs: Environment, ours: Environment) -> list[str]:
    """Return in words where two environments differ, as far as both tell: ``numpy 2.3.0 (here 2.4.1)``."""
    both = [name for name in theirs if name in ours]
    return [f"{name} {theirs[name]} (here {ours[name]})" for name in both if theirs[name] != ours[name]]
