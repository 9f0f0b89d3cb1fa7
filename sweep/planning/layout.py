"""Where results go: which node of the tree holds a variable, with which dimensions, shape and chunks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sweep.errors import SweepError
from sweep.grid.axes import Label, Labels
from sweep.grid.grid import Stage
from sweep.kernels.contract import Arrays, Output

MAX_CHUNK_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Variable:
    """One array of the store.

    Parameters
    ----------
    node : str
        Path of the group, such as ``ising/size=10``.
    axes : mapping of str to int
        The stage's axes among its dimensions, with their lengths.
    at : mapping of str to label
        The axes that the node stands at one value of.
    output : Output
        Inner dimensions, dtype, units.
    chunk : mapping of str to int
        Points per chunk along each of `axes`.
    """

    node: str
    name: str
    axes: Mapping[str, int]
    at: Mapping[str, Label]
    output: Output
    chunk: Mapping[str, int] = field(default_factory=dict)

    @property
    def dims(self) -> tuple[str, ...]:
        """Return the names of all dimensions."""
        return (*self.axes, *self.output.dims)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the lengths of all dimensions."""
        return (*self.axes.values(), *self.output.shape)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Return the shape of a chunk: a cell of points, and of the inner dimensions as much as a file should hold."""
        outer = tuple(min(self.chunk[axis], length) for axis, length in self.axes.items())
        if not self.output.shape:
            return outer
        rows, *inner = self.output.shape
        row_bytes = math.prod((*outer, *inner)) * np.dtype(self.output.dtype).itemsize
        return (*outer, max(1, min(rows, MAX_CHUNK_BYTES // max(row_bytes, 1))), *inner)

    @property
    def point_bytes(self) -> int:
        """Return the size of the values of one point, not compressed."""
        return math.prod(self.output.shape) * np.dtype(self.output.dtype).itemsize

    @property
    def nbytes(self) -> int:
        """Return the size of the values, not compressed."""
        return math.prod(self.axes.values()) * self.point_bytes

    @property
    def files(self) -> int:
        """Return the number of chunks when all are written."""
        return math.prod(math.ceil(n / c) for n, c in zip(self.shape, self.chunks, strict=True))


def placed_variables(stage: Stage, chunk: Mapping[str, int]) -> Iterator[Variable]:
    """Yield every variable of a stage, at the node that the axes which its inner shape depends on lead to."""
    for name, axes in dependences(stage).items():
        free = {axis: len(labels) for axis, labels in stage.axes.items() if axis not in axes}
        for labels in itertools.product(*(stage.axes[axis] for axis in axes)):
            at = dict(zip(axes, labels, strict=True))
            node = "/".join([stage.name, *(f"{axis}={label}" for axis, label in at.items())])
            output = stage.ask(stage.kernel.outputs, {**_first(stage), **at})[name]
            yield Variable(node, name, free, at, output, {axis: chunk[axis] for axis in free})


def dependences(stage: Stage) -> dict[str, tuple[str, ...]]:
    """Return, for every output of a stage, the axes that its inner shape or inner labels depend on.

    An axis of whole numbers or flags is tried beyond the labels that the grid has, so that a store made for one lattice
    size is laid out as one for many.
    """
    base = stage.ask(stage.kernel.outputs, _first(stage))
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
    for label in dict.fromkeys([*labels[1:], *_neighbours(labels[0])]):
        try:
            yield stage.ask(stage.kernel.outputs, {**_first(stage), axis: label})
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


def _first(stage: Stage) -> dict[str, Label]:
    return {axis: labels[0] for axis, labels in stage.axes.items()}
