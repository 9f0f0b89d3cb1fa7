"""Stages that nobody can compute any more, their kernel or grid gone: what is there is read all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sweep.planning.plan import Layout
from sweep.planning.template import COMPUTED_BY
from sweep.store.checkpoint import FOLDER, unpack
from sweep.store.storage import damage
from sweep.store.store import Store
from sweep.verification.finding import Finding, Remedy
from sweep.verification.looked import Tally


def unplanned_findings(store: Store, name: str, layout: Layout, tally: Tally) -> Iterator[Finding]:
    """Yield what is missing or unreadable in a stage of which only the layout is known.

    How much of each result one block makes is not known, so that of the chunks along an array's inner dimensions the
    first is required where a point is done, and the later ones up to the last that is there.
    """
    progress = store.progress(name)
    for path, metadata in store.root.nodes.items():
        if path.startswith(f"{name}/") and metadata["node_type"] == "array":
            for key, what in _damaged(store, path, layout, progress.done, tally):
                yield Finding(name, key, what, Remedy.none)
    for key in store.location.list(f"{FOLDER}/{name}/"):
        tally.checkpoints += 1
        try:
            unpack(store.location.get(key) or b"", key.rpartition("/")[2])
        except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
            yield Finding(name, key, f"the checkpoint cannot be read: {damage(error)}", Remedy.remove)


def _damaged(
    store: Store, path: str, layout: Layout, done: npt.NDArray[np.bool_], tally: Tally
) -> Iterator[tuple[str, str]]:
    node, _, name = path.rpartition("/")
    array = store.array(path)
    present = set(store.location.list(f"{path}/"))
    dims = tuple(array.metadata.dimension_names or ())
    is_label = dims == (name,)
    outer = 0 if is_label else sum(dim in layout.axes for dim in dims)
    last: dict[tuple[int, ...], bool] = {}
    for index in reversed(list(np.ndindex(*array.cdata_shape))):
        key = array.key(index)
        if key in present:
            last[index[:outer]] = True
            try:
                values = array.chunk(index)
            except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
                yield key, f"cannot be read: {damage(error)}"
                continue
            tally.saw(values)
            if is_label and name in layout.axes and values.tolist() != list(layout.axes[name]):
                yield key, f"labels are {_brief(values.tolist())}; wanted {_brief(list(layout.axes[name]))}"
        elif name != COMPUTED_BY and (
            is_label
            or last.get(index[:outer])
            or (not any(index[outer:]) and _is_done(node, index, array, layout, done))
        ):
            yield key, "is missing, and would be read as missing values"


def _is_done(node: str, index: tuple[int, ...], array: Any, layout: Layout, done: npt.NDArray[np.bool_]) -> bool:
    """Return whether a point of a chunk is done."""
    at = dict(part.partition("=")[::2] for part in node.split("/")[1:])
    dims = array.metadata.dimension_names or ()
    parts = dict(zip(dims, zip(index, array.chunks, strict=True), strict=True))
    region = []
    for axis, labels in layout.axes.items():
        if axis in at:
            place = [str(label) for label in labels].index(at[axis])
            region.append(slice(place, place + 1))
        else:
            number, step = parts[axis]
            region.append(slice(number * step, (number + 1) * step))
    return bool(done[tuple(region)].any())


def _brief(labels: list[Any]) -> str:
    return str(labels) if len(labels) <= 6 else f"{labels[:3]} ... {labels[-1]}"
