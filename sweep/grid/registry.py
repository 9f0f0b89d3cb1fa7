"""Finding kernels: short names from entry points, anything else as ``module:NAME``."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from sweep.errors import did_you_mean
from sweep.kernels.contract import Kernel

GROUP = "sweep.kernels"


@functools.cache  # to look through all installed packages takes 30 ms
def short_names() -> Mapping[str, str]:
    """Return the short names that installed packages give to kernels, with the ``module:NAME`` of each."""
    return MappingProxyType({entry.name: entry.value for entry in entry_points(group=GROUP)})


def module_of(reference: str) -> str:
    """Return the name of the module that a kernel's reference leads to."""
    return short_names().get(reference, reference).partition(":")[0]


def find_kernel(reference: str) -> Kernel[Any]:
    """Return the kernel that a grid file names.

    Raises
    ------
    ValueError
        When there is no such module or name, or it is no kernel; says what was found and what was wanted.
    """
    target = short_names().get(reference, reference)
    module_name, colon, name = target.partition(":")
    if not colon:
        raise ValueError(f"no kernel {reference!r}; {did_you_mean(reference, short_names())} or give module:NAME")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(f"cannot import {module_name!r}: {type(error).__name__}: {error}") from error
    if module_name == "__main__" and not hasattr(module, name):
        raise ValueError(f"{name!r} is of a notebook or a program: do it there, in Python, or put it in a module")
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if isinstance(value, Kernel)]
        raise ValueError(f"module {module_name!r} has no {name!r}; {did_you_mean(name, known)}")
    kernel = getattr(module, name)
    if not isinstance(kernel, Kernel):
        raise ValueError(f"{target} is a {type(kernel).__name__}; wanted a Kernel")
    return kernel
