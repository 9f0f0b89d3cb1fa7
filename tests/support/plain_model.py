"""A plain model of a store: what must be in it, computed without the framework's loop, and what it says of itself."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import marks
import numpy as np
import xarray as xr

from sweep.grid.axes import canonical
from sweep.grid.identity import point_key, stream

Labels = tuple[tuple[str, Any], ...]  # the labels of a point: (axis, label) in the order of the names
KERNELS = {"marks:MARKS": marks.MARKS, "marks:SUMS": marks.SUMS}
LONG = {"rows"}  # parameters that say how long


@dataclass(frozen=True)
class Point:
    """One point of a stage: what names it, and how far it is by the store's own account."""

    stage: str
    labels: Labels
    done: bool = False
    rows: int = 0
    length: int = 0  # of the stage

    def continues(self, before: Point) -> bool:
        """Return whether nothing of what was done is lost: but the rest of a cut block, when the stage gets longer."""
        reopened = self.length > before.length and not self.done and self.rows >= before.rows // 2 * 2
        return reopened or (self.rows >= before.rows and self.done >= before.done)


@lru_cache(maxsize=100_000)
def expected(seed: int, stage: str, kernel: str, labels: Labels, blocks: int, read: Any = None) -> dict[str, Any]:
    """Return what a point holds after so many blocks.

    Parameters
    ----------
    read : tuple of (Labels, blocks, rows), optional
        The points of the stage `marks` that the kernel reads, in order, and the rows of each.
    """
    chosen = KERNELS[kernel]
    params = chosen.params(**dict(labels), **({} if read else {"rows": 2 * blocks}))
    fixed = {name: canonical(value) for name, value in vars(params).items() if name not in LONG}
    key = point_key(stage, chosen.name, fixed, {axis: canonical(label) for axis, label in labels})
    trails = [expected(seed, "marks", "marks:MARKS", at, n)["trail"][:rows] for at, n, rows in read or ()]
    inputs = {"data": {"trail": np.array(trails)}} if read else {}
    state = chosen.init(params, stream(seed, key, None), inputs)
    found: dict[str, Any] = {}
    for block in range(blocks):
        state, results = chosen.advance(params, state, stream(seed, key, block), inputs)
        for name, values in results.items():
            rows = name in ("trail", "steps") and name in found
            found[name] = np.concatenate([found[name], values]) if rows else values
    return found


def stage_arrays(tree: xr.DataTree, stage: str) -> dict[tuple[str, Any], xr.DataArray]:
    """Return the results of a stage by name and, for those that stand at one size, the size."""
    top = tree[stage].to_dataset()
    found = {(str(name), None): values for name, values in top.data_vars.items()}
    for name, node in tree[stage].children.items():
        size = int(name.partition("=")[2])
        found |= {(str(key), size): values for key, values in node.to_dataset().data_vars.items()}
    return found


def points_of(tree: xr.DataTree) -> dict[tuple[str, Labels], Point]:
    """Return every point that a store has, with what the store says of it."""
    found = {}
    for stage in tree.children:
        top = tree[stage].to_dataset()
        done, blocks = top["done"], np.asarray(top["blocks"])
        flags = np.asarray(done) == 1
        for index in np.ndindex(done.shape):
            at = {str(dim): top[dim].values.tolist()[i] for dim, i in zip(done.dims, index, strict=True)}
            labels = tuple(sorted(at.items()))
            length = top.sizes.get("row", 1)
            rows = min(length, 2 * int(blocks[index])) if "row" in top.dims else int(blocks[index])
            found[stage, labels] = Point(stage, labels, bool(flags[index]), rows, length)
    return found


def differences(tree: xr.DataTree, stage: str, point: Point, wanted: Mapping[str, Any]) -> list[str]:
    """Return the results of a point that are not, to the bit, what they must be as far as the point goes."""
    at, wrong = dict(point.labels), []
    for (name, size), values in stage_arrays(tree, stage).items():
        if name in ("done", "blocks", "computed_by") or (size is not None and size != at.get("size")):
            continue
        place = tuple(int(np.flatnonzero(values[dim].values == at[str(dim)])[0]) for dim in values.dims if dim in at)
        found = np.asarray(values)[place]
        right = np.asarray(wanted[name]).astype(found.dtype)
        if "row" in values.dims:
            found, right = found[: point.rows], right[: point.rows]
        elif not point.done:
            continue
        if found.tobytes() != right.tobytes():
            wrong.append(f"{stage}/{name} at {at}: found {found!r}, wanted {right!r}")
    return wrong


def read_tree(store: Path) -> xr.DataTree:
    """Return a store as xarray has it, integers and booleans as they are stored."""
    with xr.open_datatree(str(store), engine="zarr", mask_and_scale=False) as tree:
        return tree.load()


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ascending(tree: xr.DataTree) -> bool:
    """Return whether every axis of numbers stands in the order of its labels."""
    columns = itertools.chain.from_iterable(node.to_dataset().indexes.values() for node in tree.subtree)
    return all(index.is_monotonic_increasing for index in columns if index.dtype.kind in "if")
