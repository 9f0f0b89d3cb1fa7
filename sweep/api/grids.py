"""A grid from a file, a text or a mapping."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweep.errors import Problem, SweepError
from sweep.grid import grid as checked
from sweep.grid.file import set_value
from sweep.grid.load import load_grid
from sweep.grid.resolve import resolve
from sweep.grid.shipped import find_grid
from sweep.grid.yaml_text import dump_yaml, parse_yaml
from sweep.kernels.contract import Kernel


class Grid(checked.Grid):
    """What is to be computed: stages, each a kernel mapped over labelled axes.

    Parameters
    ----------
    source : path, str, mapping or Grid
        A file, or the name of a grid that comes along (``quick``); a text of several lines is YAML; a mapping is what
        such a text says, where a kernel may stand for its name. A kernel that stands in a session or a module is named
        by it, so it must have its name there.
    changes : mapping of str to value
        Values that replace others: ``{"stages.ising.params.configurations": 100}``.

    Raises
    ------
    SweepError
        With every mistake, each with its place, what was found and what was wanted. Nothing is computed or written.

    Examples
    --------
    >>> import sweep
    >>> grid = sweep.Grid({
    ...     "name": "first",
    ...     "seed": 1,
    ...     "stages": {"ising": {"kernel": "ising", "axes": {"size": [4], "temperature": [2.0, "critical"]}}},
    ... })
    >>> grid.stages["ising"].axes["temperature"]
    (2.0, 2.269185314213022)
    """

    def __init__(self, source: Any, changes: Mapping[str, Any] | None = None) -> None:
        found = _read(source, changes or {})
        for field in dataclasses.fields(checked.Grid):
            object.__setattr__(self, field.name, getattr(found, field.name))


def _read(source: Any, changes: Mapping[str, Any]) -> checked.Grid:
    if isinstance(source, Path) or (isinstance(source, str) and "\n" not in source):
        path = find_grid(Path(source))
        folder = str(path.absolute().parent)
        if folder not in sys.path:
            sys.path.append(folder)  # a kernel may stand beside the grid that names it
        return load_grid(path, [f"{key}={dump_yaml(value)}" for key, value in changes.items()])
    where, text = "the grid", source.text if isinstance(source, checked.Grid) else source
    document = parse_yaml(text, where) if isinstance(text, str) else _named(text)
    if not isinstance(document, dict):
        raise SweepError(Problem(where, f"found {type(source).__name__}; wanted a file, a YAML text or a mapping"))
    for key, value in changes.items():
        set_value(document, key, value, f"{where}: {key}")
    return resolve(document, text if isinstance(text, str) and not changes else dump_yaml(document), where)


def _named(document: Any) -> Any:
    """Return a copy of a document, with the names of kernels in their place."""
    if not isinstance(document, Mapping):
        return document
    stages = document.get("stages")
    if isinstance(stages, Mapping):
        stages = {name: _stage(f"stages.{name}", stage) for name, stage in stages.items()}
    return copy.deepcopy({**document, "stages": stages} if stages else dict(document))


def _stage(where: str, stage: Any) -> Any:
    if isinstance(stage, Mapping) and isinstance(stage.get("kernel"), Kernel):
        stage = {**stage, "kernel": _reference(where, stage["kernel"])}
    return stage


def _reference(where: str, kernel: Kernel[Any]) -> str:
    """Return ``module:NAME`` of a kernel."""
    module = kernel.params.__module__
    for name, value in vars(sys.modules[module]).items():
        if value is kernel:
            return f"{module}:{name}"
    what = f"the kernel {kernel.name} has no name in {module}; wanted one there, by which workers find it"
    raise SweepError(Problem(f"{where}.kernel", what))
