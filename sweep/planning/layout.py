"""Where results go: which node of the tree holds a variable, with which dimensions, shape and chunks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sweep.grid.axes import Label
from sweep.grid.grid import Stage
from sweep.kernels.contract import Output

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
    for name, axes in stage.dependences.items():
        free = {axis: len(labels) for axis, labels in stage.axes.items() if axis not in axes}
        for labels in itertools.product(*(stage.axes[axis] for axis in axes)):
            at = dict(zip(axes, labels, strict=True))
            node = "/".join([stage.name, *(f"{axis}={label}" for axis, label in at.items())])
            output = stage.ask(stage.kernel.outputs, {**stage.first, **at})[name]
            yield Variable(node, name, free, at, output, {axis: chunk[axis] for axis in free})
