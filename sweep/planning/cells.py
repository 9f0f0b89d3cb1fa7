"""Cells: how many points of a stage share one chunk of the store, and what points cost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from sweep.grid.axes import Label
from sweep.grid.grid import Stage, Work

CELL_SECONDS = 0.5  # points are gathered into one chunk until they are this much work ...
CELL_BYTES = 32 * 2**20  # ... or this much data
REGROUP = 8  # cells are cut anew when they are this many times too small, or too much work
CELL_AT_MOST = REGROUP * CELL_SECONDS
POINT_SECONDS = 1e-4  # the framework's own work at a point: its key, generators, parameters


def cell_shape(stage: Stage, factor: float = 1.0) -> dict[str, int]:
    """Return how many points along each axis share a chunk: cheap and small points do, the last axis first.

    Parameters
    ----------
    stage : Stage
    factor : float
        What a second that the kernel's own `cost` predicts was seen to take; 1 where nothing was seen.
    """
    single = {axis for axes in stage.dependences.values() for axis in axes}
    seconds = factor * max(seconds_of(stage.work_at(point)) for point in _corners(stage))
    size = max(_bytes_of(stage, point) for point in _corners(stage))
    room = max(1, int(min(CELL_SECONDS / seconds, CELL_BYTES / max(size, 1))))
    shape = dict.fromkeys(stage.axes, 1)
    for axis in reversed(list(stage.axes)):
        if axis not in single:
            shape[axis] = max(1, min(len(stage.axes[axis]), room))
            room //= shape[axis]
    return shape


def cell_shape_kept(stage: Stage, stored: Mapping[str, int], factor: float = 1.0) -> Mapping[str, int]:
    """Return the cells that a store has, or others where those have become far too small or far too much work."""
    fresh = cell_shape(stage, factor)
    before, now = math.prod(stored.values()), math.prod(fresh.values())
    return fresh if now >= REGROUP * before or (factor != 1 and now < before) else stored


def seconds_of(work: Work) -> float:
    """Return the predicted seconds of one core for a point."""
    return POINT_SECONDS + work.blocks * work.cost


def _corners(stage: Stage) -> Iterator[dict[str, Label]]:
    """Yield the first and last point along each axis, where cost and size are extreme."""
    ends = [labels if len(labels) < 3 else (labels[0], labels[-1]) for labels in stage.axes.values()]
    for labels in itertools.product(*ends):
        yield dict(zip(stage.axes, labels, strict=True))


def _bytes_of(stage: Stage, point: Mapping[str, Label]) -> int:
    outputs = stage.ask(stage.kernel.outputs, point).values()
    return sum(math.prod(output.shape) * np.dtype(output.dtype).itemsize for output in outputs)
