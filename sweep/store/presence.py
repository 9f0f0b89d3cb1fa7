"""Whether the chunks are there that ``blocks`` speaks of: one listing, nothing is read.

A chunk that is missing is no error to Zarr: it reads as missing values.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from sweep.planning.layout import Variable
from sweep.planning.plan import Region, StagePlan


def variables_in(plan: StagePlan, region: Region) -> Iterator[Variable]:
    """Yield the arrays that have points in a cell."""
    labels = plan.labels(region)
    for variable in plan.variables:
        if all(label in labels[axis] for axis, label in variable.at.items()):
            yield variable


def chunk_indices(
    array: Any, variable: Variable, plan: StagePlan, region: Region, blocks: int | None = None
) -> Iterator[tuple[int, ...]]:
    """Yield the chunks of an array that a cell has filled: with so many blocks, or with all of them."""
    parts = dict(zip(plan.stage.axes, region, strict=True))
    outer = [
        range(parts[axis].start // n, parts[axis].start // n + 1)
        for axis, n in zip(variable.axes, array.chunks, strict=False)
    ]
    lengths = list(array.shape[len(outer) :])
    if variable.output.block is not None and blocks is not None:
        lengths[0] = min(lengths[0], blocks * variable.output.block)
    inner = [range(math.ceil(n / chunk)) for n, chunk in zip(lengths, array.chunks[len(outer) :], strict=True)]
    return itertools.product(*outer, *inner)


def absent_chunks(
    arrays: Mapping[str, Any], plan: StagePlan, region: Region, blocks: int, sizes: Mapping[str, int]
) -> Iterator[str]:
    """Yield the keys of chunks that a cell with so many blocks must have, and which are not there or empty.

    Parameters
    ----------
    arrays : mapping of path to array
    plan : StagePlan
    region : Region
        The cell.
    blocks : int
        The most that any of its points has.
    sizes : mapping of key to bytes
        A listing of the store.
    """
    for variable in variables_in(plan, region):
        path = f"{variable.node}/{variable.name}"
        array = arrays[path]
        for index in chunk_indices(array, variable, plan, region, blocks):
            key = array.key(index)
            if not sizes.get(key):
                yield key
