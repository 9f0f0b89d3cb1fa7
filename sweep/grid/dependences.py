"""Which axes of a stage the shape and the inner labels of its outputs depend on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from sweep.errors import SweepError
from sweep.grid.axes import Label, Labels
from sweep.kernels.contract import Arrays, Output

if TYPE_CHECKING:
    from sweep.grid.grid import Stage


def dependences(stage: Stage) -> dict[str, tuple[str, ...]]:
    """Return, for every output of a stage, the axes that its inner shape or inner labels depend on.

    An axis of whole numbers or flags is tried beyond the labels that the grid has, so that a store made for one lattice
    size is laid out as one for many.
    """
    base = stage.ask(stage.kernel.outputs, stage.first)
    found: dict[str, list[str]] = {name: [] for name in base}
    for axis, labels in stage.axes.items():
        for changed in _outputs_elsewhere(stage, axis, labels):
            for name, output in base.items():
                if axis not in found[name] and name in changed and not _alike(output, changed[name]):
                    found[name].append(axis)
    return {name: tuple(axes) for name, axes in found.items()}


def _outputs_elsewhere(stage: Stage, axis: str, labels: Labels) -> Iterator[Mapping[str, Output]]:
    """Yield the outputs at other values of one axis; a value that the kernel refuses is passed over."""
    read = [stage.inputs[name].joined for name, _ in stage.kernel.shapes.values()]
    if axis not in stage.parameter_names.union(*read):
        return
    first = stage.first
    for label in dict.fromkeys([*labels[1:], *_neighbours(labels[0])]):
        try:
            yield stage.ask(stage.kernel.outputs, {**first, axis: label})
        except SweepError:
            continue


def _neighbours(label: Label) -> Iterable[Label]:
    if isinstance(label, bool):
        return (not label,)
    return (label + 1, label - 1, 2 * label) if isinstance(label, int) else ()


def _alike(a: Output, b: Output) -> bool:
    return (a.dims, a.shape, a.dtype) == (b.dims, b.shape, b.dtype) and _same_arrays(a.coords, b.coords)


def _same_arrays(a: Arrays, b: Arrays) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)
