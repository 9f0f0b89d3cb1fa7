"""What computes: the packages, BLAS and kind of processor on which the bits of results may depend.

A store numbers those that have computed points of it, and keeps each as ``.sweep/environments/<n>``; ``computed_by``
(`sweep.store.attribution`) holds the number of every point.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from sweep.store.storage import Location

PREFIX = ".sweep/environments/"
ABSENT = "not installed"
GPU = "GPU"
PACKAGES = ("sweep-rg", "numpy", "numba", "llvmlite")  # those that every kernel stands on

Environment = Mapping[str, str]


def environment_here(packages: Iterable[str] = (), *, gpus: bool = False, root: Path = Path("/")) -> dict[str, str]:
    """Return what this process computes with, by name: Python, processor, BLAS, the packages of every kernel and more.

    Parameters
    ----------
    packages : iterable of str
        Further distributions that kernels use.
    gpus : bool
        Kernels use GPUs: say what kind they are, where there are any.
    root : Path
        Where ``proc`` is.
    """
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    blas: dict[str, Any] = min(libraries, key=lambda library: "numpy" not in library["filepath"], default={})
    simd = np.show_config(mode="dicts")["SIMD Extensions"]  # numpy's exp, log and the like differ between these
    machine = {
        "numpy": np.__version__,
        "python": platform.python_version(),
        "processor": platform.machine(),
        "BLAS": f"{blas.get('internal_api', 'unknown')} {blas.get('version', '')}".strip(),
        "BLAS core type": str(blas.get("architecture", "unknown")),
        "numpy's SIMD": (simd.get("found") or simd.get("baseline") or ["none"])[-1],
    }
    kinds = sorted(_gpus(root)) if gpus else []
    machine |= {GPU: ", ".join(kinds)} if kinds else {}
    return {name: package_version(name) for name in [*PACKAGES, *packages]} | machine


def _gpus(root: Path) -> set[str]:
    """Return the models of the GPUs of this machine, as NVIDIA's driver tells them."""
    told = [
        line for file in root.glob("proc/driver/nvidia/gpus/*/information") for line in file.read_text().splitlines()
    ]
    return {line.removeprefix("Model:").strip() for line in told if line.startswith("Model:")}


@functools.cache
def package_version(package: str) -> str:
    """Return which version of a distribution is installed, in words where none is."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def environment_differences(theirs: Environment, ours: Environment) -> list[str]:
    """Return in words where two environments differ, as far as both tell: ``numpy 2.3.0 (here 2.4.1)``."""
    both = [name for name in theirs if name in ours]
    return [f"{name} {theirs[name]} (here {ours[name]})" for name in both if theirs[name] != ours[name]]


def enrol(location: Location, environment: Environment) -> int:
    """Return the number of an environment in a store, a new one where it has computed nothing there yet."""
    known = read_environments(location)
    same = [number for number, other in known.items() if other == environment]
    number = same[0] if same else max(known, default=-1) + 1
    if same or location.put_if_absent(f"{PREFIX}{number}", _text(environment)):
        return number
    return enrol(location, environment)  # another worker was faster


def read_environments(location: Location) -> dict[int, Environment | None]:
    """Return what has computed points of a store, by number; None where that is damaged, empty where it is lost."""
    names = [key.removeprefix(PREFIX) for key in location.list(PREFIX)]
    return {number: _read(location, number) for number in sorted(int(name) for name in names if name.isdigit())}


def forget_environment(location: Location, number: int) -> None:
    """Keep that a number was given to an environment which is not known any more."""
    location.put(f"{PREFIX}{number}", _text({}))


def _text(environment: Environment) -> bytes:
    return json.dumps({"sha256": _digest(environment), "environment": dict(environment)}, indent=2).encode()


def _read(location: Location, number: int) -> Environment | None:
    try:
        kept = json.loads(location.get(f"{PREFIX}{number}") or b"")
        environment = dict(kept["environment"])
        return environment if kept["sha256"] == _digest(environment) else None
    except (ValueError, TypeError, KeyError):
        return None


def _digest(environment: Environment) -> str:
    return hashlib.sha256(json.dumps(dict(environment)).encode()).hexdigest()
