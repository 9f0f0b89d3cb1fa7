"""Laying out a plan: an empty dataset made, or the one that is there extended, by one switch of the root document.

What is new, and what changes its order, cells or type, is written under chunk keys that the present metadata do not
name. Then the root document, which names them, is put in place; then what it no longer names is removed. Whoever is
killed in between leaves the former dataset or the new one, and `settle` removes the rest.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sweep.errors import Problem, SweepError
from sweep.kernels.contract import Output
from sweep.planning.layout import Variable
from sweep.planning.plan import Layout, Region, StagePlan
from sweep.planning.template import COMPUTED_BY, UNKNOWN, Field, stage_fields
from sweep.planning.values import as_stored
from sweep.store.arrays import array_metadata, group_metadata, is_chunk_of, owner, regions
from sweep.store.chunks import StoredArray
from sweep.store.root import DOCUMENT, Metadata, Root, restore_root, write_root
from sweep.store.storage import Location, damage

CHANGING = ".sweep/extending"  # is there while files may lie about that the root does not name
TOO_MANY = 4  # an array is cut anew when it would have this many times the files of a fresh one

Array = npt.NDArray[Any]


def switch(location: Location, new: Root) -> None:
    """Make the store what a root says, whose chunks are all there; the caller has put `CHANGING`."""
    location.flush()
    write_root(location, new)
    settle(location, new)


def settle(location: Location, root: Root) -> None:
    """Bring every node's own document to what the root says, and remove what the root does not name."""
    for path, metadata in root.nodes.items():
        text = json.dumps(metadata, indent=2).encode()
        if _differs(location.get(f"{path}/{DOCUMENT}"), metadata):
            location.put(f"{path}/{DOCUMENT}", text, at_once=False)
    for key in location.list(""):
        if _is_left_over(key, root.nodes):
            location.delete(key)
    location.flush()
    location.delete(CHANGING)


def restore(location: Location, root: Root, sizes: Mapping[str, int]) -> None:
    """Mend what a crash or a power cut left: the root, a change cut short, documents that are empty or gone."""
    restore_root(location)
    if CHANGING in sizes:
        settle(location, root)
    else:
        for path, metadata in root.nodes.items():
            if not sizes.get(f"{path}/{DOCUMENT}"):
                location.put(f"{path}/{DOCUMENT}", json.dumps(metadata, indent=2).encode(), at_once=False)
        location.flush()


def _differs(own: bytes | None, metadata: Metadata) -> bool:
    try:
        return own is None or json.loads(own) != metadata
    except ValueError:
        return True


def _is_left_over(key: str, nodes: Mapping[str, Metadata]) -> bool:
    """Return whether a key is that of a chunk or node, below a stage, which the root does not name.

    What users put beside the stages, a group of their own say, is left alone.
    """
    array = owner(key, nodes)
    if array is not None:
        return not is_chunk_of(key, array, nodes[array])
    path, _, name = key.rpartition("/")
    return name == DOCUMENT and path not in nodes and key.partition("/")[0] in nodes


