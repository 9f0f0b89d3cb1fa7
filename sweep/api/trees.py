"""Stores as trees of labelled arrays, which are read from the disk when they are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from sweep.store.progress import STATES
from sweep.store.storage import Location, reaching
from sweep.store.store import Store, required_manifest


def open_tree(store: str | Path) -> xr.DataTree:
    """Open a store: a node for each stage, variables with labels and units, read from the disk when they are used.

    Points that are not done are missing values, also where a launch was interrupted in the middle of them. Axes of
    numbers are ascending. Works while a launch is at work.

    Parameters
    ----------
    store : str or Path
        Path or URL.

    Returns
    -------
    DataTree
        As `xarray.open_datatree` gives it.

    Raises
    ------
    SweepError
        When there is no store there.

    Examples
    --------
    >>> import sweep
    >>> tree = sweep.open("runs/tiny.zarr")
    >>> dict(tree["ising"]["energy"].sizes)["temperature"]
    2
    """
    found = Store(Location(str(store)))
    with reaching(found.location.place):
        required_manifest(found)
        tree = tree_of(found)
        half_done = [name for name in tree.children if _half_done(found, name)]
    if not half_done:
        return tree
    nodes = {node.path: node.to_dataset(inherit=False) for node in tree.subtree}
    for name in half_done:
        for node in tree[name].subtree:
            nodes[node.path] = _masked(nodes[node.path], nodes[f"/{name}"]["done"])
    return xr.DataTree.from_dict(nodes)


def tree_of(store: Store, *, as_stored: bool = False) -> xr.DataTree:
    """Return the tree of a store as it is there.

    Parameters
    ----------
    store : Store
    as_stored : bool
        Give the numbers that stand in the store, fill values and all, and keep none in memory.
    """
    return xr.open_datatree(
        store.location.zarr,  # type: ignore[arg-type]  # xarray takes what Zarr takes
        engine="zarr",
        mask_and_scale=not as_stored,
        cache=not as_stored,
    )


def _half_done(store: Store, stage: str) -> bool:
    progress = store.progress(stage)
    return bool(((progress.blocks > 0) & ~progress.done).any())


def _masked(data: xr.Dataset, done: xr.DataArray) -> xr.Dataset:
    """Return a dataset without what was computed of points that are not done; it is read when it is used."""
    at = {name: label.values[()] for name, label in data.coords.items() if not label.dims and name in done.dims}
    there = done.sel(at).astype(bool)
    return data.assign(
        {
            name: _Masked(values, there).variable()
            for name, values in data.data_vars.items()
            if name not in STATES and set(there.dims) <= set(values.dims)
        }
    )


class _Masked(BackendArray):
    """An array of the store, missing where a point is not there.

    Parameters
    ----------
    values : DataArray
    there : DataArray
        Over some of its dimensions.
    """

    def __init__(self, values: xr.DataArray, there: xr.DataArray) -> None:
        self._values, self._there = (xr.DataArray(each.variable) for each in (values, there))  # places, not labels
        self.shape = values.shape
        self.dtype = self._read((slice(0),) * values.ndim).dtype

    def variable(self) -> xr.Variable:
        """Return it with the dimensions and attributes of the values."""
        once = indexing.MemoryCachedArray(indexing.LazilyIndexedArray(self))  # type: ignore[no-untyped-call]  # xarray has no types there
        lazy = indexing.CopyOnWriteArray(once)  # type: ignore[arg-type]  # nor is it what xarray declares
        return xr.Variable(self._values.dims, lazy, self._values.attrs, self._values.encoding)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray[Any, Any]:
        at = dict(zip(self._values.dims, key, strict=True))
        part, there = self._values.isel(at), self._there.isel({dim: at[dim] for dim in self._there.dims})
        return (part.where(there, "") if part.dtype.kind in "OTU" else part.where(there)).to_numpy()
