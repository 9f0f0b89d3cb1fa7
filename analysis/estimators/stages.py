"""Finding stages in a store, and what is complete in them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)


def stages_of(tree: xr.DataTree, kernel: str) -> dict[str, xr.DataTree]:
    """Return the stages of a store that a kernel made, by name."""
    return {name: node for name, node in tree.children.items() if node.attrs.get("kernel") == kernel}


def mapping(attributes: Mapping[Any, Any], name: str) -> Mapping[str, Any]:
    """Return an attribute that is a mapping: JSON text in a store, which older ones keep as a mapping itself."""
    value = attributes.get(name, {})
    return cast("Mapping[str, Any]", json.loads(value) if isinstance(value, str) else value)


def with_common_labels(parts: Sequence[xr.Dataset], dim: str) -> list[xr.Dataset]:
    """Return datasets of several stages whose numbers along `dim` are equal where they agree to 12 digits."""
    known: dict[str, float] = {}
    found = []
    for part in parts:
        labels = [known.setdefault(f"{label:.12g}", label) for label in part[dim].values.tolist()]
        found.append(part.assign_coords({dim: part[dim].copy(data=labels)}))
    return found


def own_labels(values: Labelled) -> Labelled:
    """Return what a node below a stage has without the indexes of the nodes above it.

    A node ``size=10`` has a label `size` of its own, and by inheritance the index of all sizes under the same name:
    xarray then refuses every new coordinate.

    Parameters
    ----------
    values : DataArray or Dataset
    """
    inherited = [name for name in values.xindexes if name not in values.dims]
    return values.drop_indexes(inherited)


def done_only(stage: xr.DataTree, name: str, node: xr.DataTree | None = None) -> xr.DataArray:
    """Return a variable of a stage, or of a node below it, as floats; points that are not complete are NaN."""
    return complete_only(stage, (node or stage).to_dataset()[name])


def complete_only(stage: xr.DataTree, values: xr.DataArray) -> xr.DataArray:
    """Return values over the points of a stage as floats; NaN where a point is not complete."""
    done = stage.to_dataset()["done"]
    at = {str(name): label for name, label in values.coords.items() if name in done.dims and label.ndim == 0}
    return values.astype(float, copy=False).where(
        done.sel({name: label.item() for name, label in at.items()}, drop=True)
    )


def settings(stage: xr.DataTree, inner: Sequence[str] = (REALISATION,)) -> Iterator[tuple[dict[str, Any], xr.Dataset]]:
    """Yield every place in the axes of a stage where a realisation is complete: its labels, and its data.

    Parameters
    ----------
    stage : DataTree
    inner : sequence of str
        Axes that stay dimensions of the data.
    """
    done = stage.to_dataset()["done"].load()
    axes = [str(dim) for dim in done.dims if dim not in inner]
    for labels in itertools.product(*(np.sort(np.asarray(stage[axis])).tolist() for axis in axes)):
        at = dict(zip(axes, labels, strict=True))
        complete = done.sel(at, drop=True)
        if complete.any():
            yield at, completed(dataset_at(stage, at), complete)


def dataset_at(stage: xr.DataTree, at: Mapping[str, Any]) -> xr.Dataset:
    """Return the variables of all nodes of a stage that belong to one setting, in one dataset."""
    parts = []
    for node in stage.subtree:
        data = node.to_dataset().drop_vars(["done", "blocks"], errors="ignore")
        if all(data[axis].item() == label for axis, label in at.items() if axis in data.coords and not data[axis].dims):
            chosen = {axis: label for axis, label in at.items() if axis in data.dims}
            parts.append(data.sel(chosen).drop_vars(list(at), errors="ignore"))
    return xr.merge(parts, join="exact", compat="identical")


def completed(data: xr.Dataset, complete: xr.DataArray) -> xr.Dataset:
    """Return the realisations that are complete at every other point of `complete`, such as at all temperatures.

    Of the snapshots of a training, those that it has not come to are left out: a preset may name more than there are.
    """
    if {"snapshot", "step"} <= set(data.dims):
        data = data.isel(snapshot=np.flatnonzero(data["snapshot"].values <= data["step"].values[-1]))
    whole = complete.all([dim for dim in complete.dims if dim != REALISATION])
    if REALISATION not in whole.dims:
        return data
    return data.isel({REALISATION: np.flatnonzero(whole.values)})