@dataclass(frozen=True)
class StageExtension:
    """One stage on its way from what the store has of it to what the plan wants.

    Parameters
    ----------
    location : Location
    plan : StagePlan
    former : mapping of path to metadata
        Nodes that the root names now.
    stored : Layout, optional
        What the store has of the stage; None when nothing was computed.
    """

    location: Location
    plan: StagePlan
    former: Mapping[str, Metadata]
    stored: Layout | None

    def nodes(self) -> dict[str, Metadata]:
        """Return the metadata of the stage's nodes; writes nothing."""
        found: dict[str, Metadata] = {}
        for node, (attributes, fields) in stage_fields(self.plan).items():
            found[node] = group_metadata(attributes)
            found.update({f"{node}/{item.name}": self._metadata(f"{node}/{item.name}", item) for item in fields})
        return found

    def write(self, nodes: Mapping[str, Metadata]) -> None:
        """Write the labels, and what was computed, of arrays to which `nodes` give other chunks than they had."""
        for node, (_, fields) in stage_fields(self.plan).items():
            for item in fields:
                path = f"{node}/{item.name}"
                old, new = self.former.get(path), nodes[path]
                if old is not None and old["chunk_key_encoding"] == new["chunk_key_encoding"]:
                    continue
                target = StoredArray(self.location, path, new)
                if item.values is not None:
                    target[...] = values_of(item)
                elif self.stored is not None and old is not None:
                    self._copy(path, StoredArray(self.location, path, old), target)
                elif self.stored is not None and item.name == COMPUTED_BY:  # the store is of an older version
                    for region in regions(target):
                        if self._begun[region].any():
                            target[region] = UNKNOWN

    def _metadata(self, path: str, item: Field) -> Metadata:
        old, fresh = self.former.get(path), array_metadata(item)
        if old is None:
            return fresh
        if self.stored is None or not self._fits(path, old, fresh, item):
            return array_metadata(item, beside=old)
        if any(now < before for now, before in zip(item.shape, old["shape"], strict=True)):
            what = f"would shrink from {old['shape']} to {list(item.shape)}; a store grows and never shrinks"
            raise SweepError(Problem(f"{self.location.place}: {path}", what))
        return {**old, **{key: fresh[key] for key in ("shape", "fill_value", "attributes")}}

    def _fits(self, path: str, old: Metadata, fresh: Metadata, item: Field) -> bool:
        """Return whether an array can stay where it is, and only grow at its end."""
        if any(old.get(key) != fresh.get(key) for key in ("data_type", "dimension_names")):
            return False
        if item.values is not None:
            return bool(old["shape"] == fresh["shape"]) and self._has_labels(path, old, item)
        axes = len(self._axes(path))
        chunk, wanted = _chunk(old), _chunk(fresh)
        too_many = _files(item.shape, chunk) > TOO_MANY * _files(item.shape, wanted)
        return self._stays and chunk[:axes] == wanted[:axes] and not too_many

    def _has_labels(self, path: str, old: Metadata, item: Field) -> bool:
        try:
            found = np.asarray(StoredArray(self.location, path, old)[...])
        except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
            damage(error)
            return False  # the labels are written again
        return bool(np.array_equal(found, values_of(item)))

    def _axes(self, path: str) -> tuple[str, ...]:
        """Return the stage's axes among the dimensions of an array that holds results, ``blocks`` or ``done``."""
        return tuple(self._variables[path].axes if path in self._variables else self.plan.stage.axes)

    def _copy(self, path: str, source: Any, target: Any) -> None:
        axes, begun = self._axes(path), self._begun
        output = self._variables[path].output if path in self._variables else None
        if path in self._variables:
            at = self._variables[path].at
            whole = self.plan.stage.axes.items()
            begun = begun[tuple(labels.index(at[axis]) if axis in at else slice(None) for axis, labels in whole)]
        for region in regions(target):
            cell = region[: len(axes)]
            if begun[cell].any():
                moves = [self._moves[axis][part] for axis, part in zip(axes, cell, strict=True)]
                target[region] = _gathered(source, moves, region, begun[cell], target, output)

    @cached_property
    def _variables(self) -> dict[str, Variable]:
        return {f"{variable.node}/{variable.name}": variable for variable in self.plan.variables}

    @cached_property
    def _stays(self) -> bool:
        """Return whether every label keeps its place."""
        former = self.stored.axes if self.stored is not None else {}
        return all(self.plan.stage.axes[axis][: len(labels)] == labels for axis, labels in former.items())

    @cached_property
    def _moves(self) -> dict[str, Array]:
        """Return, for every axis, where each label of the plan stood before; -1 where it is new."""
        former = self.stored.axes if self.stored is not None else {}
        before = {axis: {label: place for place, label in enumerate(labels)} for axis, labels in former.items()}
        now = self.plan.stage.axes
        return {axis: np.array([before[axis].get(label, -1) for label in labels]) for axis, labels in now.items()}

    @cached_property
    def _begun(self) -> Array:
        """Return which points of the plan have blocks in the store."""
        path, moves = f"{self.plan.stage.name}/blocks", list(self._moves.values())
        blocks = np.asarray(StoredArray(self.location, path, self.former[path])[...])
        there = functools.reduce(np.logical_and.outer, [move >= 0 for move in moves], np.asarray(True))
        return np.asarray(there & (blocks[np.ix_(*moves)] > 0))


def _gathered(
    source: Any, moves: Sequence[Array], region: Region, begun: Array, target: Any, output: Output | None
) -> Array:
    """Return the values of a region of the new array, taken from where they stood; missing where there was nothing."""
    outer = len(moves)
    dtype = object if output is not None and output.dtype == "str" else target.dtype
    values = np.full([part.stop - part.start for part in region], target.fill_value, dtype)
    ends = [min(part.stop, n) for part, n in zip(region[outer:], source.shape[outer:], strict=True)]
    starts = [part.start for part in region[outer:]]
    if all(start < end for start, end in zip(starts, ends, strict=True)):
        inner = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
        rows = [np.flatnonzero(begun.any(tuple({*range(outer)} - {axis}))) for axis in range(outer)]
        before = (move[row] for move, row in zip(moves, rows, strict=True))
        found = source.oindex[(*before, *inner)] if source.ndim else source[...]
        place: Any = (*np.ix_(*rows), *(slice(0, end - start) for start, end in zip(starts, ends, strict=True)))
        values[place] = found if output is None else as_stored(found, output)
    values[~begun] = target.fill_value
    return values


def _chunk(metadata: Metadata) -> tuple[int, ...]:
    return tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])


def _files(shape: Sequence[int], chunk: Sequence[int]) -> int:
    return math.prod(math.ceil(n / step) for n, step in zip(shape, chunk, strict=True))


def values_of(item: Field) -> Any:
    """Return the labels of a coordinate as the array that the store keeps."""
    return np.asarray(item.values, object if item.dtype == "str" else item.dtype)
